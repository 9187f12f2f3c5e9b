// SPDX-License-Identifier: MIT
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include <wafer/gen/history.hpp>

using namespace wafer;

namespace {

std::string shown(const history& h) {
    std::string out;
    for (const auto& m : h.turns()) out += m.role.substr(0, 1) + m.content + " ";
    return out;
}
message user(const char* text) { return {.role = "user", .content = text}; }
message model_says(const char* text) { return {.role = "assistant", .content = text}; }

constexpr auto yes = [](const auto&) { return true; };
constexpr auto never = [] { return false; };

}  // namespace

TEST_CASE("history: a question is gone unless it is kept, and forgotten with its turns alone") {
    history h;
    h.restart({{.role = "system", .content = "s"}});
    { const history::question dropped(h, {user("a"), user("b")}); }
    CHECK(shown(h) == "ss ");
    {
        history::question q(h, {user("a"), user("b")});
        CHECK(shown(h) == "ss ua ub ");
        q.keep();
    }
    h.forget_question();
    h.forget_question();
    CHECK(shown(h) == "ss ");
    h.answer(model_says("to nobody"));
    CHECK(shown(h) == "ss ");
}

TEST_CASE("history: an answer is unproven until a template takes it, or is gone with its question") {
    history h;
    const auto ask = [&] {
        history::question(h, {user("a")}).keep();
        h.answer(model_says("b"));
        CHECK(h.is_unproven());
    };
    ask();
    h.prove(yes, never);
    CHECK(!h.is_unproven());
    CHECK(shown(h) == "ua ab ");
    h.forget_question();  // none waits
    CHECK(shown(h) == "ua ab ");
    ask();
    // Takes no second answer but "?".
    h.prove([](const auto& turns) { return turns[turns.size() - 2].content == "?"; }, never);
    CHECK(!h.is_unproven());
    CHECK(shown(h) == "ua ab ");
}

TEST_CASE("history: a proof that is stopped changes nothing, and is still due") {
    history h;
    history::question(h, {user("a")}).keep();
    h.answer(model_says("b"));
    bool stopped = false;
    const auto takes = [&](const auto&) {
        stopped = true;
        return false;
    };
    h.prove(takes, [&] { return stopped; });
    CHECK(h.is_unproven());
    CHECK(shown(h) == "ua ab ");
    h.prove(yes, [] { return true; });
    CHECK(h.is_unproven());
    h.forget_unproven();
    CHECK((!h.is_unproven() && h.turns().empty()));
    h.restart({});
    CHECK((!h.is_unproven() && h.turns().empty()));
}

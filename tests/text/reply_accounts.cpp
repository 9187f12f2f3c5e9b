// SPDX-License-Identifier: MIT
#include <random>
#include <string>
#include <string_view>
#include <support/reply_accounts.hpp>
#include <support/reply_events.hpp>
#include <support/reply_texts.hpp>
#include <vector>

#include <doctest/doctest.h>

#include <wafer/core/json.hpp>
#include <wafer/text/call_format.hpp>
#include <wafer/text/reply_reader.hpp>

using namespace wafer;

namespace {

// Cut at random where step is 0.
wafer_test::events read(call_dialect dialect, bool inside, std::string_view text, std::size_t step,
                        std::mt19937& random) {
    reply_reader reader(dialect, inside ? "<think>\n" : "", wafer_test::tools_of_replies());
    wafer_test::events out;
    const auto add = [&](wafer_test::events more) {
        for (auto& e : more) out.push_back(std::move(e));
    };
    for (std::size_t at = 0; at < text.size();) {
        const std::size_t n = step > 0 ? step : 1 + random() % 40;
        add(reader.feed(text.substr(at, n)));
        at += n;
    }
    add(reader.flush());
    return out;
}

std::string joined(const wafer_test::events& all) {
    wafer_test::events out;
    wafer_test::join(out, all);
    return wafer_test::shown(out);
}

}  // namespace

TEST_CASE("reply_accounts: what the events of a reply do not account for is seen") {
    const auto covers = [](call_dialect dialect, std::string_view text, const wafer_test::events& all) {
        return wafer_test::reply_accounts(dialect, false, text).cover(all);
    };
    const reply_event begin{reply_kind::call_begin, "f"}, arguments{reply_kind::call_arguments, "{}"},
        end{reply_kind::call_end, "{}", "f", json::object{}};
    const std::string call = R"(<tool_call>{"name": "f", "arguments": {}}</tool_call>)";
    CHECK(covers(call_dialect::hermes, "a\n" + call + "\n", {{reply_kind::answer, "a\n"}, begin, arguments, end}));
    CHECK_FALSE(covers(call_dialect::hermes, "a\n" + call + "\n", {begin, arguments, end}));
    CHECK_FALSE(covers(call_dialect::hermes, "a\n" + call, {{reply_kind::answer, "a"}, begin, arguments, end}) ==
                covers(call_dialect::hermes, "a b" + call, {{reply_kind::answer, "a"}, begin, arguments, end}));
    CHECK_FALSE(covers(call_dialect::hermes, call + "b", {begin, arguments, end}));
    CHECK_FALSE(covers(call_dialect::hermes, call + call, {begin, arguments, end}));
    CHECK_FALSE(covers(call_dialect::hermes, call, {begin, arguments}));
    CHECK_FALSE(covers(call_dialect::qwen_coder, "<tool_call>\n<function=f>x</function>",
                       {{reply_kind::call_invalid, "<function=f>x</function>"}}));
    CHECK(covers(call_dialect::none, "<think>a</think>\nb", {{reply_kind::thinking, "a"}, {reply_kind::answer, "b"}}));
    CHECK_FALSE(covers(call_dialect::none, "<think>a</think>\nb", {{reply_kind::answer, "b"}}));
    const std::string_view two = "<|channel|>final<|message|>a<|end|><|start|>assistant<|channel|>final<|message|>b";
    CHECK(covers(call_dialect::harmony, two, {{reply_kind::answer, "a"}, {reply_kind::answer, "\nb"}}));
    CHECK_FALSE(covers(call_dialect::harmony, two, {{reply_kind::answer, "a"}}));
    CHECK_FALSE(covers(call_dialect::harmony, "<|channel|>final I say <|end|>" + std::string(two),
                       {{reply_kind::answer, "a"}, {reply_kind::answer, "\nb"}}));
}

TEST_CASE("reply_accounts: of whatever is written nothing is lost and nothing comes twice, wherever it is cut") {
    std::mt19937 random(11);
    for (const call_format& format : call_formats) {
        CAPTURE(format.name);
        std::size_t good = 0, bad = 0;
        for (int i = 0; i < 4000; ++i) {
            const bool inside = random() % 8 == 0;
            const std::string text = wafer_test::any_reply(format.dialect, random);
            CAPTURE(text);
            const wafer_test::reply_accounts accounts(format.dialect, inside, text);
            const wafer_test::events whole = read(format.dialect, inside, text, text.size() + 1, random);
            CHECK_MESSAGE(accounts.cover(whole), wafer_test::shown(whole));
            for (const auto& e : whole) {
                good += e.kind == reply_kind::call_end;
                bad += e.kind == reply_kind::call_invalid;
            }
            for (const std::size_t step : {1u, 7u, 0u}) {
                const wafer_test::events cut = read(format.dialect, inside, text, step, random);
                CHECK_MESSAGE(accounts.cover(cut), wafer_test::shown(cut));
                CHECK(joined(cut) == joined(whole));
            }
        }
        CHECK(good > 1000);
        CHECK(bad > 300);
    }
}

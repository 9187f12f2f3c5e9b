// SPDX-License-Identifier: MIT
// A question can be stopped whatever is being done for it: by a token that is asked for beforehand, at a time, or by stop().
#include <chrono>
#include <functional>
#include <optional>
#include <stop_token>
#include <string>
#include <support/reasoner.hpp>
#include <support/small_chat.hpp>
#include <thread>
#include <vector>

#include <doctest/doctest.h>

#include <wafer/gen/session.hpp>
#include <wafer/text/grammar/gbnf.hpp>

using namespace wafer;
using wafer_test::greedy;
using wafer_test::reasoner;

namespace {

using clock_type = std::chrono::steady_clock;

model with_a_template(const char* source) {
    static wafer_test::warnings heard;
    return wafer_test::small_chat([&](auto& file) { file.pair("tokenizer.chat_template", source); }, heard);
}

// Takes minutes if nobody stops it, and yet stays within what rendering may use.
constexpr const char* slow_template = "{% for i in range(3000) %}{% for j in range(3000) %}{% endfor %}{% endfor %}"
                                      "{% for m in messages %}{{ m.content }}{% endfor %}";
constexpr const char* quick_template = "{% for m in messages %}{{ m.content }}{% endfor %}";

/// Asks, and stops that from another thread after some milliseconds. Whatever the moment, it ends soon, and ended() says why.
template <class Ask>
void stop_after(session<>& chat, int milliseconds, const Ask& ask) {
    std::stop_source source;
    std::jthread other([&] {
        std::this_thread::sleep_for(std::chrono::milliseconds(milliseconds));
        source.request_stop();
    });
    auto reply = ask(ask_options{.stop = source.get_token()});
    while (reply.next()) {
    }
    CHECK(chat.ended() == finish::stopped);
    CHECK(reply.ended() == finish::stopped);
}

}  // namespace

TEST_CASE("session: a token that was requested before the question stops it before anything is read") {
    session<> chat{reasoner(), greedy()};
    (void)chat.ask("What is 1 + 1?").text();
    const auto before = chat.messages().size();
    const auto read = chat.tokens().position();
    std::stop_source source;
    source.request_stop();
    for (int i = 0; i < 2; ++i) {
        auto reply = i == 0 ? chat.ask("What is 17 + 25?", {.stop = source.get_token()})
                            : chat.complete("17 + 25 =", {.stop = source.get_token()});
        CHECK(reply.ended() == finish::stopped);
        CHECK(!reply.next());
        CHECK(chat.ended() == finish::stopped);
        CHECK(chat.messages().size() == before);
        CHECK(chat.tokens().position() == read);
    }
    // The next question takes it back.
    CHECK(chat.ask("What is 17 + 25?").text() == "17 + 25 = 42");
    CHECK(chat.ask("What is 17 + 25?", {.stop = std::stop_source().get_token()}).text() == "17 + 25 = 42");
}

TEST_CASE("session: a deadline ends an answer wherever it is") {
    session<> chat{reasoner(), greedy()};
    CHECK(chat.ask("What is 17 + 25?", {.deadline = clock_type::now()}).text().empty());
    CHECK(chat.ended() == finish::deadline);
    CHECK(chat.messages().empty());
    CHECK(chat.ask("What is 17 + 25?", {.deadline = clock_type::now() + std::chrono::hours(1)}).text() ==
          "17 + 25 = 42");
    CHECK(chat.ended() == finish::end_of_turn);
    // Past the answer it counts no more.
    const auto soon = clock_type::now() + std::chrono::milliseconds(300);
    (void)chat.ask("What is 17 + 25?", {.deadline = soon}).text();
    std::this_thread::sleep_until(soon);
    const token_id one = 1;
    CHECK(chat.tokens().eval({&one, 1}) == eval_status::done);

    // While it is drawn: a model that never ends a turn, in a context without end.
    const auto m = with_a_template(quick_template);
    session<> endless{m, [] {
                          auto o = greedy();
                          o.shape.n_context = 30000;
                          return o;
                      }()};
    (void)endless.ask("ab", {.deadline = clock_type::now() + std::chrono::milliseconds(30)}).text();
    CHECK(endless.ended() == finish::deadline);
    REQUIRE(endless.messages().size() == 2);  // what was said so far stays
    CHECK(to_string(finish::deadline) == "deadline");
    session<> again{m, greedy()};
    again.load(endless.save());
    CHECK(again.ended() == finish::deadline);
}

TEST_CASE("session: a question is stopped in time although the answer before it was left unfinished") {
    auto how = greedy();
    how.shape.n_context = 30000;
    const auto m = with_a_template(quick_template);
    session<> chat{m, how};
    for (const bool completes : {false, true}) {
        auto unfinished = chat.ask("ab");
        (void)unfinished.next();
        const ask_options soon{.deadline = clock_type::now() + std::chrono::milliseconds(30)};
        auto reply = completes ? chat.complete("c", soon) : chat.ask("c", soon);
        while (reply.next()) {
        }
        CHECK(chat.ended() == finish::deadline);
    }
}

#if WAFER_EXCEPTIONS
TEST_CASE("session: rendering is stopped, and the conversation stands as before") {
    const auto m = with_a_template(slow_template);
    session<> chat{m, greedy()};
    for (const int delay : {0, 5, 20}) {
        stop_after(chat, delay, [&](const auto& until) { return chat.ask("ab", until); });
        CHECK(chat.messages().empty());
        CHECK(chat.tokens().position() == 0);
    }
    auto reply = chat.ask("ab", {.deadline = clock_type::now() + std::chrono::milliseconds(10)});
    CHECK(reply.ended() == finish::deadline);
    // stop() reaches it, too, once ask() has begun.
    std::jthread other([&](const std::stop_token& over) {
        while (!over.stop_requested()) {
            std::this_thread::sleep_for(std::chrono::milliseconds(5));
            chat.stop();
        }
    });
    CHECK(!chat.ask("ab").next());
    CHECK(chat.ended() == finish::stopped);
}

TEST_CASE("session: a deadline counts while the template is asked whether it takes the answer") {
    const auto m =
        with_a_template("{% if messages | length > 2 %}{% for i in range(3000) %}{% for j in range(3000) %}{% endfor %}"
                        "{% endfor %}{% endif %}{% for m in messages %}{{ m.content }}{% endfor %}");
    auto how = greedy();
    how.max_tokens = 3;
    session<> chat{m, how};
    const auto start = clock_type::now();
    (void)chat.ask("ab", {.deadline = start + std::chrono::milliseconds(300)}).text();
    CHECK(chat.ended() == finish::max_tokens);
    CHECK(clock_type::now() - start < std::chrono::seconds(2));
    CHECK(chat.messages().size() == 2);
}
#endif

TEST_CASE("session: encoding is stopped, and the conversation stands as before") {
    const auto m = with_a_template(quick_template);
    session<> chat{m, greedy()};
    const std::string letters(4 << 20, 'a'), marks = [] {
        std::string text;
        while (text.size() < 4 << 20) text += "e\xCC\x81 ";
        return text;
    }();
    for (const auto* text : {&letters, &marks})
        for (const int delay : {0, 5, 15}) {
            // It is too long, which shows where it is not stopped in time.
            std::optional<error> full =
                error_of([&] { stop_after(chat, delay, [&](const auto& until) { return chat.ask(*text, until); }); });
            CHECK((!full || full->code() == errc::context_full));
            CHECK(chat.messages().empty());
        }
}

TEST_CASE("session: the search for what a grammar allows is stopped, and goes on anew with the next question") {
    // Many ways to go on at every letter: a mask is the work of many tokens.
    std::string rules = "root ::= (";
    for (int i = 0; i < 400; ++i) {
        const std::string digit = std::to_string(i % 10);
        rules += "(\"a" + digit + "\" | \"b" + digit + "\" | [a-c])? ";
    }
    auto how = greedy();
    how.grammar = grammar::gbnf(rules + ") \"!\"");
    how.max_tokens = 8;
    const auto m = with_a_template(quick_template);
    session<> chat{m, how}, calm{m, how};
    const std::string said = calm.ask("ab").text();
    for (const int delay : {0, 1, 3, 10}) {
        std::stop_source later;
        std::jthread other([&] {
            std::this_thread::sleep_for(std::chrono::milliseconds(delay));
            later.request_stop();
        });
        session<> fresh{m, how};
        const std::string part = fresh.ask("ab", {.stop = later.get_token()}).text();
        CHECK(said.starts_with(part));
        fresh.reset();
        CHECK(fresh.ask("ab").text() == said);  // half of a mask is not kept
    }
    CHECK(chat.ask("ab").text() == said);
}

TEST_CASE("session: whether a template takes a stopped answer is found out when it is built on") {
    // Takes no answer that this model gives.
    const auto m = with_a_template("{% for m in messages %}{% if m.role == 'assistant' and m.content != '?' %}"
                                   "{{ raise_exception('no') }}{% endif %}{{ m.content }}{% endfor %}");
    auto how = greedy();
    how.shape.n_context = 30000;
    for (const bool saves : {false, true}) {
        session<> chat{m, how};
        (void)chat.ask("ab", {.deadline = clock_type::now() + std::chrono::milliseconds(50)}).text();
        REQUIRE(chat.ended() == finish::deadline);
        CHECK(chat.messages().size() == 2);
        if (saves) (void)chat.save();
        else (void)chat.ask("c").next();
        if (saves) CHECK(chat.messages().empty());
        else CHECK(chat.messages().front().content == "c");
    }
    // An answer that ended by itself is proven at once.
    how.max_tokens = 3;
    session<> chat{m, how};
    (void)chat.ask("ab").text();
    CHECK(chat.messages().empty());
}

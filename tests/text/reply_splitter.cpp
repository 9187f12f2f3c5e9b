// SPDX-License-Identifier: MIT
#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include <doctest/doctest.h>

#include <wafer/text/reply_splitter.hpp>

using namespace wafer;

TEST_CASE("reply_splitter: it knows where the answer itself comes next, which a grammar may rule") {
    // Where it does, the text behind is in brackets.
    const auto marked = [](call_dialect dialect, std::string_view prompt, const std::vector<std::string>& tokens) {
        reply_splitter splitter(dialect, prompt);
        std::string out;
        for (const auto& t : tokens) {
            out += splitter.answering() ? "[" + t + "]" : t;
            (void)splitter.feed(t);
        }
        return out;
    };
    CHECK(marked(call_dialect::harmony, "<|start|>assistant",
                 {"<|channel|>", "analysis", "<|message|>", "hm", "<|end|>", "<|start|>", "assistant", "<|channel|>",
                  "commentary", "<|message|>", "I look", "<|end|>", "<|start|>", "assistant", "<|channel|>", "final",
                  "<|message|>", "4", "2"}) ==
          "<|channel|>analysis<|message|>hm<|end|><|start|>assistant<|channel|>commentary<|message|>I look<|end|>"
          "<|start|>assistant<|channel|>final<|message|>[4][2]");
    CHECK(marked(call_dialect::harmony, "<|start|>assistant",
                 {"<|channel|>", "commentary to=functions.f", "<|message|>", "{", "}"}) ==
          "<|channel|>commentary to=functions.f<|message|>{}");
    CHECK(marked(call_dialect::harmony, "", {"4", "2"}) == "4[2]");
    CHECK(marked(call_dialect::hermes, "<think>\n", {"a", "</think>", "4"}) == "a</think>[4]");
    CHECK(marked(call_dialect::none, "", {"4", "2"}) == "[4][2]");
    reply_splitter to_f(call_dialect::harmony);
    for (const auto* text : {"<|channel|>", "commentary to=functions.f", "<|message|>", "{}", "<|call|>"}) {
        CHECK(to_f.calling() == (std::string(text) == "{}" || std::string(text) == "<|call|>"));
        (void)to_f.feed(text);
    }
    CHECK_FALSE(to_f.calling());
    CHECK(reply_splitter().awaited().empty());
    reply_splitter splitter(call_dialect::harmony);
    CHECK(std::ranges::count(splitter.awaited(), "<|channel|>") == 1);
    (void)splitter.feed("<|channel|>");
    CHECK(splitter.awaited().empty());
    (void)splitter.feed("analysis<|message|>a");
    CHECK(splitter.awaited().empty());
    (void)splitter.feed("<|end|>");
    CHECK(!splitter.awaited().empty());
}

TEST_CASE("reply_splitter: only tags open thinking before an answer") {
    reply_splitter tags;
    CHECK(tags.opens(" <th"));
    (void)tags.feed("<th");
    CHECK(tags.may_open());
    CHECK(tags.opens("ink>hm"));
    CHECK_FALSE(tags.opens(" ink>"));
    (void)tags.feed("o");
    CHECK_FALSE(tags.may_open());
    CHECK_FALSE(tags.opens("<think>"));
    const reply_splitter channels(call_dialect::harmony);
    CHECK_FALSE(channels.may_open());
    CHECK_FALSE(channels.opens("<think>"));
}

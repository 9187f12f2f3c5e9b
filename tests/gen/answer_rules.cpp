// SPDX-License-Identifier: MIT
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <support/small_vocabulary.hpp>

#include <doctest/doctest.h>

#include <wafer/core/error.hpp>
#include <wafer/gen/answer_rules.hpp>
#include <wafer/text/grammar/gbnf.hpp>
#include <wafer/text/grammar/token_trie.hpp>
#include <wafer/text/tokenizer.hpp>

using namespace wafer;

namespace {

const std::string newlines = "\xC4\x8A\xC4\x8A";  // as vocabularies write two

/// Every byte, and these.
tokenizer words_with(std::initializer_list<std::string> more) {
    auto v = wafer_test::small_vocabulary();
    v.tokens.back() = "<pad>";  // no tag of its own
    for (const auto& text : more) {
        v.tokens.push_back(text);
        v.types.push_back(token_type::normal);
    }
    return tokenizer(std::move(v));
}

/// An answer drawn by wishes.
class answer {
public:
    answer(const tokenizer& words, std::string_view rules, std::string_view prompt, bool may_think = true,
           call_dialect dialect = call_dialect::none, bool may_call = false)
        : words_(words),
          rules_(grammar::gbnf(rules), std::make_shared<grammar::token_trie>(grammar::token_trie::of(words)), words,
                 dialect, prompt, may_think, may_call) {}

    /// The first of these tokens that may come next; none: whatever may.
    std::string next(std::initializer_list<std::string_view> wishes) {
        const auto id = rules_.draw([&](std::span<const std::uint64_t> allowed) {
            const auto has = [&](token_id i) { return (allowed[static_cast<std::size_t>(i) / 64] >> i % 64 & 1) != 0; };
            for (const auto wish : wishes)
                if (const token_id i = words_.find(wish).value(); has(i)) return i;
            token_id i = 0;
            while (!has(i)) ++i;
            return i;
        });
        return std::string(words_.piece(id.value()));
    }
    /// Spells this, each byte of which may come next.
    void say(std::string_view text) {
        for (const char c : text) CHECK(next({std::string_view(&c, 1)}) == std::string_view(&c, 1));
    }
    bool is_over() { return rules_.is_over(); }

private:
    const tokenizer& words_;
    answer_rules rules_;
};

}  // namespace

TEST_CASE("answer_rules: what the token that ends thinking says beyond is the answer's beginning") {
    const auto words = words_with({">{", ">" + newlines, ">" + newlines + "{", ">no", newlines});
    const auto thought = [&](std::string_view rules) {
        answer a(words, rules, "<think>\n");
        for (const char c : std::string_view("hm {</think")) CHECK(a.next({std::string_view(&c, 1)})[0] == c);
        return a;
    };
    auto braces = thought(R"(root ::= "{" "}")");
    CHECK(braces.next({">no", ">{"}) == ">{");
    CHECK(braces.next({"{", "}"}) == "}");
    CHECK(braces.is_over());

    auto blank = thought(R"(root ::= "{" "}")");
    CHECK(blank.next({">\n\n"}) == ">\n\n");
    CHECK(blank.next({"}", "{"}) == "{");

    auto both = thought(R"(root ::= "{" "}")");
    CHECK(both.next({">\n\n{"}) == ">\n\n{");
    CHECK(both.next({"{", "}"}) == "}");

    auto yes = thought(R"(root ::= "yes")");
    CHECK(yes.next({">{", ">no", ">"}) == ">");
    CHECK(yes.next({"{", "</s>", "<", "y"}) == "y");

    // White space behind the tag is no part of the answer, and comes once.
    for (const char* rules : {R"(root ::= "yes")", R"(root ::= [ \n]* "yes")"}) {
        auto spaced = thought(rules);
        CHECK(spaced.next({">"}) == ">");
        CHECK(spaced.next({"n", "<", "\n\n"}) == "\n\n");
        CHECK(spaced.next({"n", "<", "\n\n", "\n", "y"}) == "y");
        CHECK(spaced.next({"\n", "e"}) == "e");
    }

    auto no = thought(R"(root ::= "no")");
    CHECK_FALSE(no.is_over());
    CHECK(no.next({"</s>", ">no"}) == ">no");
    CHECK(no.is_over());
}

TEST_CASE("answer_rules: a model may spell the tag that opens thinking, before the answer and only there") {
    const auto words = words_with({"<th", "ink>", "ink>hm", "<b"});
    const auto yes = R"(root ::= "yes")";
    for (const std::string_view end : {"ink>", "ink>hm"}) {
        answer a(words, yes, "");
        CHECK(a.next({"a", "</s>", "<b", "<th"}) == "<th");
        CHECK_FALSE(a.is_over());
        CHECK(a.next({"y", "</s>", "<th", end}) == end);
        CHECK(a.next({"</s>", "a"}) == "a");
        for (const char c : std::string_view("</think>")) CHECK(a.next({std::string_view(&c, 1)})[0] == c);
        CHECK(a.next({"<th", "<", "y"}) == "y");  // once
    }
    answer begun(words, yes, "");
    CHECK(begun.next({"y"}) == "y");
    CHECK(begun.next({"<th", "<", "e"}) == "e");
    answer told(words, yes, "", false);
    CHECK(told.next({"<th", "<", "y"}) == "y");
}

TEST_CASE("answer_rules: what may be the answer or a tag is whichever it becomes") {
    const auto words = words_with({"<th"});
    const auto rules = R"(root ::= " "* ("<them>" | "<b>"))";
    answer them(words, rules, "");
    CHECK(them.next({"<th"}) == "<th");
    CHECK(them.next({"e"}) == "e");
    CHECK(them.next({"<", "m"}) == "m");
    answer thought(words, rules, "");
    for (const char c : std::string_view(" <think></think><b>")) CHECK(thought.next({std::string_view(&c, 1)})[0] == c);
    CHECK(thought.is_over());
}

TEST_CASE("answer_rules: a token of its own is the only one that opens thinking") {
    const tokenizer words(wafer_test::small_vocabulary());
    answer a(words, R"(root ::= "yes")", "");
    CHECK(a.next({"<", "<think>"}) == "<think>");
    CHECK(a.next({"a"}) == "a");
    answer begun(words, R"(root ::= "yes")", "");
    CHECK(begun.next({"y"}) == "y");
    CHECK(begun.next({"<think>", "e"}) == "e");
}

TEST_CASE("answer_rules: a vocabulary that cannot end thinking so that the answer fits is an error") {
    vocabulary v;
    v.model = "llama";
    for (const char* text : {"<unk>", "</think>no"}) {
        v.tokens.emplace_back(text);
        v.types.push_back(v.tokens.size() == 1 ? token_type::unknown : token_type::normal);
        v.scores.push_back(0);
    }
    v.eos = v.unknown = 0;
    const tokenizer words(std::move(v));
    answer a(words, R"(root ::= "yes")", "<think>");
    CHECK(refusal_of([&] { (void)a.next({}); }).value().code() == errc::grammar_failed);
}

TEST_CASE("answer_rules: a call may come before the answer or in its place, and the grammar is none of its business") {
    const auto words = words_with({"<tool_call>", "</tool_call>", newlines, ">yes", ">no"});
    const auto yes = R"(root ::= "yes")";
    const std::string call = R"({"name": "f", "arguments": {"a": "no"}})";
    answer a(words, yes, "", true, call_dialect::hermes, true);
    CHECK(a.next({"n", "</s>", "\n", "<tool_call>"}) == "<tool_call>");
    for (int calls = 0; calls < 3; ++calls) {
        if (calls > 0) CHECK(a.next({"<tool_call>"}) == "<tool_call>");
        CHECK(a.next({"</s>", "\n\n"}) == "\n\n");
        a.say(call);
        CHECK(a.next({"</s>", "</tool_call>"}) == "</tool_call>");
        CHECK_FALSE(a.is_over());
        if (calls < 2) CHECK(a.next({"n", "x", "\n\n"}) == "\n\n");
    }
    CHECK(a.next({"n", "</s>"}) == "</s>");  // which ends the turn, if it is wanted
    CHECK(a.next({"<", "n", "y"}) == "y");
    CHECK(a.next({"</s>", "<tool_call>", "e"}) == "e");
    CHECK(a.next({"s"}) == "s");
    CHECK(a.is_over());

    // What a token says behind the end of a call is the answer's beginning.
    for (const bool fits : {true, false}) {
        answer b(words, yes, "", true, call_dialect::hermes, true);
        CHECK(b.next({"<tool_call>"}) == "<tool_call>");
        b.say(call + "</tool_call");
        CHECK(b.next({">no", fits ? ">yes" : ">"}) == (fits ? ">yes" : ">"));
        CHECK(b.is_over() == fits);
    }
    // A marker without a call would be an answer of its own.
    answer c(words, yes, "", true, call_dialect::hermes, true);
    CHECK(c.next({"<tool_call>"}) == "<tool_call>");
    CHECK(c.next({"x", "y", "{"}) == "{");
    // So would one that comes too late, or where nothing may be called.
    answer late(words, yes, "", true, call_dialect::hermes, true);
    CHECK(late.next({"y"}) == "y");
    CHECK(late.next({"<tool_call>", "e"}) == "e");
    answer none(words, yes, "", true, call_dialect::hermes, false);
    CHECK(none.next({"<tool_call>", "</s>", "y"}) == "y");
}

TEST_CASE("answer_rules: a call that cannot be read ends like one that can") {
    const auto words = words_with({"<tool_call>", "</tool_call>"});
    answer a(words, R"(root ::= "yes")", "", true, call_dialect::hermes, true);
    CHECK(a.next({"<tool_call>"}) == "<tool_call>");
    a.say("{oops");
    CHECK(a.next({"</s>", "</tool_call>"}) == "</tool_call>");
    CHECK(a.next({"</s>"}) == "</s>");
    CHECK(a.next({"n", "y"}) == "y");
}

TEST_CASE("answer_rules: a call may follow thinking, and is no place for it") {
    const auto words = words_with({"<tool_call>", "</tool_call>", "<think>"});
    answer a(words, R"(root ::= "yes")", "<think>\n", true, call_dialect::hermes, true);
    a.say("hm <tool_call>{</think>");
    CHECK(a.next({"<tool_call>"}) == "<tool_call>");
    a.say(R"({"name": "f"}</tool_call>)");
    CHECK(a.next({"<think>", "y"}) == "y");
}

TEST_CASE("answer_rules: calls in a block, in a list, and without an end of their own") {
    const auto yes = R"(root ::= "yes")";
    const auto coder = words_with({"<tool_call>", "</tool_call>"});
    answer a(coder, yes, "", true, call_dialect::qwen_coder, true);
    CHECK(a.next({"<tool_call>"}) == "<tool_call>");
    a.say("\n<function=f>\n<parameter=a>\nno\n</parameter>\n</function>\n");
    CHECK(a.next({"</tool_call>"}) == "</tool_call>");
    CHECK(a.next({"n", "</s>"}) == "</s>");

    const auto mistral = words_with({"[TOOL_CALLS]", "]yes", "]no", "}yes", "[ARGS]"});
    answer b(mistral, yes, "", true, call_dialect::mistral, true);
    CHECK(b.next({"[TOOL_CALLS]"}) == "[TOOL_CALLS]");
    b.say(R"([{"name": "f", "arguments": {}},)");
    CHECK(b.next({"{", "n", " "}) == " ");  // alone it may be an answer
    CHECK(b.next({"]"}) == "]");
    CHECK(b.next({"n", "</s>"}) == "</s>");
    CHECK(b.next({"n", "y"}) == "y");

    answer c(mistral, yes, "", true, call_dialect::mistral_args, true);
    CHECK(c.next({"[TOOL_CALLS]"}) == "[TOOL_CALLS]");
    c.say("f");
    CHECK(c.next({"[ARGS]"}) == "[ARGS]");
    c.say("{");
    CHECK(c.next({"</s>", "}yes"}) == "}yes");
    CHECK(c.is_over());
}

TEST_CASE("answer_rules: a call that the grammar writes is part of the answer") {
    const auto words = words_with({"<tool_call>", "</tool_call>"});
    answer a(words, R"(root ::= "<tool_call>{\"name\": \"f\"}</tool_call>")", "", true, call_dialect::hermes, true);
    CHECK(a.next({"y", "</s>", "<tool_call>"}) == "<tool_call>");
    CHECK(a.next({"\n", "x", "{"}) == "{");
}

TEST_CASE("answer_rules: a message to a tool may end the turn where there are tools, a preamble may not") {
    const auto words = words_with({"<|start|>", "<|channel|>", "<|message|>", "<|end|>", "<|return|>", "<|call|>"});
    const auto yes = R"(root ::= "yes")";
    for (const bool may_call : {true, false}) {
        answer a(words, yes, "<|start|>assistant", true, call_dialect::harmony, may_call);
        CHECK(a.next({"y", "<|call|>", "</s>", "<|channel|>"}) == "<|channel|>");
        a.say("commentary");
        CHECK(a.next({"<|message|>"}) == "<|message|>");
        a.say("I look.");
        CHECK(a.next({"<|call|>", "</s>", "<|end|>"}) == "<|end|>");
        CHECK(a.next({"y", "<|start|>"}) == "<|start|>");
        a.say("assistant");
        CHECK(a.next({"<|channel|>"}) == "<|channel|>");
        a.say("commentary to=functions.f");
        CHECK(a.next({"<|call|>", "<|message|>"}) == "<|message|>");
        a.say("{}");
        CHECK(a.next({"</s>", "<|call|>", "<|end|>"}) == (may_call ? "<|call|>" : "<|end|>"));
    }
    // Words in a header would escape the grammar.
    answer b(words, yes, "<|start|>assistant", true, call_dialect::harmony);
    CHECK(b.next({"<|channel|>"}) == "<|channel|>");
    b.say("final json ");
    CHECK(b.next({"a", "!", "<|message|>"}) == "<|message|>");
    CHECK(b.next({"n", "y"}) == "y");
}

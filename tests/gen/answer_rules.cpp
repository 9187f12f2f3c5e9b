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
           call_dialect dialect = call_dialect::none)
        : words_(words),
          rules_(grammar::gbnf(rules), std::make_shared<grammar::token_trie>(grammar::token_trie::of(words)), words,
                 dialect, prompt, may_think) {}

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
    bool is_over() { return rules_.is_over(); }

private:
    const tokenizer& words_;
    answer_rules rules_;
};

}  // namespace

TEST_CASE("answer_rules: what the token that ends thinking says beyond is the answer's beginning") {
    const auto words = words_with({">{", ">" + newlines, ">" + newlines + "{", ">no"});
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

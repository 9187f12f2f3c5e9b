// SPDX-License-Identifier: MIT
#include <chrono>
#include <random>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include <wafer/core/error.hpp>
#include <wafer/text/grammar/gbnf.hpp>
#include <wafer/text/grammar/json_schema.hpp>
#include <wafer/text/grammar/matcher.hpp>

#include "text/grammar/reference.hpp"

using namespace wafer;
using wafer_test::has;
using wafer_test::recogniser;
using wafer_test::small_vocabulary;

namespace {

const small_vocabulary& words() {
    static const small_vocabulary all({"ab",
                                       "ba",
                                       "aab",
                                       "abc",
                                       "a\"",
                                       "\"a",
                                       "{\"",
                                       "\":",
                                       "\", \"",
                                       "true",
                                       "tru",
                                       "null,",
                                       "12",
                                       "3.",
                                       "e+",
                                       "[[",
                                       "]]",
                                       "}}",
                                       "],[",
                                       " ",
                                       "  ",
                                       "\n\t",
                                       "\xC3\xA9",
                                       "\xC3\xA9\xC3",
                                       "\xA9"
                                       "a",
                                       "\xE2\x82",
                                       "\xE2\x82\xAC",
                                       "\x82\xAC",
                                       "\xF0\x9F",
                                       "\x9A\x80",
                                       "a\xF0\x9F\x9A",
                                       "\\u",
                                       "00",
                                       "\\\"",
                                       "\\",
                                       "if",
                                       "if (",
                                       "else",
                                       "(((",
                                       ")))",
                                       "+1",
                                       "x+",
                                       "a"});
    return all;
}

const char* const grammars[] = {
    "root ::= \"a\"* \"b\" | \"ab\" \"c\"",
    "root ::= [^a] [ab\\u20AC\\U0001F680]{1,3} .*",
    "root ::= \"\xC3\xA9\" | [\\u00E9-\\u20AB] \"a\" | [^\\x00-\\uFFFF]+",
    "root ::= \"a\" root \"b\" | \"a\" root \"c\" | \"\"",
    "root ::= s\ns ::= (\"a\" s \"b\" s | \"\")",
    "root ::= (\"a\"? \"b\"?){2,4} \"c\"",
    "root ::= e\ne ::= t (\"+\" t)*\nt ::= [0-9]+ | \"x\" | \"(\" e \")\"",
    "root ::= s\ns ::= \"if (\" c \")\" s (\"else\" s)? | \"x\"\nc ::= [a-c]+ | \"(\" c \")\"",
    "root ::= (\"ab\" | \"a\" \"ba\"?)+ tail\ntail ::= \"\" | \" \" tail",
    "root ::= x x\nx ::= \"a\" y\ny ::= \"b\" x? | \"\"",
};

}  // namespace

TEST_CASE("grammar matcher: a mask is exactly the tokens that backtracking finds possible") {
    std::mt19937 random(7);
    std::vector<std::pair<std::string, grammar::ruleset>> all;
    for (const char* source : grammars) all.emplace_back(source, grammar::parse_gbnf(source));
    all.emplace_back("JSON", grammar::parse_gbnf(grammar::json_rules));
    for (const auto& entry : all) {
        CAPTURE(entry.first);
        const grammar::ruleset& rules = entry.second;
        recogniser reference(rules);
        grammar::matcher m(grammar::compile(rules), words().trie);
        for (int walk = 0; walk < 8; ++walk) {
            std::string text;
            m.reset();
            for (int step = 0; step < 12; ++step) {
                CAPTURE(text);
                const auto mask = m.mask();
                std::vector<token_id> allowed;
                for (token_id id = 0; id < static_cast<token_id>(words().pieces.size()); ++id) {
                    const bool expected =
                        id == words().end ? reference.accepts(text)
                                          : !words().piece(id).empty() && reference.begins(text + words().piece(id));
                    CHECK_MESSAGE(has(mask, id) == expected, words().piece(id));
                    CHECK(m.allows(id) == expected);
                    if (has(mask, id) && id != words().end) allowed.push_back(id);
                }
                CHECK(m.can_stop() == reference.accepts(text));
                CHECK(m.is_final() == (m.can_stop() && allowed.empty()));
                if (allowed.empty()) break;
                // Longer tokens come first in the vocabulary, and make the more telling texts.
                const token_id pick = allowed[random() % std::min<std::size_t>(allowed.size(), 12)];
                m.accept(pick);
                text += words().piece(pick);
            }
        }
    }
}

TEST_CASE("grammar matcher: grammars made at random are followed as backtracking does") {
    std::mt19937 random(23);
    const auto any_of = [&](std::initializer_list<const char*> all) {
        return std::string(all.begin()[random() % all.size()]);
    };
    const auto element = [&](auto&& self, int depth) -> std::string {
        std::string out = any_of({"\"a\"", "\"b\"", "\"ab\"", "[ab]", "\"\"", "r0", "r1", "r2", "r3", "(", "(", "("});
        if (out == "(") {
            if (depth == 0) return any_of({"\"a\"", "r2"});
            for (auto parts = random() % 3 + 1; parts > 0; --parts)
                out += self(self, depth - 1) + any_of({" ", " ", " | "});
            out += "\"b\")";
        }
        return out + any_of({"", "", "", "?", "*", "+", "{2}", "{0,2}", "{1,}"});
    };
    std::vector<std::string> texts{""};
    for (std::size_t i = 0; i < texts.size(); ++i)
        if (texts[i].size() < 6)
            for (const char* c : {"a", "b"}) texts.push_back(texts[i] + c);
    int followed = 0;
    for (int i = 0; i < 3000; ++i) {
        std::string source = "root ::= r0 r1\n";
        for (const char* name : {"r0", "r1", "r2", "r3"})
            source +=
                name + (" ::= " + element(element, 2)) + " " + element(element, 1) + " | " + element(element, 0) + "\n";
        CAPTURE(source);
        std::shared_ptr<const grammar::program> compiled;
        try {
            compiled = grammar::gbnf(source);
        } catch (const error&) {
            continue;  // left-recursive, most often
        }
        const auto rules = grammar::parse_gbnf(source);
        recogniser reference(rules);
        grammar::automaton walk(compiled);
        bool gave_up = false;
        for (const std::string& text : texts) {
            auto s = walk.start();
            for (const char c : text) s = walk.step(s, static_cast<std::uint8_t>(c));
            const bool begins = reference.begins(text);
            gave_up = gave_up || reference.gave_up();
            const bool accepts = reference.accepts(text);
            if ((gave_up = gave_up || reference.gave_up())) break;
            if (begins != (s != walk.dead) || accepts != walk.can_stop(s)) FAIL(text);
        }
        followed += gave_up ? 0 : 1;
    }
    CHECK_MESSAGE(followed > 200, followed);
}

TEST_CASE("grammar matcher: whatever was written, the text can be completed, and is then accepted") {
    std::mt19937 random(11);
    for (const char* source : grammars) {
        CAPTURE(source);
        const auto rules = grammar::parse_gbnf(source);
        grammar::matcher m(grammar::compile(rules), words().trie);
        for (int walk = 0; walk < 20; ++walk) {
            const std::string text = wafer_test::random_text(m, words(), random, 8, ")cbx0a");
            CAPTURE(text);
            CHECK(m.can_stop());
            CHECK(recogniser(rules).accepts(text));
        }
    }
}

TEST_CASE("grammar matcher: a token that may not follow is refused and changes nothing") {
    const small_vocabulary letters;
    grammar::matcher m(grammar::gbnf("root ::= \"ab\""), letters.trie);
    m.accept('a');
    for (const token_id id : {token_id{'a'}, token_id{256}, letters.end, token_id{-1}, token_id{1000}}) {
        CHECK_FALSE(m.allows(id));
        try {
            m.accept(id);
            CHECK(false);
        } catch (const error& e) {
            CHECK(e.code() == errc::invalid_argument);
        }
    }
    m.accept('b');
    CHECK(m.is_final());
    CHECK(wafer_test::members(m.mask()) == std::vector{letters.end});
    m.accept(letters.end);
    CHECK(m.is_final());
    m.reset();
    CHECK(m.allows('a'));
}

TEST_CASE("grammar matcher: text that is not all of a token is followed too, or changes nothing") {
    grammar::matcher m(grammar::gbnf("root ::= \"abc\" | \"ad\""), words().trie);
    CHECK(m.allows(""));
    m.accept("");
    CHECK(m.allows("ab"));
    CHECK_FALSE(m.allows("b"));
    CHECK(refusal_of([&] { m.accept("b"); }).value().code() == errc::invalid_argument);
    m.accept("ab");
    CHECK_FALSE(m.allows("d"));
    CHECK_FALSE(m.can_stop());
    m.accept("c");
    CHECK(m.is_final());
}

TEST_CASE("grammar matcher: what the vocabulary cannot spell is an error, not a guess") {
    const small_vocabulary few({"a", "b", "ab"}, false);
    grammar::matcher m(grammar::gbnf("root ::= \"a\" (\"b\" | \"c\") \"d\"?"), few.trie);
    CHECK(wafer_test::members(m.mask()) == std::vector<token_id>{0, 2});
    m.accept(2);
    CHECK(wafer_test::members(m.mask()) == std::vector{few.end});  // "d" may follow, but no token writes it
    grammar::matcher none(grammar::gbnf("root ::= \"a\" \"c\""), few.trie);
    none.accept(0);
    try {
        (void)none.mask();
        CHECK(false);
    } catch (const error& e) {
        CHECK(e.code() == errc::grammar_failed);
    }
}

TEST_CASE("grammar matcher: where the text may end, a vocabulary need not go on") {
    const std::string_view a = "a";
    const auto only = std::make_shared<const grammar::token_trie>(std::span(&a, 1), std::vector<token_id>{});
    grammar::matcher m(grammar::gbnf("root ::= \"a\" \"b\"?"), only);
    m.accept(0);
    CHECK(m.can_stop());
    CHECK_FALSE(m.is_final());
    CHECK(wafer_test::members(m.mask()).empty());
}

TEST_CASE("grammar matcher: twins in a vocabulary are allowed together") {
    const small_vocabulary twins({"ab", "ab", "a", "a"}, false);
    grammar::matcher m(grammar::gbnf("root ::= \"ab\""), twins.trie);
    CHECK(wafer_test::members(m.mask()) == std::vector<token_id>{0, 1, 2, 3});
}

TEST_CASE("grammar matcher: ambiguity that would take all time or memory ends in a typed error") {
    const small_vocabulary& v = words();
    const struct {
        std::string source, ends;
    } all[] = {
        {"root ::= s\ns ::= \"a\" s s | \"a\" | \"a\" s s s",
         "grammar_failed: the grammar cannot be followed: it is too ambiguous"},
        {"root ::= (a a? a? a? a?){0,3000} \"b\"\na ::= \"a\" | \"a\" a | \"aa\" a", ""},
        {"root ::= .{0,60000} .{0,60000} \"b\"", ""},
        {"root ::= (\"a\"?){60000} \"b\"", "bad_grammar: the grammar cannot be followed: it is too ambiguous"},
        {"root ::= (\"a\" (\"a\" (\"a\" (\"a\"* \"b\")* \"b\")* \"b\")* \"b\")*", ""},
        {"root ::= \"[\" root \"]\" | \"(\" root \"]\" | \"(\" root \")\" | \"\"", ""},
    };
    for (const auto& c : all) {
        CAPTURE(c.source);
        const auto start = std::chrono::steady_clock::now();
        std::string ended;
        try {
            grammar::matcher m(grammar::gbnf(c.source), v.trie);
            for (int i = 0; i < 300 && !m.is_final(); ++i) {
                const auto allowed = wafer_test::members(m.mask());
                CHECK_FALSE(allowed.empty());
                m.accept(allowed[0] == v.end ? allowed[1] : allowed[0]);
            }
        } catch (const error& e) {
            ended = std::string(to_string(e.code())) + ": " + e.what();
        }
        CHECK(ended == c.ends);
        CHECK(std::chrono::steady_clock::now() - start < std::chrono::seconds(60));  // sanitizers included
    }
}

TEST_CASE("grammar matcher: returns to many callers at once count as work") {
    std::string source = "root ::= m0 \"x\"";  // each rule has 1000 callers, and 30 more rules are open after each byte
    for (int i = 1; i < 1000; ++i) source += " | m0 \"x\"";
    for (int step = 0; step < 100; ++step) {
        const std::string n = std::to_string(step);
        source += "\nm" + n + " ::= \" \" (";
        for (int i = 0; i < 30; ++i) source += "r" + n + "-" + std::to_string(i) + " | ";
        source += step == 99 ? "\"y\")" : "m" + std::to_string(step + 1) + ")";
        for (int i = 0; i < 30; ++i) source += "\nr" + n + "-" + std::to_string(i) + " ::= \" \"+";
    }
    grammar::automaton walk(grammar::gbnf(source));
    auto s = walk.start();
    const auto write = [&] {
        for (int i = 0; i < 100; ++i) s = walk.step(s, ' ');
    };
    CHECK_THROWS_AS(write(), error);
}

TEST_CASE("grammar matcher: nesting is as deep as the text, and costs no stack") {
    const small_vocabulary v;
    grammar::matcher m(grammar::json_object(), v.trie);
    for (const char c : std::string("{\"a\":")) m.accept(c);
    const int depth = 50'000;
    for (int i = 0; i < depth; ++i) m.accept('[');
    for (int i = 0; i < depth; ++i) m.accept(']');
    CHECK_FALSE(m.can_stop());
    m.accept('}');
    CHECK(m.is_final());
}

TEST_CASE("grammar matcher: masks within long repetitions are exact, to their ends") {
    const small_vocabulary& v = words();
    for (const char* source :
         {"root ::= ([ab] | [\\u00E9x]){0,90} \"c\"", "root ::= (\"ab\" | \"a\"){70,160} \"bc\"?",
          "root ::= x{80,200} \"c\"\nx ::= (\"a\" | \"ba\") y?\ny ::= \"(\" (\"a\" | \"b\" \"a\"){66} \")\"",
          "root ::= (\"a\"? \"b\"?){0,70} \"c\"", "root ::= ([ab] | \"\\u20AC\"){66,} \"c\""}) {
        CAPTURE(source);
        const auto rules = grammar::gbnf(source);
        grammar::matcher m(rules, v.trie);
        std::string text;
        for (int step = 0; step < 170 && !m.is_final(); ++step) {
            const auto mask = m.mask();
            grammar::automaton walk(rules);
            auto here = walk.start();
            for (const char c : text) here = walk.step(here, static_cast<std::uint8_t>(c));
            for (token_id id = 0; id < static_cast<token_id>(v.pieces.size()); ++id) {
                auto s = here;
                for (const char c : v.piece(id)) s = walk.step(s, static_cast<std::uint8_t>(c));
                const bool expected = id == v.end ? walk.can_stop(here) : !v.piece(id).empty() && s != walk.dead;
                if (has(mask, id) != expected) FAIL(text, " ", v.piece(id));
            }
            auto allowed = wafer_test::members(mask);
            std::erase_if(allowed, [&](token_id id) { return id == v.end || v.piece(id).ends_with('c'); });
            if (allowed.empty()) break;
            const token_id pick = allowed[static_cast<std::size_t>(step) % allowed.size()];
            m.accept(pick);
            text += v.piece(pick);
        }
        CHECK(text.size() > 40);
    }
}

TEST_CASE("grammar matcher: forgetting states changes no answer") {
    const small_vocabulary v({"[[", "]]", "[]", "],["});
    const auto rules = grammar::gbnf("root ::= \"[\" (root (\",\" root)*)? \"]\"");
    grammar::automaton walk(rules);
    grammar::automaton::state path[] = {walk.start(), walk.dead};
    const std::string text = "[[],[[],[]],[[[]]]]";
    for (std::size_t i = 0; i < text.size(); ++i) {
        const auto before = path[0];
        path[0] = walk.step(path[0], static_cast<std::uint8_t>(text[i]));
        path[1] = before;
        CHECK(path[0] != walk.dead);
        walk.forget_all_but(path);
        CHECK(walk.step(path[1], static_cast<std::uint8_t>(text[i])) == path[0]);
        CHECK(walk.can_stop(path[0]) == (i + 1 == text.size()));
    }
    CHECK(walk.is_final(path[0]));
    CHECK(walk.step(path[0], '[') == walk.dead);
}

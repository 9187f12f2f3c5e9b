// SPDX-License-Identifier: MIT
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include <wafer/core/error.hpp>
#include <wafer/text/grammar/automaton.hpp>
#include <wafer/text/grammar/gbnf.hpp>

#include "text/grammar/reference.hpp"

using namespace wafer;
using wafer_test::refusal;

namespace {

// The library and the reference must both say so.
bool accepts(std::string_view source, std::string_view text) {
    grammar::automaton walk(grammar::gbnf(source));
    auto s = walk.start();
    for (const char c : text) s = walk.step(s, static_cast<std::uint8_t>(c));
    const auto rules = grammar::parse_gbnf(source);
    CHECK(walk.can_stop(s) == wafer_test::recogniser(rules).accepts(text));
    CHECK((s != walk.dead) == wafer_test::recogniser(rules).begins(text));
    return walk.can_stop(s);
}

std::string repeated(std::string_view unit, std::size_t n) {
    std::string out;
    for (; n > 0; --n) out += unit;
    return out;
}

}  // namespace

TEST_CASE("gbnf: every element means what llama.cpp says it does") {
    const struct {
        std::string source;
        std::vector<std::string> good, bad;
    } cases[] = {
        {"root ::= \"a\\\"\\\\\\n\\x41\\u00e9\\U0001F680\"",
         {"a\"\\\nA\xC3\xA9\xF0\x9F\x9A\x80"},
         {"", "a", "a\"\\\nA\xE9"}},
        {"root ::= [a-cx] [^a-c] [-+] [\\]\\-^]", {"ad-]", "xx+-", "c\xC3\xA9-^"}, {"dd-]", "aa-]", "ad*]", "ad-a"}},
        {"root ::= .", {"a", "\n", "\xE2\x82\xAC", "\xF4\x8F\xBF\xBF"}, {"", "ab", "\xE2\x82", "\xFF", "\xED\xA0\x80"}},
        {"root ::= \"ab\"?", {"", "ab"}, {"a", "abab"}},
        {"root ::= \"ab\"*", {"", "ab", "abab"}, {"aba"}},
        {"root ::= \"ab\"+", {"ab", "ababab"}, {"", "abb"}},
        {"root ::= [a]{3}", {"aaa"}, {"aa", "aaaa"}},
        {"root ::= (\"abcde\" | \"x\"){2,}", {"xx", "xabcdex"}, {"x", "xabcd"}},
        {"root ::= (\"abcde\" | \"x\"){1,3}", {"x", "xabcdex"}, {"", "xxxx"}},
        {"root ::= \"a\"{ 0 , 2 } \"b\"{0}", {"", "a", "aa"}, {"aaa", "b"}},
        {"root ::= \"a\" (\"b\" | \"c\" (\"d\")) | \"e\"", {"ab", "acd", "e"}, {"a", "ac", "be"}},
        {"root ::= \"a\" | \"\"", {"", "a"}, {"aa"}},
        {"root ::= | \"a\"", {"", "a"}, {"aa"}},
        {"# lists\nroot ::= item (\", \" item)* # of items\n\nitem ::= [0-9]+\n", {"1", "12, 3"}, {"", "1,2", "1, "}},
        {"root ::= (\n  \"a\" # one\n  | \"b\"\n)\n  \r\n", {"a", "b"}, {"ab"}},
        {"root ::=\n \"a\" |\n \"b\"\n | \"c\"", {"a", "b", "c"}, {""}},
        {"root ::= \"[\" (root (\",\" root)*)? \"]\"", {"[]", "[[],[[]]]"}, {"[", "[,]", "[[]"}},
        {"a-b_2 ::= \"x\"\nroot ::= a-b_2 a-b_2", {"xx"}, {"x"}},
        {"root ::= (\"a\"? \"b\"?)*", {"", "ab", "ba", "aabb"}, {"c"}},
        {"root ::= (\"a\"*){2,3} empty \"b\"\nempty ::= \"\" | \"c\" empty", {"b", "aab", "aaccb"}, {"", "cab"}},
        {"root ::= (\"a\" | \"ab\") (\"c\" | \"bc\")", {"ac", "abc", "abbc"}, {"ab", "abcc"}},
        {"root ::= \"a\" root \"b\" | \"a\" root \"c\" | \"d\"", {"d", "adb", "aadcb"}, {"ad", "adbb"}},
        {"root ::= e\ne ::= t (\"+\" t)*\nt ::= [0-9] | \"(\" e \")\"", {"1+(2+3)"}, {"1+(2", "1)"}},
    };
    for (const auto& c : cases) {
        CAPTURE(c.source);
        for (const auto& text : c.good) {
            CAPTURE(text);
            CHECK(accepts(c.source, text));
        }
        for (const auto& text : c.bad) {
            CAPTURE(text);
            CHECK_FALSE(accepts(c.source, text));
        }
    }
}

TEST_CASE("gbnf: malformed text is refused with its line and column") {
    const struct {
        const char *source, *message;
    } cases[] = {
        {"", "there is no rule \"root\""},
        {"a ::= \"x\"", "there is no rule \"root\""},
        {"root ::= \"a\n\n", "text without its closing quote (line 1, column 10)"},
        {"root ::= a\na ::= [a-", "character class without its \"]\" (line 2, column 7)"},
        {"root ::= []", "a character class without characters (line 1, column 10)"},
        {"root ::= [z-a]", "a range of characters ends before it begins (line 1, column 11)"},
        {"root ::= (\"a\"", "\"(\" without its \")\" (line 1, column 10)"},
        {"root ::= \"a\")", "expected an element or the rule's end (line 1, column 13)"},
        {"root = \"a\"", "expected \"::=\" (line 1, column 6)"},
        {"root ::= \"a\"\n::= \"b\"", "expected the name of a rule (line 2, column 1)"},
        {"root ::= * \"a\"", "a repetition needs one element before it"},
        {"root ::= \"a\"+*", "a repetition needs one element before it"},
        {"root ::= \"a\"{2,1}", "least number is above its greatest (line 1, column 13)"},
        {"root ::= \"a\"{x}", "expected a number (line 1, column 14)"},
        {"root ::= \"a\"{1", "expected '}'"},
        {"root ::= \"a\"{99999999999999999999}", "repetitions are counted up to 65536"},
        {"root ::= \"\\q\"", "unknown escape"},
        {"root ::= \"\\x4\"", "escape without its 2 hexadecimal digits (line 1, column 11)"},
        {"root ::= \"\\uD800\"", "escape of what is no character"},
        {"root ::= \"\\U00110000\"", "escape of what is no character"},
        {"root ::= \"a\xFF\"", "text is not UTF-8 (line 1, column 12)"},
        {"root ::= a\n  b ::= \"x\"", "rule \"a\" is not defined (line 1, column 10)"},
        {"root ::= \"a\"\nroot ::= \"b\"", "rule \"root\" is defined twice (line 2, column 1)"},
        {"root ::= <think>", "elements that are tokens are not supported (line 1, column 10)"},
        {"root ::= \"a\" \\", "expected an element"},
    };
    for (const auto& c : cases) {
        CAPTURE(c.source);
        const std::string message = refusal(c.source);
        CHECK_MESSAGE(message.find(c.message) != message.npos, message);
    }
}

TEST_CASE("gbnf: no text can exhaust the stack or the memory") {
    const std::size_t n = 100'000;
    for (const std::string& rule :
         {repeated("(", n), repeated("(", n) + "\"a\"" + repeated(")", n), "\"a\"" + repeated("*", n),
          repeated("(", 10) + "[^a]" + repeated("){65536}", 10), repeated("\"aaaaaaaa\" ", n)})
        CHECK(refusal("root ::= " + rule) != "accepted");
    CHECK(refusal("root ::= " + repeated("(", 60) + "[a-z]" + repeated("){1000}", 60)) == "accepted");
    CHECK(refusal("root ::= [^a]{65536}") == "accepted");
}

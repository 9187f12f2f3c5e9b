// SPDX-License-Identifier: MIT
#include <string>

#include <doctest/doctest.h>

#include <wafer/core/error.hpp>
#include <wafer/text/grammar/automaton.hpp>
#include <wafer/text/grammar/compiler.hpp>
#include <wafer/text/grammar/gbnf.hpp>

#include "text/grammar/reference.hpp"
#include "text/grammar/walk.hpp"

using namespace wafer;
using wafer_test::refusal;

TEST_CASE("grammar compiler: left recursion is refused, however it is hidden") {
    const std::string what = "is left-recursive";
    for (const char* source :
         {"root ::= root \"a\" | \"b\"", "root ::= a\na ::= b \"x\" | \"y\"\nb ::= a \"z\" | \"w\"",
          "root ::= ws root | \"a\"\nws ::= \" \"*", "root ::= \"\" root | \"a\"", "root ::= (\"b\"? root)? \"a\"",
          "root ::= (root \"a\"){2,3} | \"b\"", "root ::= (root | \"b\")* \"a\"", "root ::= root | \"a\"",
          "root ::= a \"x\"\na ::= e e a | \"b\"\ne ::= f\nf ::= \"\" | \"c\""})
        CHECK_MESSAGE(refusal(source).find(what) != std::string::npos, source);
    CHECK(refusal("root ::= \"x\"\n\na ::= b\nb ::= a | \"y\"").find("(line 3, column 1)") != std::string::npos);
    CHECK(refusal("root ::= \"a\" root | \"b\"") == "accepted");
    CHECK(refusal("root ::= a a\na ::= b b\nb ::= \"\" | \"x\" a") == "accepted");
}

TEST_CASE("grammar compiler: rules that can never finish are refused by name") {
    CHECK(refusal("root ::= \"a\" root").find("\"root\" can never finish") != std::string::npos);
    CHECK(refusal("root ::= \"x\" | b\nb ::= \"a\" c\nc ::= \"b\" b").find("\"b\" can never finish") !=
          std::string::npos);
    CHECK(refusal("root ::= \"x\"\n  \nb ::= (\"a\" b){2}").find("(line 3, column 1)") != std::string::npos);
    CHECK(refusal("root ::= \"x\" | b\nb ::= \"a\" b*") == "accepted");
}

TEST_CASE("grammar compiler: alternatives that nothing satisfies are cut out where that is asked for") {
    using namespace grammar;
    ruleset rules;
    rules.rules.push_back({"root", grammar::choice({grammar::sequence({grammar::text("a"), grammar::reference(1)}),
                                                    grammar::text("b"), grammar::choice({})})});
    rules.rules.push_back({"loop", grammar::sequence({grammar::text("c"), grammar::reference(1)})});
    const auto pruned = compile(rules, unsatisfiable::prune);
    for (const node& n : pruned->nodes)
        if (n.kind == node_kind::bytes) CHECK(pruned->sets[n.arg].test('b'));
    rules.rules[0].body = grammar::reference(1);
    CHECK_THROWS_AS((void)compile(rules, unsatisfiable::prune), error);
}

TEST_CASE("grammar compiler: bytes that no set tells apart share a class") {
    const auto p = grammar::gbnf("root ::= [a-f]+ [0-9]");
    CHECK(p->representatives.size() == 3);
    CHECK(p->class_of['a'] == p->class_of['f']);
    CHECK(p->class_of['a'] != p->class_of['0']);
    CHECK(p->class_of['g'] == p->class_of[0xFF]);
}

TEST_CASE("grammar compiler: a long chain of rules is checked in linear time") {
    std::string chain = "root ::= r0\n";
    for (int i = 0; i < 30'000; ++i) chain += "r" + std::to_string(i) + " ::= r" + std::to_string(i + 1) + "\n";
    CHECK(refusal(chain + "r30000 ::= \"x\"") == "accepted");
    CHECK(refusal(chain + "r30000 ::= r0 | \"x\"").find("is left-recursive") != std::string::npos);
}

TEST_CASE("grammar compiler: thousands of texts that begin alike share their nodes") {
    std::string source = "root ::= [0-9]";
    for (int i = 0; i < 70'000; ++i) source += " | \"value " + std::to_string(i) + "\"";
    const auto p = grammar::gbnf(source + " | \"\" | \"value 7\" | \"v\"");
    CHECK(p->nodes.size() < 300'000);
    grammar::automaton walk(p);
    for (const char* text : {"", "v", "5", "value 0", "value 7", "value 69999"}) CHECK(wafer_test::accepts(walk, text));
    for (const char* text : {"va", "value ", "value 70000", "value 00"}) CHECK_FALSE(wafer_test::accepts(walk, text));
}

TEST_CASE("grammar compiler: what cannot begin or is too large is refused, with its place") {
    CHECK(refusal("root ::= (\"a\"?){60000} \"b\"").find("too ambiguous") != std::string::npos);
    const std::string large = refusal("root ::= x\nx ::= [a-z]{60000} y\ny ::= \"" + std::string(600'000, 'a') + "\"");
    CHECK_MESSAGE(large.find("too large at \"y\"; use fewer") != std::string::npos, large);
    CHECK(large.find("(line 3, column 1)") != std::string::npos);
}

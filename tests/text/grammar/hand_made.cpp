// SPDX-License-Identifier: MIT
// What a host may build by itself and pass to the room's functions: whatever it is, they answer with a typed error or with
// what was meant.
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

#include <wafer/core/error.hpp>
#include <wafer/text/grammar/automaton.hpp>
#include <wafer/text/grammar/compiler.hpp>
#include <wafer/text/grammar/json_schema.hpp>
#include <wafer/text/grammar/matcher.hpp>
#include <wafer/text/grammar/token_trie.hpp>

#include "text/grammar/walk.hpp"

using namespace wafer;
using grammar::expression;
using grammar::expression_kind;

namespace {

grammar::ruleset one_rule(expression body) {
    grammar::ruleset rules;
    rules.rules.push_back({"a", std::move(body)});
    return rules;
}
std::string why_refused(const grammar::ruleset& rules) {
    const auto failed = error_of([&] { (void)grammar::compile(rules); });
    if (!failed) return "accepted";
    CHECK(failed->code() == errc::bad_grammar);
    return failed->what();
}
bool says(const std::string& text, std::string_view part) { return text.find(part) != text.npos; }

// One part inside the other; `levels` of them around a text.
expression nested_expression(int levels, expression_kind kind) {
    expression out = grammar::text("x");
    for (int i = 0; i < levels; ++i) {
        expression outer{.kind = kind, .min = 1, .max = 2};
        outer.parts.push_back(std::move(out));
        out = std::move(outer);
    }
    return out;
}

}  // namespace

TEST_CASE("hand-made rules: what refers to nothing, or has no meaning, is refused by the rule's name") {
    CHECK(says(why_refused({}), "root is rule 0 of 0"));
    grammar::ruleset rules = one_rule(grammar::text("x"));
    CHECK(why_refused(rules) == "accepted");
    rules.root = 1;
    CHECK(says(why_refused(rules), "root is rule 1 of 1"));
    CHECK(says(why_refused(one_rule(grammar::reference(99))), "\"a\" refers to rule 99 of 1"));
    CHECK(says(why_refused(one_rule(grammar::reference(~0u))), "\"a\" refers to rule 4294967295 of 1"));
    CHECK(says(why_refused(one_rule(grammar::repeat(grammar::text("x"), 5, 2))),
               "\"a\" has a repetition whose least number"));
    CHECK(says(why_refused(one_rule({.kind = expression_kind::repeat, .min = 1, .max = 2})), "\"a\" repeats 0 parts"));
    expression two{.kind = expression_kind::repeat, .min = 1, .max = 2};
    two.parts.push_back(grammar::text("x"));
    two.parts.push_back(grammar::text("y"));
    CHECK(says(why_refused(one_rule(two)), "\"a\" repeats 2 parts"));
    for (const int kind : {6, 77, 255})
        CHECK(says(why_refused(one_rule({.kind = static_cast<expression_kind>(kind)})),
                   "\"a\" has an expression of no known"));
    for (const char* bytes : {"\xFF", "a\xC3", "\xED\xA0\x80", "\x80"})
        CHECK(says(why_refused(one_rule(grammar::text(bytes))), "\"a\" has a text that is not UTF-8"));
    // The fault may be anywhere.
    rules =
        one_rule(grammar::choice({grammar::text("x"), grammar::sequence({grammar::text("y"), grammar::reference(2)})}));
    rules.rules.push_back({"b", grammar::text("z")});
    CHECK(says(why_refused(rules), "\"a\" refers to rule 2 of 2"));
    rules.rules.push_back({"c", grammar::repeat(grammar::choice({grammar::text("\xC0")}), 0, 3)});
    CHECK(says(why_refused(rules), "\"c\" has a text that is not UTF-8"));
    // Names and offsets may be anything, too.
    rules = one_rule(grammar::reference(7));
    rules.rules[0].name = "\xFF\n";
    rules.rules[0].offset = std::numeric_limits<std::size_t>::max();
    rules.source = "x";
    CHECK(says(why_refused(rules), "refers to rule 7 of 1"));
    for (const auto policy : {grammar::unsatisfiable::prune, static_cast<grammar::unsatisfiable>(9)})
        CHECK(error_of([&] { (void)grammar::compile(rules, policy); })->code() == errc::bad_grammar);
}

TEST_CASE("hand-made rules: an expression is as deep as can be walked, or is refused while it is built") {
    constexpr int most = grammar::expression_parts::max_depth;
    for (const auto kind : {expression_kind::sequence, expression_kind::choice, expression_kind::repeat}) {
        for (const int levels : {1, most - 1, most}) {
            grammar::ruleset rules = one_rule(nested_expression(levels, kind));
            const grammar::ruleset copy = rules;
            CHECK(why_refused(copy) == "accepted");
        }
        for (const int levels : {most + 1, 100'000}) {
            const auto failed = error_of([&] { (void)nested_expression(levels, kind); });
            REQUIRE(failed);
            CHECK(failed->code() == errc::bad_grammar);
            CHECK(says(failed->what(), "nested more than 512 deep"));
        }
    }
    for (const bool in_list : {false, true}) {
        const auto failed = error_of([&] {
            expression e = grammar::text("x");
            for (int i = 0; i < 100'000; ++i) {
                std::vector<expression> parts;
                parts.push_back(std::move(e));
                e = in_list ? grammar::choice(std::move(parts)) : grammar::sequence(std::move(parts));
            }
        });
        REQUIRE(failed);
        CHECK(failed->code() == errc::bad_grammar);
    }
    // What was moved from counts as nothing.
    expression from = nested_expression(most, expression_kind::sequence);
    const expression to = std::move(from);
    from.parts = {};
    from.parts.push_back(grammar::text("y"));
    CHECK(from.parts.depth() == 1);
    CHECK(to.parts.depth() == most);
    grammar::expression_parts list = to.parts, other = std::move(list);
    list.push_back(grammar::text("z"));  // NOLINT
    CHECK(list.depth() == 1);
    CHECK(other.size() == 1);
}

TEST_CASE("hand-made rules: any number of repetitions ends soon") {
    const auto start = std::chrono::steady_clock::now();
    CHECK(says(why_refused(one_rule(grammar::repeat(grammar::text("x"), 4'000'000'000, grammar::unlimited))),
               "too large"));
    CHECK(says(why_refused(one_rule(grammar::repeat(grammar::text("x"), 0, grammar::unlimited - 1))), "too large"));
    CHECK(says(why_refused(one_rule(grammar::repeat(grammar::chars({}), 4'000'000'000, grammar::unlimited))),
               "too large"));
    CHECK(says(why_refused(one_rule(grammar::repeat(grammar::sequence({}), 4'000'000'000, grammar::unlimited))),
               "too large"));
    const auto nothing = one_rule(
        grammar::sequence({grammar::repeat(grammar::text(""), 4'000'000'000, grammar::unlimited), grammar::text("x")}));
    CHECK(why_refused(nothing) == "accepted");
    grammar::automaton walk(grammar::compile(nothing));
    CHECK(wafer_test::accepts(walk, "x"));
    CHECK_FALSE(wafer_test::accepts(walk, ""));
    CHECK(std::chrono::steady_clock::now() - start < std::chrono::seconds(20));
}

TEST_CASE("hand-made rules: only the compiler makes programs, and they are kept as they are") {
    static_assert(!std::is_default_constructible_v<grammar::program>);
    static_assert(!std::is_copy_constructible_v<grammar::program>);
    static_assert(!std::is_move_constructible_v<grammar::program>);
}

TEST_CASE("hand-made tokens: ends of turns that are no tokens are refused, and ids out of range are no tokens") {
    const std::vector<std::string_view> pieces{"a", "b", ""};
    for (const token_id end : {-1, 3, 1'000'000'000, std::numeric_limits<token_id>::min()}) {
        const auto failed = error_of([&] { (void)grammar::token_trie(pieces, {0, end}); });
        REQUIRE(failed);
        CHECK(failed->code() == errc::invalid_argument);
        CHECK(says(failed->what(), std::to_string(end)));
    }
    grammar::matcher m(grammar::gbnf("root ::= \"ab\""),
                       std::make_shared<const grammar::token_trie>(pieces, std::vector<token_id>{2}));
    for (const token_id id : {-1, 3, 64, std::numeric_limits<token_id>::max(), std::numeric_limits<token_id>::min()}) {
        CHECK_FALSE(m.allows(id));
        CHECK(error_of([&] { m.accept(id); })->code() == errc::invalid_argument);
    }
    m.accept(0);
    CHECK(m.mask()[0] == 2);
}

TEST_CASE("hand-made matchers: one without rules or tokens is refused") {
    const auto tokens =
        std::make_shared<const grammar::token_trie>(std::vector<std::string_view>{"a"}, std::vector<token_id>{});
    const auto rules = grammar::gbnf("root ::= \"a\"");
    CHECK(error_of([&] { (void)grammar::matcher(nullptr, tokens); })->code() == errc::invalid_argument);
    CHECK(error_of([&] { (void)grammar::matcher(rules, nullptr); })->code() == errc::invalid_argument);
    CHECK(error_of([&] { (void)grammar::automaton(nullptr); })->code() == errc::invalid_argument);
}

TEST_CASE("hand-made states: numbers that no state has are dead") {
    grammar::automaton walk(grammar::gbnf("root ::= \"a\"{100}"));
    const auto start = walk.start();
    for (const grammar::automaton::state s : {1000u, 1u << 31, ~0u}) {
        CHECK(walk.step(s, 'a') == grammar::automaton::dead);
        CHECK_FALSE(walk.can_stop(s));
        CHECK_FALSE(walk.is_final(s));
        CHECK(walk.similar(s, 3) == grammar::automaton::dead);
    }
    std::vector<grammar::automaton::state> kept{start, 12345u};
    walk.forget_all_but(kept);
    CHECK(walk.step(kept[0], 'a') != grammar::automaton::dead);
    CHECK(kept[1] == grammar::automaton::dead);
}

TEST_CASE("json_schema: text is read as the text of a schema, and a value that is a string is refused") {
    const char* const pointer = R"({"type": "boolean"})";
    const std::string string = pointer;
    const std::string_view view = string;
    for (const auto& program :
         {grammar::json_schema(R"({"type": "boolean"})"), grammar::json_schema(pointer), grammar::json_schema(string),
          grammar::json_schema(view), grammar::json_schema(json::parse(view)), grammar::json_schema(std::string(view)),
          grammar::compile(grammar::parse_json_schema(view), grammar::unsatisfiable::prune)}) {
        grammar::automaton walk(program);
        CHECK(wafer_test::accepts(walk, "true"));
        CHECK_FALSE(wafer_test::accepts(walk, "\"true\""));
    }
    grammar::automaton any(grammar::json_schema(true));
    CHECK(wafer_test::accepts(any, "[1]"));
    CHECK(error_of([] { (void)grammar::json_schema("{\"type\": boolean}"); })->code() == errc::bad_json);
    CHECK(says(error_of([] { (void)grammar::json_schema("{\"type\": boolean}"); })->what(), "line 1, column 10"));
    CHECK(error_of([] { (void)grammar::json_schema(""); })->code() == errc::bad_json);
    for (const auto& work : {std::function<void()>([&] { (void)grammar::json_schema(json(string)); }),
                             std::function<void()>([&] { (void)grammar::parse_json_schema(json(string)); }),
                             std::function<void()>([] { (void)grammar::json_schema("\"{}\""); })}) {
        const auto failed = error_of(work);
        REQUIRE(failed);
        CHECK(failed->code() == errc::bad_grammar);
        CHECK(says(failed->what(), "pass its text as text"));
    }
    CHECK(error_of([] { (void)grammar::json_schema(nullptr); })->code() == errc::bad_grammar);
}

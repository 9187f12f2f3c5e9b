// SPDX-License-Identifier: MIT
#include <cstdint>
#include <regex>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include <wafer/core/error.hpp>
#include <wafer/core/json.hpp>
#include <wafer/text/grammar/automaton.hpp>
#include <wafer/text/grammar/bounded_length.hpp>
#include <wafer/text/grammar/gbnf.hpp>
#include <wafer/text/grammar/json_schema.hpp>

#include "text/grammar/walk.hpp"

using namespace wafer;
using grammar::bounded_length;
using wafer_test::accepts;
using wafer_test::texts_of;

TEST_CASE("bounded_length: the lengths of an expression's texts") {
    const auto lengths = [](const std::string& source) {
        const grammar::ruleset rules = grammar::parse_gbnf(source);
        const auto r = bounded_length(rules.rules).of(rules.rules[rules.root].body);
        return std::pair(r.min, r.max);
    };
    using pair = std::pair<std::uint64_t, std::uint64_t>;
    CHECK(lengths("root ::= \"abc\" [x]") == pair{4, 4});
    CHECK(lengths("root ::= two | [x]*\ntwo ::= \"ab\"") == pair{0, bounded_length::endless});
    CHECK(lengths("root ::= ([x] | \"abc\"){2,5}") == pair{2, 15});
    CHECK(lengths("root ::= \"\\\\\" [n]") == pair{1, 1});  // an escape is one character
}

TEST_CASE(
    "bounded_length: all that is left is of the pattern and within the bounds; of one repetition, all of it is left") {
    const struct {
        std::string pattern;
        bool exact;
    } cases[] = {{"^a*$", true},
                 {"^[ab]+$", true},
                 {"^a{2,4}$", true},
                 {"^(a|b)*$", true},
                 {"^(ab)*$", true},
                 {"^a?$", true},
                 {"^(a?){4}$", true},
                 {"^(a|bb|ab)$", true},
                 {"^a*b*$", false},
                 {"^(a|bba)*$", false},
                 {"^(a*b)*$", false},
                 {"^(a+b?){1,3}$", false},
                 {"a", false},
                 {"^a", true},
                 {"b$", true},
                 {"^(a*|b+)a$", true},
                 {"^(a|b*){2,3}$", false},
                 {"^(ab|b)+(a|bb)*$", false},
                 {"^((a|b)?a)*b{0,3}$", false}};
    const auto texts = texts_of("ab", 7);
    std::size_t kept = 0, all = 0, refused = 0;
    for (const auto& c : cases)
        for (std::uint32_t min = 0; min <= 6; ++min)
            for (std::uint32_t max = min; max <= 6; ++max) {
                CAPTURE(c.pattern);
                CAPTURE(min);
                CAPTURE(max);
                const std::regex pattern(c.pattern);
                const json schema = json::object{{"pattern", c.pattern}, {"minLength", min}, {"maxLength", max}};
                std::size_t wanted = 0, got = 0, wrong = 0;
                const auto good = [&](const std::string& text) {
                    return text.size() >= min && text.size() <= max && std::regex_search(text, pattern);
                };
                for (const std::string& text : texts) wanted += good(text) ? 1 : 0;
                try {
                    grammar::automaton walk(grammar::json_schema(schema));
                    for (const std::string& text : texts) {
                        if (!accepts(walk, '"' + text + '"')) continue;
                        ++got;
                        wrong += good(text) ? 0 : 1;
                    }
                } catch (const error& e) {
                    CHECK(e.code() == errc::bad_grammar);
                    ++refused;
                }
                CHECK(wrong == 0);
                if (c.exact) CHECK(got == wanted);
                kept += got;
                all += wanted;
            }
    MESSAGE(kept << " of " << all << " texts are left; " << refused << " of the schemas are refused");
    CHECK(kept * 2 > all);  // to refuse everything would be right, too, but of no use
}

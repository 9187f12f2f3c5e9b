// SPDX-License-Identifier: MIT
#include <regex>
#include <string>
#include <string_view>
#include <vector>

#include <doctest/doctest.h>

#include <wafer/core/error.hpp>
#include <wafer/core/json.hpp>
#include <wafer/text/grammar/automaton.hpp>
#include <wafer/text/grammar/json_schema.hpp>

#include "text/grammar/walk.hpp"

using namespace wafer;
using wafer_test::accepts;
using wafer_test::texts_of;

namespace {

grammar::automaton pattern(const std::string& source) {
    return grammar::automaton(grammar::json_schema(json(json::object{{"pattern", source}})));
}

}  // namespace

TEST_CASE("json_pattern: exactly the strings in which std::regex finds the pattern, written with escapes") {
    const std::vector<std::string> texts = texts_of("ab\"\\ \n1-", 4);
    for (const char* source : {"",
                               "^",
                               "$",
                               "^$",
                               "a",
                               "^a",
                               "b$",
                               "^ab$",
                               "^a|b$",
                               "^(a|b)+$",
                               "^(?:ab){1,2}$",
                               "^[ab]{2,}?$",
                               "a.b",
                               "^[^a]*$",
                               "^\\w+$",
                               "^\\W\\D\\S?$",
                               "\\s$",
                               "^[\\d\\-a]+$",
                               "^[a-]+$",
                               "b\"",
                               "\\\\\\\\?a",
                               "^\\n|1{0}-$",
                               "^(a?b?){2}$",
                               "^()$",
                               "^(|a)b*$",
                               "[]",
                               "^[^]$",
                               "^\\x61\\u0062$",
                               "^\\t*1$"}) {
        CAPTURE(source);
        // Nothing matches an empty class, and everything its complement; std::regex reads both otherwise.
        const bool none = std::string_view(source) == "[]", any = std::string_view(source) == "^[^]$";
        if (none) {
            CHECK_THROWS_AS((void)pattern(source), error);
            continue;
        }
        grammar::automaton walk = pattern(source);
        const std::regex reference(any ? "^[\\s\\S]$" : source);
        for (const std::string& text : texts) {
            const bool expected = std::regex_search(text, reference);
            if (accepts(walk, json(text).dump()) != expected) FAIL(json(text).dump(), " ", expected);
        }
        CHECK_FALSE(accepts(walk, "\""));
        CHECK_FALSE(accepts(walk, "\"\n\""));
    }
}

TEST_CASE("json_pattern: characters are Unicode's") {
    grammar::automaton one = pattern("^.$");
    for (const char* text : {"\"\xC3\xA9\"", "\"\xF0\x9F\x9A\x80\"", "\"\\u0001\"", "\"\\\\\""})
        CHECK(accepts(one, text));
    for (const char* text : {"\"\xE2\x80\xA8\"", "\"\xC3\"", "\"ab\"", "\"\\n\""}) CHECK_FALSE(accepts(one, text));
    grammar::automaton greek = pattern("^[\xCE\xB1-\xCF\x89]+\\u20AC$");
    CHECK(accepts(greek, "\"\xCE\xB2\xCE\xB3\xE2\x82\xAC\""));
    CHECK_FALSE(accepts(greek, "\"b\xE2\x82\xAC\""));
}

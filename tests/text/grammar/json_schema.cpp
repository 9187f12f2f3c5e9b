// SPDX-License-Identifier: MIT
#include <chrono>
#include <limits>
#include <random>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

#include <wafer/core/error.hpp>
#include <wafer/core/json.hpp>
#include <wafer/text/grammar/json_schema.hpp>
#include <wafer/text/grammar/matcher.hpp>

#include "text/grammar/reference.hpp"
#include "text/grammar/validator.hpp"
#include "text/grammar/walk.hpp"

using namespace wafer;

namespace {

bool accepts(const std::string& schema, std::string_view text) {
    const json parsed = json::parse(schema);
    grammar::automaton walk(grammar::json_schema(parsed));
    return wafer_test::accepts(walk, text);
}

std::string schema_refusal(const std::string& schema) {
    try {
        (void)grammar::json_schema(json::parse(schema));
    } catch (const error& e) {
        CHECK(e.code() == errc::bad_grammar);
        return e.what();
    }
    return "accepted";
}

struct schema_case {
    std::string schema;
    std::vector<std::string> good, bad;
};

const std::vector<schema_case>& cases() {
    static const std::vector<schema_case> all{
        {R"({})", {"1", "null", R"({"a": [1, {}]})", R"("x")"}, {"", "nul", "[1,]", "{1:2}", " 1", "1 "}},
        {"true", {"1"}, {""}},
        {R"({"title": "t", "description": "d", "default": 1, "examples": [1], "$schema": "s", "x-mine": 1, "type": "null"})",
         {"null"},
         {"1"}},
        {R"({"type": "boolean"})", {"true", "false"}, {"null", "True"}},
        {R"({"type": ["string", "null"]})",
         {"\"a\"", "null", R"("\u00e9\n\ud83d\ude80")"},
         {"1", R"("\ud83d")", R"("\x")", "\"\n\""}},
        {R"({"type": "integer"})",
         {"0", "-12", "123456789012345678"},
         {"01", "1.0", "1e2", "--1", "1234567890123456789"}},
        {R"({"type": "number"})", {"0", "-1.5e-10", "0.1", "1E+5"}, {".5", "1.", "+1", "1e400", "Infinity"}},
        {R"({"type": "integer", "minimum": 3, "maximum": 112})",
         {"3", "9", "10", "99", "112"},
         {"2", "113", "03", "-3", "1120"}},
        {R"({"type": "integer", "exclusiveMinimum": -3, "maximum": 0})", {"-2", "-1", "0"}, {"-3", "1", "-0"}},
        {R"({"type": "integer", "minimum": 1.5})", {"2", "999999999999999999"}, {"1", "0"}},
        {R"({"type": "integer", "maximum": -9223372036854775808})", {"-9223372036854775808"}, {"-9223372036854775807"}},
        {R"({"type": "number", "minimum": 0, "exclusiveMaximum": 2})",
         {"0", "0.0", "1", "1.99", "0.5"},
         {"2", "2.0", "-0.5", "1e1"}},
        {R"({"minimum": -1, "maximum": 1})", {"-1", "-1.0", "-0.5", "0", "0.25", "1"}, {"-1.5", "1.01", "2"}},
        {R"({"type": "number", "minimum": 0.5, "exclusiveMaximum": 1})",
         {"0.5", "0.50", "0.625", "0.999"},
         {"0", "0.49", "1", "1.0", "0.99999999999999999"}},
        {R"({"type": "number", "minimum": -1e300, "maximum": 0.25})", {"0.25", "-5", "0.2499"}, {"0.3", "0.2500001"}},
        {R"({"enum": ["a", "bc", "\u0001\n\u20ac", "long", 7], "minLength": 2, "maxLength": 3})",
         {"\"bc\"", "\"\\u0001\\n\xE2\x82\xAC\"", "7"},
         {"\"a\"", "\"long\""}},
        {R"({"type": ["integer", "string"], "enum": ["ab", "ba", 1, 2.0, 2.5, 3, null], "pattern": "^a", "exclusiveMinimum": 1, "maximum": 2})",
         {"\"ab\"", "2"},
         {"\"ba\"", "1", "2.5", "3", "null"}},
        {R"({"enum": ["a\"b", 1, null, [1, {"k": 2.5}]]})",
         {R"("a\"b")", "1", "null", R"([1, {"k": 2.5}])", R"([1,{"k":2.5}])"},
         {"\"a\"", "2", "[1]"}},
        {R"({"type": "integer", "enum": ["a", 1, 2]})", {"1", "2"}, {"\"a\""}},
        {R"({"type": "integer", "enum": [1.0, 2, 2.5]})", {"1", "2"}, {"1.0", "2.5"}},
        {R"({"allOf": [{"enum": [1.0, "a", 2]}, {"enum": [1, 2.5, "a"]}], "type": "integer"})", {"1"}, {"2", "\"a\""}},
        {R"({"const": 12345678901234567890})", {"12345678901234567890"}, {"1.2345678901234567e+19"}},
        {R"({"enum": [1.10, 1e2, -0]})", {"1.10", "1e2", "-0"}, {"1.1", "100.0", "0"}},
        {R"({"type": "integer", "enum": [12345678901234567890, -1e1, 1.50, 1234567890123456789012345]})",
         {"12345678901234567890", "-10", "1234567890123456789012345"},
         {"1.50", "-1e1"}},
        {R"({"enum": [12345678901234567890, 12345678901234567891], "minimum": 12345678901234567891})",
         {"12345678901234567891"},
         {"12345678901234567890"}},
        {R"({"allOf": [{"enum": [12345678901234567890, 1.10]}, {"enum": [12345678901234567891, 1.1]}]})",
         {"1.10"},
         {"1.1", "12345678901234567890", "12345678901234567891"}},
        {R"({"type": "integer", "minimum": 0, "maximum": 18446744073709551615})",
         {"0", "18446744073709551615", "9999999999999999999"},
         {"18446744073709551616", "-1", "20000000000000000000"}},
        {R"({"type": "integer", "exclusiveMinimum": 9223372036854775807})",
         {"9223372036854775808", "18446744073709551615"},
         {"9223372036854775807", "18446744073709551616"}},
        {R"({"type": "integer", "exclusiveMinimum": -9223372036854775808, "exclusiveMaximum": -9223372036854775805})",
         {"-9223372036854775807", "-9223372036854775806"},
         {"-9223372036854775808", "-9223372036854775805", "0"}},
        {R"({"type": "integer", "minimum": -0.5, "maximum": 1e0})", {"0", "1"}, {"-0", "-1", "2"}},
        {R"({"type": "integer", "exclusiveMinimum": -1.5, "exclusiveMaximum": 0})", {"-1"}, {"0", "-2"}},
        {R"({"const": "b", "enum": ["a", "b"]})", {"\"b\""}, {"\"a\""}},
        {R"({"type": "string", "nullable": true})", {"\"a\"", "null"}, {"1"}},
        {R"({"type": "integer", "allOf": [{"minimum": 9007199254740992}, {"minimum": 9007199254740993}]})",
         {"9007199254740993"},
         {"9007199254740992"}},
        {R"({"const": "x"})", {"\"x\""}, {"\"y\""}},
        {R"({"type": "string", "minLength": 2, "maxLength": 3.0})",
         {"\"ab\"", "\"\xC3\xA9\xF0\x9F\x9A\x80\\n\"", R"("\ud83d\ude80a")"},
         {"\"a\"", "\"abcd\"", "\"\""}},
        {R"({"pattern": "^[A-Z]{2}\\d+(-x|\\.y)?$"})",
         {"\"AB1\"", "\"AB12-x\"", "\"AB1.y\""},
         {"\"AB\"", "\"ab1\"", "\"AB1zy\"", "\"AB1-xx\""}},
        {R"({"pattern": "^[a-z\"]+$", "minLength": 2, "maxLength": 4})",
         {"\"ab\"", "\"abcd\"", R"("a\"\"z")"},
         {"\"a\"", "\"abcde\"", "\"AB\""}},
        {R"({"pattern": "^(a|bcd)*-\\d{1,9}$", "maxLength": 9})",
         {"\"a-1\"", "\"bcd-12\""},
         {"\"aaaaaaaa-12\"", "\"-\""}},
        {R"({"pattern": "x", "maxLength": 5, "minLength": 1})",
         {"\"x\"", "\"abxcd\"", "\"\\nx\""},
         {"\"abxcde\"", "\"ab\""}},
        {R"({"format": "uri", "minLength": 1, "maxLength": 2083})",
         {"\"https://example.com/the-quick-brown-fox/jumps/over?the=lazy&dog\""},
         {"\"\"", "\"x\""}},
        {R"({"format": "email", "maxLength": 12})", {"\"a@b.cd\""}, {"\"joe.bloggs@example.com\""}},
        {R"({"format": "date"})",
         {"\"2024-02-29\"", "\"2000-02-29\"", "\"1999-12-31\""},
         {"\"2023-02-29\"", "\"1900-02-29\"", "\"2024-04-31\"", "\"2024-13-01\""}},
        {R"({"format": "time"})", {"\"23:59:59Z\"", "\"00:00:00.25+01:30\""}, {"\"24:00:00Z\"", "\"12:00:00\""}},
        {R"({"format": "date-time"})", {"\"2024-01-01T00:00:00Z\""}, {"\"2024-01-01\""}},
        {R"({"format": "uuid"})",
         {"\"123e4567-e89b-12d3-a456-426614174000\""},
         {"\"123e4567e89b12d3a456426614174000\""}},
        {R"({"format": "duration"})",
         {"\"P4Y\"", "\"P1Y2M3DT4H5M6S\"", "\"PT36H\"", "\"P2W\""},
         {"\"P\"", "\"PT\"", "\"4Y\"", "\"P1YT\"", "\"P1D2H\"", "\"P2D1Y\"", "\"P1Y2D\"", "\"P1Y2W\""}},
        {R"({"format": "hostname"})",
         {"\"localhost\"", "\"a-b.example.com\""},
         {"\"-a\"", "\"a-\"", "\"a..b\"", "\"a_b\"", "\"\"", "\"a.\""}},
        {R"({"format": "email"})",
         {"\"jo.e@example.com\"", "\"a+b/c@d-e.org\""},
         {"\"joe\"", "\"@a.b\"", "\".a@b.c\"", "\"a..b@c.d\"", "\"a@b\"", "\"a b@c.d\""}},
        {R"({"format": "ipv4"})",
         {"\"192.168.0.1\"", "\"255.249.199.99\""},
         {"\"256.0.0.1\"", "\"1.2.3\"", "\"01.2.3.4\"", "\"1.2.3.4.5\""}},
        {R"({"format": "ipv6"})",
         {"\"::\"", "\"::1\"", "\"fe80::1\"", "\"1:2:3:4:5:6:7:8\"", "\"1:2:3:4:5:6:7::\"", "\"1::3:4:5:6:7:8\""},
         {"\":\"", "\"1::2::3\"", "\"1:2:3:4:5:6:7\"", "\"12345::\"", "\"1:2:3:4:5:6:7:8:9\"",
          "\"::1:2:3:4:5:6:7:8\""}},
        {R"({"format": "uri"})",
         {"\"https://example.com:8080/a/b%20c?q=1&r=/#top\"", "\"urn:isbn:0451450523\"", "\"mailto:a@b.c\""},
         {"\"//example.com\"", "\"/a/b\"", "\"http:// b\"", "\"1http://a\"", "\"http://a/%zz\"", "\"a\"",
          "\"a:\\\"\""}},
        {R"({"type": "object"})",
         {"{}", R"({"a":1})", R"({ "a": {"b": []}, "c": 1 })", "{\n  \"a\": 1\n}"},
         {"[]", "{,}", R"({"a"})", R"({"a":1,})"}},
        {R"({"properties": {"a": {"type": "integer"}, "b": {"type": "string"}, "c": {}}, "required": ["b"]})",
         {R"({"b": ""})", R"({"a": 1, "b": "x"})", R"({"a":1,"b":"x","c":null})", R"({"b":"x","c":{}})"},
         {"{}", R"({"a": 1})", R"({"b": "x", "a": 1})", R"({"b": 1})", R"({"b": "x", "d": 1})", R"({"b":"x",})"}},
        {R"({"properties": {"a": {}, "b": {}}})",
         {"{}", R"({"a":1})", R"({"b":1})", R"({"a":1, "b":1})"},
         {R"({"b":1,"a":1})", R"({,"a":1})"}},
        {R"({"properties": {"ab": {"type": "null"}, "a\"": {}}, "additionalProperties": {"type": "integer"}})",
         {"{}", R"({"ab": null})", R"({"ab": null, "a": 1, "abc": 2, "": 3})", R"({"b": 1})", R"({"a\"": 1, "x": 1})"},
         {R"({"ab": 1})", R"({"a": 1, "ab": null})", R"({"x": null})", R"({"\u0061b": 1})"}},
        {R"({"type": "object", "additionalProperties": {"type": "integer"}, "minProperties": 1, "maxProperties": 2})",
         {R"({"a":1})", R"({"a":1, "b": 2})"},
         {"{}", R"({"a":1,"b":2,"c":3})", R"({"a":"x"})"}},
        {R"({"type": "object", "additionalProperties": false})", {"{}", "{ }"}, {R"({"a":1})"}},
        {R"({"type": "object", "required": ["x"], "additionalProperties": true})",
         {R"({"x":1})", R"({"x":1,"y":2})"},
         {"{}", R"({"y":2})"}},
        {R"({"type": "array"})", {"[]", "[1, \"a\"]"}, {"[", "[1 2]", "{}"}},
        {R"({"items": {"type": "integer"}, "minItems": 1, "maxItems": 3})",
         {"[1]", "[1, 2,3]"},
         {"[]", "[1,2,3,4]", "[\"a\"]"}},
        {R"({"items": false})", {"[]"}, {"[1]"}},
        {R"({"prefixItems": [{"type": "integer"}, {"type": "string"}]})",
         {"[]", "[1]", "[1, \"a\"]"},
         {"[\"a\"]", "[1, \"a\", 1]"}},
        {R"({"prefixItems": [{"type": "integer"}, {"type": "string"}], "items": {"type": "null"}, "minItems": 2, "maxItems": 3})",
         {"[1, \"a\"]", "[1, \"a\", null]"},
         {"[1]", "[1, \"a\", null, null]", "[1, \"a\", 1]"}},
        {R"({"anyOf": [{"type": "integer"}, {"type": "null"}, false]})", {"1", "null"}, {"\"a\""}},
        {R"({"oneOf": [{"properties": {"k": {"const": "a"}}, "required": ["k"]}, {"properties": {"k": {"const": "b"}, "v": {}}, "required": ["k", "v"]}]})",
         {R"({"k": "a"})", R"({"k": "b", "v": 1})"},
         {R"({"k": "b"})", R"({"k": "a", "v": 1})"}},
        {R"({"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"],
             "anyOf": [{"properties": {"a": {"type": "null"}}, "required": ["a"]}, {"properties": {"b": {"type": "null"}}, "required": ["b"]}]})",
         {R"({"n": 1, "a": null})", R"({"n": 1, "b": null})"},
         {R"({"n": 1})", R"({"a": null})"}},
        {R"({"allOf": [{"properties": {"a": {"type": ["integer", "null"]}}}, {"properties": {"a": {"type": "number", "minimum": 0}, "b": {}}, "required": ["b"]}]})",
         {R"({"a": 1, "b": 2})", R"({"b": 2})"},
         {R"({"a": null, "b": 2})", R"({"a": 1})", R"({"a": 1.5, "b": 2})", R"({"a": -1, "b": 2})"}},
        {R"({"$defs": {"n": {"type": "object", "properties": {"v": {"type": "integer"}, "next": {"anyOf": [{"$ref": "#/$defs/n"}, {"type": "null"}]}},
             "required": ["v", "next"]}}, "$ref": "#/$defs/n"})",
         {R"({"v": 1, "next": null})", R"({"v": 1, "next": {"v": 2, "next": null}})"},
         {R"({"v": 1})", R"({"v": 1, "next": {}})"}},
        {R"({"definitions": {"a/b": {"type": "integer"}}, "properties": {"x": {"$ref": "#/definitions/a~1b", "maximum": 5, "minimum": 5}}, "required": ["x"]})",
         {R"({"x": 5})"},
         {R"({"x": 4})", "{}"}},
        {R"({"properties": {"kids": {"items": {"$ref": "#"}}}, "required": ["kids"]})",
         {R"({"kids": []})", R"({"kids": [{"kids": [{"kids": []}]}, {"kids": []}]})"},
         {R"({})", R"({"kids": [{}]})"}},
        {R"({"properties": {"a": {"properties": {"a": {"$ref": "#/properties/a"}}, "required": ["a"]}, "b": {"type": "null"}}})",
         {"{}", R"({"b": null})"},  // "a" would have to hold itself without end
         {R"({"a": {}})"}},
    };
    return all;
}

}  // namespace

TEST_CASE("json_schema: each keyword allows what it says and nothing else") {
    for (const auto& c : cases()) {
        CAPTURE(c.schema);
        for (const auto& text : c.good) CHECK_MESSAGE(accepts(c.schema, text), text);
        for (const auto& text : c.bad) CHECK_MESSAGE(!accepts(c.schema, text), text);
    }
}

TEST_CASE("json_schema: whatever is drawn under the masks parses and is valid") {
    std::mt19937 random(3);
    const wafer_test::small_vocabulary words(
        {"{\"", "\":", "\", \"",   "\": ",     "true",         "false", "null", "}}",      "],", "\"}",  "12",   "-1",
         ".5",  "ab",  "\xC3\xA9", "\xE2\x82", "\xF0\x9F\x9A", "\\u00", "\\n",  "{\n  \"", ", ", "a\":", "2024", "-0"});
    int repeated_names = 0, texts = 0;
    for (const auto& c : cases()) {
        CAPTURE(c.schema);
        const json schema = json::parse(c.schema);
        grammar::matcher m(grammar::json_schema(schema), words.trie);
        for (int walk = 0; walk < 30; ++walk) {
            const std::string text = wafer_test::random_text(m, words, random, walk);
            CAPTURE(text);
            CHECK(m.can_stop());
            ++texts;
            try {
                const json value = json::parse(text);
                CHECK(wafer_test::validator(schema).valid(value));
            } catch (const error& e) {
                // The one thing that a grammar cannot rule out.
                CHECK_MESSAGE(std::string_view(e.what()).find("two members named") != std::string_view::npos, e.what());
                ++repeated_names;
            }
        }
    }
    CHECK(repeated_names * 20 < texts);
}

TEST_CASE("json_schema: what cannot be kept to is refused by name, with its place") {
    const struct {
        const char *schema, *message;
    } refused[] = {
        {R"({"properties": {"a": {"not": {}}}})", "\"not\" is not supported (#/properties/a)"},
        {R"({"items": {"uniqueItems": true}})", "\"uniqueItems\" is not supported (#/items)"},
        {R"({"patternProperties": {}})", "\"patternProperties\" is not supported (#)"},
        {R"({"if": {}, "then": {}})", "\"if\" is not supported"},
        {R"({"multipleOf": 2})", "\"multipleOf\" is not supported"},
        {R"({"type": "float"})", "unknown type \"float\" (#)"},
        {R"({"type": 1})", "\"type\" is not an array"},
        {R"({"anyOf": [{}, {"type": "x"}]})", "(#/anyOf/1)"},
        {R"({"$ref": "other.json"})", "leads out of the document"},
        {R"({"$ref": "#/$defs/none"})", "reference \"#/$defs/none\" leads nowhere"},
        {R"({"$defs": {"a": {"$ref": "#/$defs/b"}, "b": {"$ref": "#/$defs/a"}}, "$ref": "#/$defs/a"})",
         "can never finish"},
        {R"({"properties": {"a": {"$ref": "#"}}, "required": ["a"]})", "can never finish"},
        {R"({"anyOf": [{"$ref": "#"}, {"type": "null"}]})", "is left-recursive"},
        {R"({"type": "integer", "anyOf": [{"$ref": "#"}, {"maximum": 1}]})", "is left-recursive"},
        {R"j({"type": "string", "pattern": "(?=a)"})j", "only groups of the forms"},
        {R"({"type": "string", "pattern": "a^b"})", "anchors stand only at its ends"},
        {R"({"type": "string", "pattern": "\\bx"})", "\\b is not supported"},
        {R"({"type": "string", "pattern": "a**"})", "a repetition of a repetition"},
        {R"({"type": "string", "pattern": "(a"})", "\"(\" without its \")\""},
        {R"({"type": "string", "pattern": "[b-a]"})", "not a range of characters"},
        {R"({"type": "string", "pattern": "a", "format": "uri"})", "a \"pattern\" beside a \"format\""},
        {R"({"type": "string", "pattern": "^(ab){2}(abc)*$", "minLength": 5, "maxLength": 6})", "too narrow for the"},
        {R"({"type": "string", "format": "date", "maxLength": 9})", "can never finish"},
        {R"({"type": "string", "format": "regex"})", "format \"regex\" is not supported; known are date"},
        {R"({"type": "string", "minLength": -1})", "\"minLength\" is not a count"},
        {R"({"type": "string", "minLength": 1.5})", "\"minLength\" is not a count"},
        {R"({"type": "string", "minLength": "1"})", "\"minLength\" is not a count"},
        {R"({"type": "string", "minLength": 4294967295})", "\"minLength\" is not a count"},
        {R"({"type": "string", "maxLength": 4000000000})", "it is too large"},
        {R"({"type": "number", "exclusiveMinimum": 1000000000000001})", "more than 15 digits"},
        {R"({"type": "number", "exclusiveMinimum": 0.30000000000000004})", "more than 15 digits"},
        {R"({"type": "number", "minimum": 1e-20})", "more than 17 digits after the point"},
        {R"({"type": "number", "minimum": 9007199254740993})", "not exactly a double"},
        {R"({"type": "number", "minimum": 1e18})", "leaves no numbers"},
        {R"({"type": "integer", "minimum": 1e30})", "beyond 64 bits"},
        {R"({"type": "integer", "minimum": 5, "maximum": 4})", "can never finish"},
        {R"({"type": "string", "enum": [1]})", "can never finish"},
        {R"({"enum": [{"a": 1}], "required": ["b"]})", "keywords about a listed object are not supported"},
        {R"({"enum": ["a", "b"], "minLength": 2})", "can never finish"},
        {R"({"allOf": [{"pattern": "a"}, {"pattern": "b"}]})", "two different \"pattern\" cannot be joined"},
        {R"({"allOf": [{"properties": {"a": {}}, "additionalProperties": false}, {"properties": {"b": {}}}]})",
         "falls under \"additionalProperties\""},
        {R"({"allOf": [{"$ref": "#"}]})", "join too many schemas, or themselves"},
        {R"({"allOf": [{"prefixItems": [{}, {}]}, {"items": {"type": "integer"}}]})",
         "fall under \"items\" of another"},
        {R"({"type": "array", "prefixItems": [{}], "allOf": [{"items": {"type": "integer"}, "minItems": 1}]})",
         "fall under \"items\" of another"},
        {R"({"allOf": [{"items": [{}]}, {"items": {"type": "integer"}}]})", "two different \"items\" cannot be joined"},
        {R"({"allOf": [{"items": [{}]}, {"prefixItems": [{"type": "integer"}]}]})", "fall under \"items\" of another"},
        {R"({"items": [{}], "prefixItems": [{"type": "integer"}]})", "a list of \"items\" beside \"prefixItems\""},
        {R"({"type": "integer", "exclusiveMinimum": 18446744073709551615})", "can never finish"},
        {R"({"type": "integer", "minimum": 18446744073709551616})", "beyond 64 bits"},
        {R"({"type": "integer", "minimum": -9223372036854775809})", "beyond 64 bits"},
        {R"({"type": "integer", "maximum": 1e999999999999999999999})", "beyond 64 bits"},
        {R"({"type": "string", "maxLength": 2.00000000000000000001})", "is not a count"},
        {R"({"type": "integer", "enum": [12345678901234567890.5]})", "can never finish"},
        {R"({"allOf": [{"const": 12345678901234567890}, {"const": 12345678901234567891}]})", "can never finish"},
        {R"({"type": "integer", "exclusiveMaximum": -9223372036854775808})", "can never finish"},
        {R"({"$ref": 5})", "\"$ref\" is not a string (#)"},
        {R"({"type": []})", "\"type\" names no type (#)"},
        {R"({"properties": {"a": {"$ref": "#", "nullable": true}}})", "\"nullable\" is supported only beside \"type\""},
        {R"({"properties": {"a": {}}, "minProperties": 1})", "bounds on the number of members"},
        {R"([])", "a schema is an object or a boolean"},
        {R"("x")", "a schema is an object or a boolean"},
        {"false", "can never finish"},
    };
    for (const auto& c : refused) {
        const std::string message = schema_refusal(c.schema);
        CHECK_MESSAGE(message.find(c.message) != message.npos, c.schema, " -> ", message);
    }
}

TEST_CASE("json_schema: a schema may be as deep as values are, and what follows from it is still JSON") {
    for (const char* keyword : {"items", "additionalProperties", "allOf", "anyOf"}) {
        for (int levels = 100; levels < 140; ++levels) {
            CAPTURE(keyword);
            CAPTURE(levels);
            json schema = json::object{{"type", "integer"}};
            const bool listed = std::string_view(keyword).ends_with("Of");
            const auto refused = error_of([&] {
                for (int i = 0; i < levels; ++i) {
                    const json inner = std::exchange(schema, json::object{});
                    schema.set(keyword, listed ? json(json::array{inner, json::object{{"maximum", 500}}}) : inner)
                        .set("minimum", i);
                }
            });
            if (refused) continue;
            const auto failed = error_of([&] { (void)grammar::json_schema(schema); });
            if (failed) CHECK(failed->code() == errc::bad_grammar);
            else CHECK(schema.depth() <= json::max_depth);
        }
    }
    json deep = json::object{{"const", 1}};
    for (int i = 0; i < json::max_depth - 1; ++i) deep = json::object{{"items", deep}};
    CHECK(schema_refusal(deep.dump()).find("nested more than") != std::string::npos);
}

TEST_CASE("json_schema: what a value that was built holds and JSON does not is refused") {
    const auto refused = [](const json& schema, std::string_view why) {
        const auto failed = error_of([&] { (void)grammar::json_schema(schema); });
        REQUIRE(failed);
        CHECK(failed->code() == errc::bad_grammar);
        CHECK_MESSAGE(std::string_view(failed->what()).find(why) != std::string_view::npos, failed->what());
    };
    const double infinity = std::numeric_limits<double>::infinity();
    refused(json::object{{"const", infinity}}, "a number in it");
    refused(json::object{{"type", "integer"}, {"minimum", infinity - infinity}}, "a number in it");
    refused(json::object{{"properties", json::object{{"\xFF", true}}}}, "not UTF-8");
    refused(json::object{{"enum", json::array{"\xC3"}}}, "not UTF-8");
    refused(json::object{{"properties", json::object{{"a", true}, {"a", false}}}}, "two members \"a\"");
}

TEST_CASE("json_schema: schemas that would unroll without end are stopped") {
    CHECK(
        schema_refusal(
            R"({"$defs": {"a": {"properties": {"x": {"$ref": "#/$defs/a"}}}, "b": {"properties": {"x": {"$ref": "#/$defs/b"}}}},
                      "allOf": [{"$ref": "#/$defs/a"}, {"$ref": "#/$defs/b"}]})") == "accepted");
    std::string deep = "{}", wide = "{}";
    for (int i = 0; i < 120; ++i) deep = R"({"items": )" + deep + "}";
    CHECK(schema_refusal(deep) == "accepted");
    for (int i = 0; i < 12; ++i) wide = R"({"allOf": [)" + wide + "," + wide + "]}";
    CHECK(schema_refusal(wide).find("join too many") != std::string::npos);
    std::string names;
    for (int i = 0; i < 2000; ++i)
        names += (i == 0 ? "\"p" : ",\"p") + std::to_string(i) + "\": {\"type\": \"integer\"}";
    CHECK(schema_refusal("{\"properties\": {" + names + "}}") == "accepted");
}

TEST_CASE("json_schema: references and merges take no quadratic time") {
    std::string names, uses, chain;
    for (int i = 0; i < 20'000; ++i) names += (i == 0 ? "\"p" : ",\"p") + std::to_string(i) + "\": {}";
    for (int i = 0; i < 1000; ++i)
        uses += (i == 0 ? "\"q" : ",\"q") + std::to_string(i) +
                R"(": {"$ref": "#/$defs/b", "allOf": [{"properties": {"p0": {"type": "null"}}}], "x": 0})";
    CHECK(schema_refusal(R"({"$defs": {"b": {"properties": {)" + names + R"(}}}, "properties": {)" + uses + "}}")
              .find("joins too much") != std::string::npos);
    for (int i = 0; i < 30'000; ++i)
        chain += "\"d" + std::to_string(i) + R"(": {"$ref": "#/$defs/d)" + std::to_string(i + 1) + "\"},";
    const auto start = std::chrono::steady_clock::now();
    CHECK(schema_refusal(R"({"$ref": "#/$defs/d0", "$defs": {)" + chain + R"("d30000": {"type": "null"}}})") ==
          "accepted");
    CHECK(std::chrono::steady_clock::now() - start < std::chrono::seconds(20));  // sanitizers included
}

TEST_CASE("json_schema: patterns and values are refused before they fill the memory") {
    const auto pattern = [](std::size_t n) { return schema_refusal(R"({"pattern": ")" + std::string(n, '.') + "\"}"); };
    CHECK(pattern(1000) == "accepted");
    CHECK(pattern(60'000).find("the schema is too large") != std::string::npos);
    CHECK(pattern(70'000).find("more than 65536 bytes") != std::string::npos);
    std::string ones = "1";
    for (int i = 0; i < 200'000; ++i) ones += ",1";
    CHECK(schema_refusal(R"({"const": [)" + ones + "]}").find("the schema is too large") != std::string::npos);
}

TEST_CASE("json_schema: a list of thousands of values is no ambiguity") {
    json::array values;
    for (int i = 0; i < 20'000; ++i) values.push_back("value " + std::to_string(i));
    const json schema(
        json::object{{"enum", json(values)}, {"allOf", json::array{json::object{{"enum", json(values)}}}}});
    grammar::automaton walk(grammar::json_schema(schema));
    auto s = walk.start();
    for (const char c : std::string("\"value 12345\"")) s = walk.step(s, static_cast<std::uint8_t>(c));
    CHECK(walk.is_final(s));
}

TEST_CASE("json_schema: any JSON object, and nothing else, where no schema is given") {
    grammar::automaton walk(grammar::json_object());
    const auto accepted = [&](std::string_view text) { return wafer_test::accepts(walk, text); };
    CHECK(accepted(R"({"a": [1, 2.5e3, {"b": null}], "c": "\u20ac"})"));
    CHECK_FALSE(accepted("[]"));
    CHECK_FALSE(accepted("{} "));
}

// SPDX-License-Identifier: MIT
#include <string>
#include <string_view>

#include <doctest/doctest.h>

#include <wafer/core/json.hpp>
#include <wafer/text/parameter_kinds.hpp>

using namespace wafer;

namespace {

// What becomes of a value's text: JSON that is no string as it stands, text in quotes.
std::string read(std::string_view schema, std::string_view text) {
    const json root =
        json::parse(R"({"$defs": {"n": {"type": "integer"}, "self": {"$ref": "#/$defs/self"}, "a/b~": {"enum": [
        "on", "off"]}, "wide": {"anyOf": [{"$ref": "#/$defs/wide"}, {"$ref": "#/$defs/wide"}, {"type": "string"}]}}})");
    const parameter_kinds kinds(json::parse(schema), root);
    const auto literal = kinds.literal(text);
    CHECK((!literal || !kinds.only_text()));
    return literal ? std::string(*literal) : "'" + std::string(text) + "'";
}

}  // namespace

TEST_CASE("parameter_kinds: what is not described, and what can only be text, is text") {
    CHECK(parameter_kinds().only_text());
    for (const auto* schema : {R"({"type": "string"})", R"({"type": ["string"]})", R"({"enum": ["a", "1"]})",
                               R"({"const": "a"})", R"({"anyOf": [{"type": "string"}, {"enum": ["b"]}]})",
                               R"({"allOf": [{"type": ["string", "null"]}, {"type": ["string", "integer"]}]})",
                               R"({"$ref": "#/$defs/a~1b~0"})", R"({"type": "string", "enum": ["a", 1]})"})
        CHECK_MESSAGE(
            parameter_kinds(json::parse(schema), json::parse(R"({"$defs": {"a/b~": {"enum": ["on"]}}})")).only_text(),
            schema);
}

TEST_CASE("parameter_kinds: text that may be text keeps its quotes and escapes") {
    for (const auto* schema :
         {R"({"type": "string"})", R"({"type": ["string", "null"]})",
          R"({"anyOf": [{"type": "string"}, {"type": "null"}]})",
          R"({"oneOf": [{"type": "integer"}, {"type": "string"}]})", R"({})", R"(true)", R"({"enum": ["a", null]})",
          R"({"type": "string", "nullable": true})", R"({"description": "any"})", R"({"$ref": "#/$defs/wide"})"})
        for (const auto* text : {R"("use strict")", R"("use \u0041")", R"("")", "'a'", "", " ", "a b", "007", "0x1",
                                 "{a}", "[1,", "nul", "1.5.2"})
            CHECK_MESSAGE(read(schema, text) == "'" + std::string(text) + "'", schema);
}

TEST_CASE("parameter_kinds: what reads as another kind that the schema allows is that") {
    const struct {
        const char *schema, *text, *read;
    } cases[] = {
        {R"({"type": ["string", "null"]})", "null", "null"},
        {R"({"type": ["string", "null"]})", " None\n", "null"},
        {R"({"type": ["string", "null"]})", "3", "'3'"},
        {R"({"type": ["string", "null"]})", "true", "'true'"},
        {R"({"type": "string", "nullable": true})", "None", "null"},
        {R"({"type": "string", "nullable": true, "enum": ["a"]})", "null", "null"},
        {R"({"type": ["string", "integer"]})", "7", "7"},
        {R"({"type": ["string", "integer"]})", "123456789012345678901234567890", "123456789012345678901234567890"},
        {R"({"type": ["string", "integer"]})", "1.10", "'1.10'"},  // a version, since it is no integer
        {R"({"type": ["string", "number"]})", "1.10", "1.10"},
        {R"({"type": ["string", "boolean"]})", "False", "false"},
        {R"({"type": ["string", "array"]})", R"(["a", "b"])", R"(["a", "b"])"},
        {R"({"type": ["string", "array"]})", R"({"a": 1})", R"('{"a": 1}')"},
        {R"({"type": "integer"})", " 7 ", "7"},
        {R"({"type": "integer"})", "7.5", "7.5"},
        {R"({"type": "integer"})", "seven", "'seven'"},
        {R"({"type": "integer"})", "true", "'true'"},
        {R"({"type": "integer"})", R"("7")", R"('"7"')"},
        {R"({"type": "boolean"})", "1", "'1'"},
        {R"({"type": "object"})", R"({"a": "b"})", R"({"a": "b"})"},
        {R"({"type": "object"})", R"({'a': 'b'})", R"('{'a': 'b'}')"},
        {R"({})", R"({"a": 1})", R"({"a": 1})"},
        {R"({})", "7", "7"},
        {R"({"type": "no such"})", "7", "7"},
        {R"({"enum": ["auto", 1]})", "1", "1"},
        {R"({"enum": ["auto", "1", 2]})", "1", "'1'"},  // listed
        {R"({"enum": ["null", null]})", "null", "'null'"},
        {R"({"enum": [1, 2]})", "1", "1"},
        {R"({"const": 1})", "1", "1"},
        {R"({"anyOf": [{"$ref": "#/$defs/n"}, {"type": "null"}]})", "7", "7"},
        {R"({"anyOf": [{"$ref": "#/$defs/n"}, {"type": "null"}]})", "7.0", "7.0"},
        {R"({"anyOf": [{"$ref": "#/$defs/n"}, {"type": "string"}]})", "7.0", "'7.0'"},
        {R"({"anyOf": [{"$ref": "#/$defs/a~1b~0"}, {"type": "boolean"}]})", "on", "'on'"},
        {R"({"anyOf": [{"$ref": "#/$defs/a~1b~0"}, {"type": "boolean"}]})", "true", "true"},
        // What cannot be followed, or contradicts itself, may be anything.
        {R"({"$ref": "#/$defs/self"})", "7", "7"},
        {R"({"$ref": "#/nowhere"})", "[7]", "[7]"},
        {R"({"$ref": "other.json#/a"})", "7", "7"},
        {R"({"allOf": [{"type": "string"}, {"type": "integer"}]})", "7", "7"},
        {R"(false)", "7", "7"},
        {R"([3])", "7", "7"},
        {R"({"type": 3, "enum": 3, "anyOf": 3, "$ref": 3, "allOf": []})", "7", "7"},
    };
    for (const auto& c : cases) {
        CAPTURE(c.text);
        CHECK_MESSAGE(read(c.schema, c.text) == c.read, c.schema);
    }
}

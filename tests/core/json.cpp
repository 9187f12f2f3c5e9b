// SPDX-License-Identifier: MIT
#include <chrono>
#include <cmath>
#include <limits>
#include <string>

#include <doctest/doctest.h>

#include <wafer/core/json.hpp>

using wafer::errc;
using wafer::json;

namespace {

std::string refusal(std::string_view text) {
    try {
        (void)json::parse(text, "f.json");
    } catch (const wafer::error& e) {
        CHECK(e.code() == errc::bad_json);
        return e.what();
    }
    return "accepted";
}

bool refused(std::string_view text) { return refusal(text) != "accepted"; }

}  // namespace

TEST_CASE("json: values of every kind are read and written back") {
    const std::string text = R"({"a":[1,-2,3.5,true,false,null],"b":{"c":"d"},"e":[],"f":{}})";
    const json value = json::parse(" " + text + "\n");
    CHECK(value.dump() == text);
    CHECK(value.at("a").at(1).as_int() == -2);
    CHECK(value.at("a").at(2).as_double() == 3.5);
    CHECK(value.at("a").at(0).as_double() == 1.0);
    CHECK(value.at("b").at("c").as_string() == "d");
    CHECK(value.find("x") == nullptr);
    CHECK(json::parse(value.dump(2)) == value);
}

TEST_CASE("json: an indented dump is readable") {
    json value;
    value.set("n", 1).set("list", json::array{1, "x"}).set("none", json::array{});
    value.set("n", 2);
    CHECK(value.dump(2) == "{\n  \"n\": 2,\n  \"list\": [\n    1,\n    \"x\"\n  ],\n  \"none\": []\n}");
    CHECK(value.dump(wafer::json_format{-1, ", ", ": "}) == R"({"n": 2, "list": [1, "x"], "none": []})");
}

TEST_CASE("json: numbers keep their kind and their value") {
    CHECK(json::parse("9223372036854775807").as_int() == std::numeric_limits<std::int64_t>::max());
    CHECK(json::parse("-9223372036854775808").as_int() == std::numeric_limits<std::int64_t>::min());
    CHECK(json::parse("9223372036854775808").as_double() == 9223372036854775808.0);
    CHECK(json(std::numeric_limits<std::uint64_t>::max()).as_double() == 18446744073709551615.0);
    CHECK_FALSE(json::parse("1.0").is_integer());
    CHECK(json(1.0).dump() == "1.0");
    CHECK(json(100000.0).dump() == "100000.0");
    CHECK(json(0.1).dump() == "0.1");
    CHECK(json(1e16).dump() == "1e+16");
    CHECK(json(1e-5).dump() == "1e-05");
    CHECK(json(-0.0).dump() == "-0.0");
    CHECK(json(std::numeric_limits<double>::infinity()).dump() == "null");
    CHECK(json(std::nan("")).dump() == "null");
    std::uint64_t state = 1;
    for (int i = 0; i < 2000; ++i) {
        state = state * 6364136223846793005u + 1442695040888963407u;
        const double value =
            std::ldexp(static_cast<double>(static_cast<std::int64_t>(state)), static_cast<int>(state % 900) - 450);
        CHECK(json::parse(json(value).dump()).as_double() == value);
    }
}

TEST_CASE("json: a number too small for a double is 0, one too large is refused") {
    const std::string zeros(400, '0');
    for (const std::string& text :
         {std::string("1e-400"), std::string("-1e-400"), std::string("9.9E-99999999999999999999"), "0." + zeros + "1",
          "10" + zeros + "e-900", "0." + zeros + "1e20"}) {
        CAPTURE(text);
        CHECK(json::parse(text).as_double() == 0);
    }
    for (const std::string& text : {std::string("1e400"), std::string("-1e400"), std::string("1e+99999999999999999999"),
                                    "1" + zeros + ".0", "0." + zeros + "1e900"}) {
        CAPTURE(text);
        CHECK(refused(text));
    }
    CHECK(json::parse("1e-310").as_double() == 1e-310);
    CHECK(json::parse("0e999").as_double() == 0);
    CHECK(json::parse("0.0e-99999999999999999999").as_double() == 0);
    CHECK(json::parse("0e99999999999999999999").as_double() == 0);
}

TEST_CASE("json: strings are escaped and unescaped") {
    CHECK(json::parse(R"("\"\\\/\b\f\n\r\t\u0041\u00e9\ud83d\ude80")").as_string() ==
          "\"\\/\b\f\n\r\tA\xC3\xA9\xF0\x9F\x9A\x80");
    CHECK(json(std::string("a\"\\\n\x01\x1f\0b", 8)).dump() == R"("a\"\\\n\u0001\u001f\u0000b")");
    CHECK(json("\xF0\x9F\x9A\x80").dump() == "\"\xF0\x9F\x9A\x80\"");
    CHECK(json("a\xFF"
               "b")
              .dump() == "\"a\xEF\xBF\xBD"
                         "b\"");
}

TEST_CASE("json: what is not JSON is refused") {
    for (const char* text : {"",
                             " ",
                             "{",
                             "[",
                             "[1,]",
                             "{\"a\":1,}",
                             "{a:1}",
                             "{\"a\" 1}",
                             "{1:2}",
                             "01",
                             "-",
                             "1.",
                             ".5",
                             "+1",
                             "1e",
                             "1e400",
                             "tru",
                             "nul",
                             "NaN",
                             "'a'",
                             "\"a",
                             "\"\\x\"",
                             "\"\\u12\"",
                             "\"\\u12g4\"",
                             "\"\\ud800\"",
                             "\"\\ud800\\u0041\"",
                             "\"\\udc00\"",
                             "\"\n\"",
                             "\"\xFF\"",
                             "\"\xC0\x80\"",
                             "\"\xED\xA0\x80\"",
                             "1 2",
                             "[1] x",
                             "/*c*/1",
                             "{\"a\":1,\"a\":2}",
                             "\"\\u+123\"",
                             "\"\\"})
        CHECK_MESSAGE(refused(text), text);
    CHECK(refused(std::string_view("[1\0]", 4)));
    CHECK(refused(std::string_view("\"\\\0\"", 4)));
}

TEST_CASE("json: an error says file, line, column and offset") {
    const std::string what = refusal("{\n  \"a\": tru\n}");
    CHECK(what.find("line 2, column 8") != what.npos);
    CHECK(what.find("f.json at byte 9") != what.npos);
}

TEST_CASE("json: nesting is bounded") {
    const auto nested = [](std::size_t n) { return std::string(n, '[') + std::string(n, ']'); };
    CHECK_FALSE(refused(nested(json::max_depth)));
    CHECK(refused(nested(json::max_depth + 1)));
    CHECK(refused(std::string(1'000'000, '[')));
}

TEST_CASE("json: the wrong type and a missing member are typed errors") {
    const auto code_of = [](auto&& read) {
        try {
            read();
        } catch (const wafer::error& e) {
            return e.code();
        }
        return errc::corrupt;
    };
    const json value = json::parse(R"({"a":1})");
    CHECK(code_of([&] { (void)value.at("a").as_string(); }) == errc::wrong_type);
    CHECK(code_of([&] { (void)value.at("b"); }) == errc::missing_key);
    CHECK(code_of([&] { (void)value.at(std::size_t{0}); }) == errc::wrong_type);
    CHECK(code_of([&] { (void)json(json::array{1}).at(std::size_t{1}); }) == errc::invalid_argument);
    CHECK(code_of([&] { json(1).push_back(2); }) == errc::wrong_type);
}

TEST_CASE("json: a large object is read in well under quadratic time") {
    std::string text = "{";
    for (int i = 0; i < 200'000; ++i) text += (i ? ",\"key" : "\"key") + std::to_string(i) + "\":" + std::to_string(i);
    text += "}";
    const auto start = std::chrono::steady_clock::now();
    CHECK(json::parse(text).as_object().size() == 200'000);
    CHECK(std::chrono::steady_clock::now() - start < std::chrono::seconds(5));
}

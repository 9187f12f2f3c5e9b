// SPDX-License-Identifier: MIT
#include <chrono>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <iterator>
#include <limits>
#include <string>
#include <utility>
#include <vector>

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
    CHECK(json(std::numeric_limits<std::uint64_t>::max()).dump() == "18446744073709551615");
    CHECK(json(std::numeric_limits<std::int64_t>::min()).dump() == "-9223372036854775808");
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

TEST_CASE("json: a number that was read is written as it was") {
    const std::string digits(1000, '7'), zeros(400, '0');
    for (const std::string& text : {std::string("0"),
                                    std::string("-0"),
                                    std::string("-1"),
                                    std::string("1.10"),
                                    std::string("1e2"),
                                    std::string("1E+02"),
                                    std::string("0.1e1"),
                                    std::string("-0.0"),
                                    std::string("1.0"),
                                    std::string("100.0"),
                                    std::string("12345678901234567890"),
                                    std::string("-9223372036854775809"),
                                    std::string("9223372036854775808"),
                                    std::string("0.30000000000000004440892098500626"),
                                    std::string("1e400"),
                                    std::string("-1e-400"),
                                    std::string("1e99999999999999999999"),
                                    digits,
                                    "-" + digits + "." + digits,
                                    "1" + zeros + "e-400"}) {
        CAPTURE(text);
        const json value = json::parse(text);
        CHECK(value.is_number());
        CHECK(value.dump() == text);
        CHECK(json::parse("[" + text + "]").dump() == "[" + text + "]");
        CHECK(json(value).dump() == text);
        CHECK(value == json::parse(text));
        CHECK((value.is_integer() ? value.written().empty() || text == "-0" : value.written() == text));
    }
    CHECK(json(12).written().empty());
    CHECK(json(1.5).written().empty());
    CHECK(json("12").written().empty());
}

TEST_CASE("json: an integer is what 64 bits hold, all other numbers are reals") {
    for (const char* text : {"0", "-0", "7", "-9223372036854775808", "9223372036854775807"}) {
        CAPTURE(text);
        CHECK(json::parse(text).type() == json::kind::integer);
        CHECK(json::parse(text).as_int() == std::stoll(text));
        CHECK(json::parse(text).as_double() == std::stod(text));
    }
    for (const char* text : {"0.0", "1.0", "1e0", "9223372036854775808", "-9223372036854775809"}) {
        CAPTURE(text);
        CHECK(json::parse(text).type() == json::kind::real);
        CHECK_THROWS_AS((void)json::parse(text).as_int(), wafer::error);
        CHECK(json::parse(text).as_double() == std::stod(text));
    }
}

TEST_CASE("json: a number too small for a double is 0, one too large infinite") {
    const std::string zeros(400, '0');
    for (const std::string& text :
         {std::string("1e-400"), std::string("-1e-400"), std::string("9.9E-99999999999999999999"), "0." + zeros + "1",
          "10" + zeros + "e-900", "0." + zeros + "1e20"}) {
        CAPTURE(text);
        CHECK(json::parse(text).as_double() == 0);
    }
    for (const std::string& text : {std::string("1e400"), std::string("-1e400"), std::string("1e+99999999999999999999"),
                                    "1" + zeros + ".0", "1" + zeros, "0." + zeros + "1e900"}) {
        CAPTURE(text);
        const double value = json::parse(text).as_double();
        CHECK(std::isinf(value));
        CHECK(std::signbit(value) == text.starts_with('-'));
    }
    CHECK(json::parse("1e-310").as_double() == 1e-310);
    CHECK(json::parse("0e999").as_double() == 0);
    CHECK(json::parse("0.0e-99999999999999999999").as_double() == 0);
    CHECK(json::parse("0e99999999999999999999").as_double() == 0);
}

TEST_CASE("json: numbers are equal by value, exactly") {
    const std::vector<std::vector<const char*>> classes{
        {"0", "-0", "0.0", "-0.0", "0e5", "0e-99999999999999999999"},
        {"1", "1.0", "1e0", "10e-1", "0.1e1", "0.0001E4"},
        {"-1", "-1.00"},
        {"100", "1e2", "1E+2", "100.0"},
        {"0.1", "1e-1", "0.10"},
        {"0.1000000000000000055511151231257827"},  // the double nearest to 0.1, but not 0.1
        {"9007199254740992", "9007199254740992.0"},
        {"9007199254740993"},
        {"12345678901234567890", "1234567890123456789e1", "12345678901234567890.000"},
        {"12345678901234567891"},
        {"-12345678901234567890"},
        {"1e400", "10e399"},
        {"1e401"},
        {"1e-400"}};
    for (std::size_t i = 0; i < classes.size(); ++i)
        for (std::size_t k = 0; k < classes.size(); ++k)
            for (const char* a : classes[i])
                for (const char* b : classes[k])
                    CHECK_MESSAGE((json::parse(a) == json::parse(b)) == (i == k), a, " ", b);
    CHECK(json(0.1) == json::parse("0.10"));
    CHECK(json(1.0) == json(1));
    CHECK(json(1e23) == json::parse("1e23"));
    CHECK(json(std::numeric_limits<std::uint64_t>::max()) == json::parse("18446744073709551615"));
    CHECK_FALSE(json(std::numeric_limits<std::uint64_t>::max()) == json(18446744073709551616.0));
    const double infinity = std::numeric_limits<double>::infinity();
    CHECK(json(infinity) == json(infinity));
    CHECK_FALSE(json(infinity) == json::parse("1e400"));
    CHECK_FALSE(json(std::nan("")) == json(std::nan("")));
    CHECK_FALSE(json(std::nan("")) == json(nullptr));
    CHECK_FALSE(json(1) == json("1"));
    CHECK_FALSE(json(1) == json(true));
    CHECK(json::parse(R"({"a":[1.0,"x"]})") == json::parse(R"({"a":[1,"x"]})"));
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

namespace {

json nested_array(int n) {
    json value;
    for (int i = 0; i < n; ++i) value = json::array{std::move(value)};
    return value;
}
errc code_of(const std::function<void()>& work) {
    try {
        work();
    } catch (const wafer::error& e) {
        return e.code();
    }
    return errc::corrupt;
}

}  // namespace

TEST_CASE("json: no way of building a value makes it deeper than the parser reads") {
    constexpr int most = json::max_depth;
    const json deepest = nested_array(most);
    CHECK(deepest.depth() == most);
    CHECK(json::parse(deepest.dump()) == deepest);
    CHECK(json(deepest) == deepest);
    CHECK(deepest.dump(2).size() > 2u * most);
    CHECK(json().depth() == 0);
    CHECK(json("[[1]]").depth() == 0);
    CHECK(json::parse("[]").depth() == 1);
    CHECK(json::parse(R"({"a":[1,{"b":[]}]})").depth() == 4);

    const json room = json::array{1}, members = json::object{{"k", 1}};
    const std::function<void()> ways[] = {[&] { (void)json(json::array{deepest}); },
                                          [&] {
                                              (void)json(json::array{1, deepest});
                                          },
                                          [&] {
                                              (void)json(json::object{{"a", deepest}});
                                          },
                                          [&] { (void)json(room).push_back(deepest); },
                                          [&] { (void)json().push_back(deepest); },
                                          [&] { (void)json(members).set("new", deepest); },
                                          [&] { (void)json(members).set("k", deepest); },
                                          [&] { (void)json().set("k", deepest); },
                                          [] { (void)nested_array(500'000); },
                                          [] {
                                              json value;
                                              for (int i = 0; i < 500'000; ++i)
                                                  value = json().push_back(std::move(value));
                                          },
                                          [] {
                                              json value;
                                              for (int i = 0; i < 500'000; ++i)
                                                  value = json().set("k", std::move(value));
                                          },
                                          [] {
                                              json::array values{1};
                                              for (int i = 0; i < 500'000; ++i) {
                                                  json::array outer;
                                                  outer.emplace_back(std::move(values));
                                                  values = std::move(outer);
                                              }
                                          }};
    for (std::size_t i = 0; i < std::size(ways); ++i) {
        CAPTURE(i);
        CHECK(code_of(ways[i]) == errc::invalid_argument);
    }
    json kept = json::array{1};
    CHECK(code_of([&] { kept.push_back(deepest); }) == errc::invalid_argument);
    CHECK(kept.dump() == "[1]");
    json none;
    CHECK(code_of([&] { none.push_back(deepest); }) == errc::invalid_argument);
    CHECK(none.is_null());
}

TEST_CASE("json: a depth is that of what is inside, also after changes and moves") {
    json value = json().set("deep", nested_array(20)).set("flat", 1);
    CHECK(value.depth() == 21);
    CHECK(value.set("flat", nested_array(5)).depth() == 21);
    CHECK(value.set("deep", 1).depth() == 6);
    CHECK(value.set("flat", 1).depth() == 1);
    json from = nested_array(7), to = std::move(from);
    CHECK(to.depth() == 7);
    CHECK(from.is_null());  // NOLINT: that is what a move leaves
    CHECK(from.push_back(1).depth() == 1);
    json& self = to;
    to = std::move(self);
    CHECK(to.depth() == 7);
    to = to.at(std::size_t{0});  // a part of itself
    CHECK(to == nested_array(6));
    json::array items = std::move(to).as_array();
    CHECK(to.is_null());
    CHECK(items.size() == 1);
    items.push_back(nested_array(30));
    CHECK(json(std::move(items)).depth() == 31);
    CHECK(json::parse(R"({"a":1})").as_object().front().first == "a");
    CHECK(code_of([] { (void)json(1).as_array(); }) == errc::wrong_type);
}

TEST_CASE("json: a null pointer is no text") {
    const char* const nothing = nullptr;
    CHECK(code_of([&] { (void)json(nothing); }) == errc::invalid_argument);
}

TEST_CASE("json: the wrong type and a missing member are typed errors") {
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

// SPDX-License-Identifier: MIT
#include <string>

#include <doctest/doctest.h>

#include <wafer/text/object_scanner.hpp>

using namespace wafer;

namespace {

object_scanner scanned(std::string_view text) {
    object_scanner scanner;
    for (std::size_t size = 0; size <= text.size(); ++size) scanner.run(text.substr(0, size));
    return scanner;
}

}  // namespace

TEST_CASE("object_scanner: the end of an object is found, and what follows is not read") {
    for (const std::string object : {"{}", R"({"a": "}", "b": ["]", {"c": "\"}"}], "d": -1.5e+3})", "{ \n }"}) {
        const auto scanner = scanned(object + "} x");
        CHECK(scanner.state() == scan_state::done);
        CHECK(scanner.at() == object.size());
    }
}

TEST_CASE("object_scanner: members are known with their values' places") {
    const std::string text = R"({"a": "x", "b": {"a": 1}, "\u0063": [2], "d": 3})";
    const auto scanner = scanned(text);
    REQUIRE(scanner.members().size() == 4);
    const auto value = [&](std::size_t i) {
        const auto& m = scanner.members()[i];
        return text.substr(m.begin, m.end - m.begin);
    };
    CHECK(scanner.members()[2].key == "c");
    CHECK(value(0) == "\"x\"");
    CHECK(value(1) == "{\"a\": 1}");
    CHECK(value(2) == "[2]");
    CHECK(scanner.members()[3].begin == std::string::npos);  // only strings, lists and objects are placed
}

TEST_CASE("object_scanner: what no JSON object can hold breaks it at once") {
    for (const char* text :
         {"x", "[", "\"", "{]", "{\"a\": [}", "{\"a\": <", "{\"a\": True", "{\"a\nb", "{'a'", "{\"\\x\""})
        CHECK_MESSAGE(scanned(text).state() == scan_state::broken, text);
    CHECK(scanned("{\"a\": " + std::string(300, '[')).state() == scan_state::broken);
    CHECK(scanned("{\"a").state() == scan_state::inside);
    CHECK(scanned("").state() == scan_state::before);
}

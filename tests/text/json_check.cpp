// SPDX-License-Identifier: MIT
#include <random>
#include <string>

#include <doctest/doctest.h>

#include <wafer/text/json_check.hpp>

using namespace wafer;

namespace {

bool parses(std::string_view text) {
    try {
        (void)json::parse(text);
        return true;
    } catch (const error&) {
        return false;
    }
}

}  // namespace

TEST_CASE("json_check: it agrees with the parser on the edges") {
    for (const std::string text : {"",
                                   " ",
                                   "{}",
                                   "[]",
                                   " [1, 2] ",
                                   "{\"a\": 1}",
                                   "{\"a\": 1,}",
                                   "[1,]",
                                   "{\"a\" 1}",
                                   "{a: 1}",
                                   "01",
                                   "-",
                                   "-0",
                                   "1.",
                                   "1.5e",
                                   "1e5",
                                   "1e999",
                                   "-1e-999",
                                   "99999999999999999999",
                                   "tru",
                                   "true",
                                   "nul",
                                   "null",
                                   "\"",
                                   "\"a\"",
                                   "\"\\x\"",
                                   "\"\\u12\"",
                                   "\"\\ud83d\\ude00\"",
                                   "\"\\ud83d\"",
                                   "\"\\ude00\"",
                                   "\"\\ud83dx\"",
                                   "\"\\ud83d\\n\"",
                                   "\"\n\"",
                                   "\"\xFF\"",
                                   "\"\xC3\xA9\"",
                                   "\"\xC3\"",
                                   "{\"a\": 1, \"\\u0061\": 2}",
                                   "{} x",
                                   "[[]",
                                   "]",
                                   "\"\\u00g0\"",
                                   "\"\\"})
        CHECK_MESSAGE(is_json(text) == parses(text), text);
    for (const int depth : {255, 256, 257, 100'000})
        CHECK(is_json(std::string(static_cast<std::size_t>(depth), '[') +
                      std::string(static_cast<std::size_t>(depth), ']')) == (depth <= json::max_depth));
    CHECK_FALSE(is_json(std::string_view("\"\0\"", 3)));
}

TEST_CASE("json_check: it agrees with the parser on broken text") {
    std::mt19937 random(3);
    const std::string seed = R"({"a": [1, -2.5e+3, true, null, {"b": "x\n\u00e9\ud83d\ude00"}], "c": {}, "d": "\\\""})";
    const std::string_view letters = "{}[]\",:\\ue0123456789.-+tfn \n\xC3\xA9";
    std::size_t good = 0;
    for (int i = 0; i < 20'000; ++i) {
        std::string text = seed;
        for (std::size_t n = random() % 3; n > 0; --n) {
            const std::size_t at = random() % text.size();
            const char c = letters[random() % letters.size()];
            if (random() % 3 == 0) text.erase(at, 1);
            else if (random() % 2 == 0) text.insert(at, 1, c);
            else text[at] = c;
        }
        CHECK_MESSAGE(is_json(text) == parses(text), text);
        good += is_json(text) ? 1 : 0;
    }
    CHECK(good > 6'000);
    CHECK(good < 15'000);
}

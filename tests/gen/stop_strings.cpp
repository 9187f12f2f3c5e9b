// SPDX-License-Identifier: MIT
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

#include <wafer/gen/stop_strings.hpp>

namespace {

/// What comes out when `text` is fed in pieces of n bytes, and whether a stop string was met.
std::pair<std::string, bool> through(const std::vector<std::string>& stops, std::string_view text, std::size_t n) {
    wafer::stop_strings filter(stops);
    std::string out;
    for (std::size_t at = 0; at < text.size(); at += n) out += filter.feed(text.substr(at, n));
    if (!filter.met()) out += filter.flush();
    return {out, filter.met()};
}

}  // namespace

TEST_CASE("stop_strings: the earliest stop ends the text, however it was cut") {
    const std::vector<std::string> stops{"\nUser:", "END", ""};
    for (std::size_t n = 1; n < 20; ++n) {
        CAPTURE(n);
        CHECK(through(stops, "Hello\nUser: END", n) == std::pair<std::string, bool>{"Hello", true});
        CHECK(through(stops, "an ENDing", n) == std::pair<std::string, bool>{"an ", true});
        CHECK(through(stops, "\nUse EN\nUser", n) == std::pair<std::string, bool>{"\nUse EN\nUser", false});
    }
}

TEST_CASE("stop_strings: overlapping beginnings are not lost") {
    for (std::size_t n = 1; n < 6; ++n) {
        CHECK(through({"aab"}, "aaab", n) == std::pair<std::string, bool>{"a", true});
        CHECK(through({"abab", "bb"}, "abaabab", n) == std::pair<std::string, bool>{"aba", true});
    }
}

TEST_CASE("stop_strings: of overlapping stops the one that is whole first counts, of several at once the longest") {
    for (std::size_t n = 1; n < 8; ++n) {
        CHECK(through({"bcd", "abcde"}, "abcdef", n) == std::pair<std::string, bool>{"a", true});
        CHECK(through({"cd", "abcd"}, "xabcdef", n) == std::pair<std::string, bool>{"x", true});
        CHECK(through({"abcd", "cd"}, "xabcdef", n) == std::pair<std::string, bool>{"x", true});
        CHECK(through({"ab", "abc"}, "xabc", n) == std::pair<std::string, bool>{"x", true});
    }
}

TEST_CASE("stop_strings: text that cannot begin a stop is handed on at once") {
    wafer::stop_strings filter({"###"});
    CHECK(filter.feed("abc") == "abc");
    CHECK(filter.feed("d#") == "d");
    CHECK(filter.feed("e") == "#e");
    CHECK(filter.feed("##") == "");
    CHECK(filter.flush() == "##");
}

// SPDX-License-Identifier: MIT
#include <string>

#include <doctest/doctest.h>

#include <wafer/text/utf8.hpp>

using namespace wafer;

namespace {

std::string repaired(std::string_view bytes, std::size_t step) {
    utf8_accumulator text;
    std::string out;
    for (std::size_t at = 0; at < bytes.size(); at += step) {
        const std::string piece = text.feed(bytes.substr(at, step));
        CHECK(is_utf8(piece));
        out += piece;
    }
    return out + text.flush();
}

const std::string bad = "\xEF\xBF\xBD";  // U+FFFD

}  // namespace

TEST_CASE("utf8: a stream is repaired the same wherever it is cut") {
    const struct {
        std::string bytes, text;
    } cases[] = {
        {"h\xC3\xA9\xF0\x9F\x9A\x80!", "h\xC3\xA9\xF0\x9F\x9A\x80!"},
        {"a\xFF"
         "b",
         "a" + bad + "b"},
        {"\xF0\x9F\x9A", bad},  // one replacement for one unfinished sequence
        {"\xF0\x9F\x41", bad + "A"},
        {"\xE0\x80\x80", bad + bad + bad},              // no maximal subpart: one for every byte
        {"\xF1\x80\x80\xE1\x80\xC2", bad + bad + bad},  // The Unicode Standard, table 3-8
        {"\x80\xC3\xC3\xA9", bad + bad + "\xC3\xA9"},
    };
    for (const auto& c : cases)
        for (std::size_t step = 1; step <= c.bytes.size(); ++step) CHECK(repaired(c.bytes, step) == c.text);
}

TEST_CASE("utf8: an accumulator is as new after a flush") {
    utf8_accumulator text;
    CHECK(text.feed("\xE2\x82").empty());
    CHECK(text.flush() == bad);
    CHECK(text.flush().empty());
    CHECK(text.feed("\xAC") == bad);
}

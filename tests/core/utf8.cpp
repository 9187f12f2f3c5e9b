// SPDX-License-Identifier: MIT
#include <string>

#include <doctest/doctest.h>

#include <wafer/core/utf8.hpp>

using namespace wafer;

TEST_CASE("utf8: every code point survives the round trip, surrogates do not exist") {
    for (char32_t code = 0; code < 0x110000; ++code) {
        std::string text;
        append_utf8(text, code);
        const utf8_step step = decode_utf8(text, 0);
        const bool surrogate = code >= 0xD800 && code < 0xE000;
        if (step.status != utf8_status::ok || step.length != text.size() ||
            step.code != (surrogate ? replacement_character : code))
            FAIL("code point " << static_cast<unsigned>(code));
    }
    std::string text;
    append_utf8(text, 0x110000);
    CHECK(text == replacement_utf8);
}

TEST_CASE("utf8: ill-formed sequences are found where they begin") {
    CHECK(is_utf8(""));
    CHECK(is_utf8("a\xC3\xA9\xE2\x82\xAC\xF0\x9F\x9A\x80"));
    for (const char* text :
         {"ab\x80", "ab\xC0\x80", "ab\xC1\xBF", "ab\xE0\x80\x80", "ab\xED\xA0\x80", "ab\xF0\x80\x80\x80",
          "ab\xF4\x90\x80\x80", "ab\xF5\x80\x80\x80", "ab\xFF", "ab\xC3", "ab\xE2\x82", "ab\xC3(", "ab\xF0\x9F\x9A"})
        CHECK(find_invalid_utf8(text) == 2);
}

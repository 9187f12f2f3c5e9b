// SPDX-License-Identifier: MIT
#include <cstdint>
#include <string>
#include <support/hard_texts.hpp>
#include <support/read_text.hpp>

#include <doctest/doctest.h>

#include <wafer/core/json.hpp>
#include <wafer/text/nfc.hpp>

using namespace wafer;

TEST_CASE("nfc: every character alone is what Unicode 14.0.0 says") {
    // FNV-1a of all results in order, from Python's unicodedata.
    std::uint64_t hash = 0xcbf29ce484222325;
    for (char32_t code = 0; code < 0x110000; ++code) {
        if (code >= 0xD800 && code < 0xE000) continue;
        std::string text;
        append_utf8(text, code);
        const std::string result = nfc(text);
        if (result != text) CHECK(nfc_prefix(text) == 0);
        for (const char c : result) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
    }
    CHECK(hash == 0x23fc43766d7c2eb9);
}

TEST_CASE("nfc: random texts compose as Python's do, and are then left alone") {
    const json cases = json::parse(wafer_test::read_text(std::string(WAFER_TEST_DATA) + "/text/nfc.json").value());
    for (const json& c : cases.as_array()) {
        const std::string& text = c.at(std::size_t{0}).as_string();
        const std::string& expected = c.at(std::size_t{1}).as_string();
        CAPTURE(c.dump());
        CHECK(nfc(text) == expected);
        CHECK(nfc(expected) == expected);
        CHECK(nfc("\n" + text + "\n") == "\n" + expected + "\n");
    }
    CHECK(cases.as_array().size() == 200);
}

TEST_CASE("nfc: syllables, marks out of order and blocked marks") {
    CHECK(nfc("e\xCC\x81") == "\xC3\xA9");
    CHECK(nfc("\xE1\x84\x92\xE1\x85\xA1\xE1\x86\xAB") == "\xED\x95\x9C");  // three jamo, one syllable
    CHECK(nfc("a\xCC\xA3\xCC\x82") == nfc("a\xCC\x82\xCC\xA3"));           // dot below, circumflex
    CHECK(nfc("a\xCC\x8B\xCC\x81") == "a\xCC\x8B\xCC\x81");                // double acute blocks acute: one class
    CHECK(nfc("\xCC\x81"
              "a") == "\xCC\x81"
                      "a");  // nothing before it
    CHECK(nfc("").empty());
}

TEST_CASE("nfc: text that is normal costs no change") {
    for (const std::string text :
         {"plain", "na\xC3\xAFve caf\xC3\xA9", "\xD0\x96\xE4\xB8\x80\xF0\x9F\x9A\x80\xEA\xB0\x80"}) {
        CHECK(nfc_prefix(text) == text.size());
        CHECK(nfc(text) == text);
    }
    CHECK(nfc_prefix("abc e\xCC\x81") == 4);
}

TEST_CASE("nfc: marks without end take near linear time") {
    for (const char* unit : {"\xCC\x81", "\xCC\x81\xCC\xA3", "e\xCC\x81", "\xE1\x84\x92\xE1\x85\xA1", "\xE2\x84\xA6"}) {
        const std::string text = "a" + wafer_test::repeated(unit, 1 << 18);
        wafer_test::check_near_linear(text.size(), text, [](const std::string& some) {
            const std::string once = nfc(some);
            CHECK(once.size() <= some.size());
        });
        CHECK(nfc(nfc(text)) == nfc(text));
    }
}

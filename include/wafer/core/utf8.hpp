// SPDX-License-Identifier: MIT
// L0 core: UTF-8 one code point at a time. Knows nothing of streams or Unicode classes (text/utf8, text/unicode_table).
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include <wafer/core/config.hpp>

namespace wafer::inline WAFER_ABI {

/// What stands for bytes that are no character: U+FFFD.
inline constexpr char32_t replacement_character = 0xFFFD;
/// The same, encoded.
inline constexpr std::string_view replacement_utf8 = "\xEF\xBF\xBD";

/// What decode_utf8 found.
enum class utf8_status : std::uint8_t {
    ok,         // a whole code point
    invalid,    // bytes that no continuation can make valid
    truncated,  // a valid beginning that the text ends in
};

/// One decoding step. For ill-formed input `code` is U+FFFD and `length` the bytes one replacement stands for.
struct utf8_step {
    char32_t code;
    std::uint8_t length;
    utf8_status status;
};

/// Decodes the code point at text[at]. Overlong forms, surrogates and code points above U+10FFFF are invalid.
/// @pre at < text.size().
/// @cite The Unicode Standard, table 3-7 (well-formed sequences) and section 3.9 (maximal subparts).
[[nodiscard]] constexpr utf8_step decode_utf8(std::string_view text, std::size_t at) noexcept {
    const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
    const unsigned lead = byte(at);
    if (lead < 0x80) return {lead, 1, utf8_status::ok};
    if (lead < 0xC2 || lead > 0xF4) return {replacement_character, 1, utf8_status::invalid};
    const std::uint8_t length = lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
    // Only the second byte has a range of its own.
    unsigned low = lead == 0xE0 ? 0xA0 : lead == 0xF0 ? 0x90 : 0x80;
    unsigned high = lead == 0xED ? 0x9F : lead == 0xF4 ? 0x8F : 0xBF;
    char32_t code = lead & (0x7Fu >> length);
    for (std::uint8_t i = 1; i < length; ++i) {
        if (at + i == text.size()) return {replacement_character, i, utf8_status::truncated};
        const unsigned next = byte(at + i);
        if (next < low || next > high) return {replacement_character, i, utf8_status::invalid};
        code = code << 6 | (next & 0x3F);
        low = 0x80;
        high = 0xBF;
    }
    return {code, length, utf8_status::ok};
}

/// Where the character after the one at `at` begins. @pre at < text.size().
[[nodiscard]] constexpr std::size_t utf8_next(std::string_view text, std::size_t at) noexcept {
    return at + decode_utf8(text, at).length;
}

/// Where the character before `at` begins. @pre text is UTF-8, 0 < at <= text.size(), at is no place inside a character.
[[nodiscard]] constexpr std::size_t utf8_previous(std::string_view text, std::size_t at) noexcept {
    do --at;
    while (at > 0 && (static_cast<unsigned char>(text[at]) & 0xC0) == 0x80);
    return at;
}

/// Offset of the first byte that is not UTF-8, or text.size() where all of it is.
[[nodiscard]] constexpr std::size_t find_invalid_utf8(std::string_view text) noexcept {
    for (std::size_t at = 0; at < text.size();) {
        const utf8_step step = decode_utf8(text, at);
        if (step.status != utf8_status::ok) return at;
        at += step.length;
    }
    return text.size();
}

/// Whether all of a text is UTF-8.
[[nodiscard]] constexpr bool is_utf8(std::string_view text) noexcept { return find_invalid_utf8(text) == text.size(); }

/// Appends the encoding of one code point; a surrogate or a number above U+10FFFF becomes U+FFFD.
inline void append_utf8(std::string& out, char32_t code) {
    if (code > 0x10FFFF || (code >= 0xD800 && code < 0xE000)) code = replacement_character;
    const auto put = [&](char32_t byte) { out.push_back(static_cast<char>(static_cast<unsigned char>(byte))); };
    if (code < 0x80) {
        put(code);
    } else if (code < 0x800) {
        put(0xC0 | code >> 6);
        put(0x80 | (code & 0x3F));
    } else if (code < 0x10000) {
        put(0xE0 | code >> 12);
        put(0x80 | (code >> 6 & 0x3F));
        put(0x80 | (code & 0x3F));
    } else {
        put(0xF0 | code >> 18);
        put(0x80 | (code >> 12 & 0x3F));
        put(0x80 | (code >> 6 & 0x3F));
        put(0x80 | (code & 0x3F));
    }
}

}  // namespace wafer::inline WAFER_ABI

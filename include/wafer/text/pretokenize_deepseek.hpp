// SPDX-License-Identifier: MIT
// L1 text: how the DeepSeek tokenizers cut text. Each is a cascade of patterns: one cuts the text, the next every piece
// that is left, and a piece's borders are the text's end to it. These functions find the common result in one pass.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <string_view>

#include <wafer/core/config.hpp>
#include <wafer/text/char_class.hpp>

namespace wafer::inline WAFER_ABI {

namespace detail {

struct code_range {
    char32_t first, last;
};
constexpr bool in_any(char32_t code, const auto& ranges) noexcept {
    const auto after = std::upper_bound(std::begin(ranges), std::end(ranges), code,
                                        [](char32_t c, const code_range& r) { return c < r.first; });
    return after != std::begin(ranges) && code <= std::prev(after)->last;
}

// Characters that a pattern of the cascade takes out: their classes are these bits further up, their runs end others.
inline constexpr unsigned cc_zone = 16;
constexpr bool zoned(class_set kind) noexcept { return kind >> cc_zone != 0; }
constexpr class_set unzoned(class_set kind) noexcept { return (kind | kind >> cc_zone) & ((1u << cc_zone) - 1); }

// deepseek-v3:  \p{N}{1,3}  then  [U+4E00-U+9FA5 U+3040-U+30FF]+  then
//   [!-/:-@\[-`{-~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+
constexpr class_set classify_v3(char32_t code) noexcept {
    const bool taken = (code >= 0x4E00 && code <= 0x9FA5) || (code >= 0x3040 && code <= 0x30FF);
    return classify(code) << (taken ? cc_zone : 0);
}

inline std::size_t split_deepseek_v3(std::string_view text, std::size_t from) noexcept {
    const basic_class_reader<classify_v3> in{text};
    const classed_char first = in.at(from);
    if (first.kind == cc_number) return in.skip(from, cc_number, 3);
    const unsigned zone = zoned(first.kind) ? cc_zone : 0;
    const class_set word = (cc_letter | cc_mark) << zone, sign = (cc_punctuation | cc_symbol) << zone;
    const auto is_ascii_letter = [&](std::size_t i) {
        return i < text.size() && (text[i] | 0x20) >= 'a' && (text[i] | 0x20) <= 'z';
    };
    std::size_t end = from + first.length;
    if (static_cast<unsigned char>(text[from]) < 128 && (first.kind & sign) != 0 && is_ascii_letter(end)) {
        while (is_ascii_letter(end)) ++end;
        return end;
    }
    const class_set prefix = (cc_space | cc_other) << zone;
    if ((first.kind & word) != 0 || ((first.kind & prefix) != 0 && in.is(end, word))) return in.skip(end, word);
    const std::size_t signs = text[from] == ' ' ? end : from;
    if (in.is(signs, sign)) return in.skip(in.skip(signs, sign), cc_newline << zone);
    if (end = in.blanks_to_newline(from); end != from) return end;
    if (end = in.blanks(from, ~(cc_number | ~0u << cc_zone)); end != from) return end;
    // No pattern matches here; the gap reaches to where one does.
    for (end = from + first.length; in.is(end, cc_other << zone);) {
        const std::size_t next = end + in.at(end).length;
        if (in.is(next, word)) break;
        end = next;
    }
    return end;
}

// Ideographs and what lies between U+0800 and them, and Hangul.
constexpr bool in_deepseek_zone(char32_t code) noexcept {
    return (code >= 0x800 && code <= 0x9FA5) || (code >= 0xAC00 && code <= 0xD7FF);
}

// deepseek-coder:  [\r\n]  then  \s?\p{L}+  then  \s?\p{P}+  then  [zone]+  then  \p{N}
constexpr class_set classify_coder(char32_t code) noexcept {
    return classify(code) << (in_deepseek_zone(code) ? cc_zone : 0);
}

inline std::size_t split_deepseek_coder(std::string_view text, std::size_t from) noexcept {
    const basic_class_reader<classify_coder> in{text};
    const auto of_word = [&](std::size_t i) { return (unzoned(in.at(i).kind) & (cc_letter | cc_punctuation)) != 0; };
    const auto begins_word = [&](std::size_t i, classed_char c) {
        return (unzoned(c.kind) & (cc_letter | cc_punctuation)) != 0 ||
               (unzoned(c.kind) == cc_space && of_word(i + c.length));
    };
    const classed_char first = in.at(from);
    const class_set kind = unzoned(first.kind);
    const bool zone = zoned(first.kind);
    std::size_t end = from + first.length;
    if ((kind & (cc_newline | cc_number)) != 0) return end;
    if (begins_word(from, first)) {
        const class_set word = kind == cc_space ? unzoned(in.at(end).kind) : kind;
        const class_set run = (word & cc_letter) != 0 ? cc_letter : cc_punctuation;
        return in.skip(end, run << (zone ? cc_zone : 0));
    }
    for (classed_char c = in.at(end); c.kind != cc_end; c = in.at(end)) {
        if (zoned(c.kind) != zone || (unzoned(c.kind) & (cc_newline | cc_number)) != 0 || begins_word(end, c)) break;
        end += c.length;
    }
    return end;
}

// deepseek-llm:  [\r\n]  then  \s?[letters]+  then  \s?[signs]+  then  \s+$  then  [zone]+  then  \p{N}
// where the letters are those listed here and the signs have ASCII and full-width letters among them, so that other
// letters of a word are cut off.
inline constexpr std::array<code_range, 84> deepseek_llm_letters{
    {{0x41, 0x5a},       {0x61, 0x7a},       {0xb5, 0xb5},       {0xc0, 0xd6},       {0xd8, 0xf6},
     {0xf8, 0x1ba},      {0x1bc, 0x1bf},     {0x1c4, 0x293},     {0x295, 0x2af},     {0x370, 0x373},
     {0x376, 0x377},     {0x37b, 0x37d},     {0x37f, 0x37f},     {0x386, 0x386},     {0x388, 0x38a},
     {0x38c, 0x38c},     {0x38e, 0x3a1},     {0x3a3, 0x3f5},     {0x3f7, 0x481},     {0x48a, 0x52f},
     {0x531, 0x556},     {0x10a0, 0x10c5},   {0x13a0, 0x13f5},   {0x13f8, 0x13fd},   {0x1c90, 0x1cba},
     {0x1cbd, 0x1cbf},   {0x1d00, 0x1d2b},   {0x1d6b, 0x1d77},   {0x1d79, 0x1d9a},   {0x1e00, 0x1f15},
     {0x1f18, 0x1f1d},   {0x1f20, 0x1f45},   {0x1f48, 0x1f4d},   {0x1f50, 0x1f57},   {0x1f59, 0x1f59},
     {0x1f5b, 0x1f5b},   {0x1f5d, 0x1f5d},   {0x1f5f, 0x1f7d},   {0x1f80, 0x1fb4},   {0x1fb6, 0x1fbc},
     {0x1fbe, 0x1fbe},   {0x1fc2, 0x1fc4},   {0x1fc6, 0x1fcc},   {0x1fd0, 0x1fd3},   {0x1fd6, 0x1fdb},
     {0x1fe0, 0x1fec},   {0x1ff2, 0x1ff4},   {0x1ff6, 0x1ffc},   {0x2102, 0x2102},   {0x2107, 0x2107},
     {0x210a, 0x2113},   {0x2115, 0x2115},   {0x2119, 0x211d},   {0x2124, 0x2124},   {0x2126, 0x2126},
     {0x2128, 0x2128},   {0x212a, 0x212d},   {0x212f, 0x2134},   {0x2139, 0x2139},   {0x213c, 0x213f},
     {0x2145, 0x2149},   {0x214e, 0x214e},   {0x2183, 0x2184},   {0x2c00, 0x2c7b},   {0x2c7e, 0x2ce4},
     {0x2ceb, 0x2cee},   {0x2cf2, 0x2cf3},   {0xa640, 0xa66d},   {0xa680, 0xa69b},   {0xa722, 0xa76f},
     {0xa771, 0xa787},   {0xa78b, 0xa78e},   {0xab70, 0xabbf},   {0xfb00, 0xfb06},   {0xfb13, 0xfb17},
     {0xff21, 0xff3a},   {0xff41, 0xff5a},   {0x10400, 0x1044f}, {0x104b0, 0x104d3}, {0x104d8, 0x104fb},
     {0x10c80, 0x10cb2}, {0x10cc0, 0x10cf2}, {0x118a0, 0x118df}, {0x1e900, 0x1e943}}};
inline constexpr code_range deepseek_llm_signs[] = {{0x21, 0x2F},     {0x3A, 0x7E},     {0x2018, 0x201F},
                                                    {0x3000, 0x3002}, {0xFF01, 0xFF0F}, {0xFF1A, 0xFF5E}};

// Letters that are signs too are cc_lower, other letters cc_caseless; U+3000, blank and sign, is cc_mark.
constexpr class_set classify_llm(char32_t code) noexcept {
    const unsigned zone = in_deepseek_zone(code) ? cc_zone : 0;
    const bool sign = in_any(code, deepseek_llm_signs);
    if (code == 0x3000) return cc_mark << zone;
    if (in_any(code, deepseek_llm_letters)) return (sign ? cc_lower : cc_caseless) << zone;
    if (sign) return cc_punctuation << zone;
    const class_set kind = classify(code);
    return ((kind & (cc_blank | cc_number)) != 0 ? kind : cc_other) << zone;
}

struct deepseek_llm_splitter {
    basic_class_reader<classify_llm> in;

    [[nodiscard]] classed_char at(std::size_t i) const noexcept { return in.at(i); }
    [[nodiscard]] bool is_letter(std::size_t i) const noexcept { return (unzoned(at(i).kind) & cc_letter) != 0; }
    [[nodiscard]] bool is_sign(std::size_t i) const noexcept {
        const classed_char c = at(i);
        const class_set kind = unzoned(c.kind);
        return kind == cc_punctuation || (kind == cc_mark && !is_letter(i + c.length));
    }
    // Whether a pattern before \s+$ takes what is at i, or the text ends there.
    [[nodiscard]] bool ends_gap(std::size_t i) const noexcept {
        const classed_char c = at(i);
        const class_set kind = unzoned(c.kind);
        return (kind & (cc_other | cc_number | cc_space)) == 0 ||
               (kind == cc_space && (is_letter(i + c.length) || is_sign(i + c.length)));
    }
    [[nodiscard]] std::size_t signs(std::size_t from, std::size_t i) const noexcept {
        const bool zone = zoned(at(i).kind);
        std::size_t trailing = from;  // where the blanks at the end of the piece begin
        while (is_sign(i) && zoned(at(i).kind) == zone) {
            const classed_char c = at(i);
            i += c.length;
            if (unzoned(c.kind) != cc_mark) trailing = i;
        }
        return trailing == from || is_sign(i) ? i : trailing;
    }
    [[nodiscard]] std::size_t gap_blanks(std::size_t i, class_set kinds) const noexcept {
        while (in.is(i, kinds) && !ends_gap(i)) i += at(i).length;
        return i;
    }
    [[nodiscard]] std::size_t gap(std::size_t from) const noexcept {
        const bool zone = zoned(at(from).kind);
        std::size_t i = from;
        while (!ends_gap(i)) {
            const classed_char c = at(i);
            const class_set kind = unzoned(c.kind);
            if (zoned(c.kind) != zone || kind == cc_number) break;
            if (kind != cc_space) {
                i += c.length;
                continue;
            }
            const std::size_t end = gap_blanks(i, c.kind);  // of this zone
            if (i == from && (ends_gap(end) || unzoned(at(end).kind) == cc_space)) return end;
            if (i != from && ends_gap(gap_blanks(end, cc_space | cc_space << cc_zone))) return i;
            i = end;
        }
        return i;
    }
    [[nodiscard]] std::size_t next(std::size_t from) const noexcept {
        const classed_char first = at(from);
        const class_set kind = unzoned(first.kind);
        const std::size_t second = from + first.length;
        if ((kind & (cc_newline | cc_number)) != 0) return second;
        if ((kind & cc_letter) != 0) return in.skip(second, first.kind);
        if (is_sign(from)) return signs(from, from);
        if (ends_gap(from)) {  // a blank before a letter or a sign: the same piece where both are in one zone
            const classed_char c = at(second);
            if (kind == cc_mark || zoned(c.kind) != zoned(first.kind)) return second;
            return is_letter(second) ? in.skip(second, c.kind) : signs(from, second);
        }
        return gap(from);
    }
};

inline std::size_t split_deepseek_llm(std::string_view text, std::size_t from) noexcept {
    return deepseek_llm_splitter{{text}}.next(from);
}

}  // namespace detail

}  // namespace wafer::inline WAFER_ABI

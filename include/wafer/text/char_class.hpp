// SPDX-License-Identifier: MIT
// L1 text: the classes of characters that published split patterns distinguish, and how runs of them are read.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include <wafer/core/config.hpp>
#include <wafer/core/utf8.hpp>
#include <wafer/text/unicode.hpp>

namespace wafer::inline WAFER_ABI {

namespace detail {

// A set of classes, one bit each; a character is in exactly one. The end of a text is in none, so that loops over
// runs need no second test.
using class_set = std::uint32_t;
inline constexpr class_set cc_end = 0, cc_upper = 1 << 0, cc_lower = 1 << 1, cc_caseless = 1 << 2, cc_mark = 1 << 3,
                           cc_number = 1 << 4, cc_space = 1 << 5, cc_newline = 1 << 6, cc_punctuation = 1 << 7,
                           cc_symbol = 1 << 8, cc_other = 1 << 9;
inline constexpr class_set cc_letter = cc_upper | cc_lower | cc_caseless;
inline constexpr class_set cc_blank = cc_space | cc_newline;
inline constexpr class_set cc_sign = cc_mark | cc_punctuation | cc_symbol | cc_other;  // [^\s\p{L}\p{N}]

constexpr class_set classify(char32_t code) noexcept {
    if (code == '\n' || code == '\r') return cc_newline;
    if (is_white_space(code)) return cc_space;
    const general_category c = category(code);
    if (c == general_category::lu || c == general_category::lt) return cc_upper;
    if (c == general_category::ll) return cc_lower;
    if (is_letter(c)) return cc_caseless;
    if (is_mark(c)) return cc_mark;
    if (is_number(c)) return cc_number;
    if (is_punctuation(c)) return cc_punctuation;
    return is_symbol(c) ? cc_symbol : cc_other;
}

struct classed_char {
    class_set kind;
    std::uint8_t length;
};

// A text and what its characters are by Classify. Each method reads forward from `from` and answers where it stopped.
template <class_set (*Classify)(char32_t) noexcept>
struct basic_class_reader {
    std::string_view text;

    [[nodiscard]] classed_char at(std::size_t from) const noexcept {
        if (from >= text.size()) return {cc_end, 0};
        if (const auto byte = static_cast<unsigned char>(text[from]); byte < 128) return {ascii[byte], 1};
        const utf8_step step = decode_utf8(text, from);
        return {Classify(step.code), step.length};
    }
    [[nodiscard]] bool is(std::size_t from, class_set kinds) const noexcept { return (at(from).kind & kinds) != 0; }
    [[nodiscard]] std::size_t skip(std::size_t from, class_set kinds, std::size_t at_most = SIZE_MAX) const noexcept {
        for (; at_most > 0; --at_most) {
            const classed_char c = at(from);
            if ((c.kind & kinds) == 0) break;
            from += c.length;
        }
        return from;
    }
    // Alternatives  \s+(?!\S) | \s+ : a run of white space leaves its last character to what follows, if that is one of
    // `followers`.
    [[nodiscard]] std::size_t blanks(std::size_t from, class_set followers = ~cc_end) const noexcept {
        std::size_t last = from, end = from;
        for (classed_char c = at(from); (c.kind & cc_blank) != 0; c = at(end)) {
            last = end;
            end += c.length;
        }
        return last == from || !is(end, followers) ? end : last;
    }
    // Alternative  \s*[\r\n]+ : up to the last line break of a run of white space, or `from` where it has none.
    [[nodiscard]] std::size_t blanks_to_newline(std::size_t from) const noexcept {
        std::size_t end = from;
        for (std::size_t i = from; is(i, cc_blank);) {
            const classed_char c = at(i);
            i += c.length;
            if (c.kind == cc_newline) end = i;
        }
        return end;
    }
    // Alternative  's|'t|'re|'ve|'m|'ll|'d , or `from` where none is there. In any case, U+017F is an s, too.
    [[nodiscard]] std::size_t contraction(std::size_t from, bool any_case) const noexcept {
        const auto letter = [&](std::size_t i) {
            const char c = i < text.size() ? text[i] : '\0';
            return any_case && c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
        };
        if (letter(from) != '\'') return from;
        if (any_case && text.substr(from + 1).starts_with("\xC5\xBF")) return from + 3;
        const char first = letter(from + 1), second = letter(from + 2);
        if (first == 's' || first == 't' || first == 'm' || first == 'd') return from + 2;
        if (((first == 'r' || first == 'v') && second == 'e') || (first == 'l' && second == 'l')) return from + 3;
        return from;
    }

private:
    static constexpr auto ascii = [] {
        std::array<class_set, 128> kinds{};
        for (char32_t code = 0; code < 128; ++code) kinds[code] = Classify(code);
        return kinds;
    }();
};

using class_reader = basic_class_reader<classify>;

}  // namespace detail

}  // namespace wafer::inline WAFER_ABI

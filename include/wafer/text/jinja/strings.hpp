// SPDX-License-Identifier: MIT
// L1 text/jinja: the string operations that are both filters and methods. Letter case is that of ASCII.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>

#include <wafer/core/config.hpp>
#include <wafer/text/jinja/runtime.hpp>
#include <wafer/text/unicode.hpp>

namespace wafer::inline WAFER_ABI::jinja {

[[nodiscard]] constexpr bool is_lower(char c) { return c >= 'a' && c <= 'z'; }
[[nodiscard]] constexpr bool is_upper(char c) { return c >= 'A' && c <= 'Z'; }
[[nodiscard]] constexpr char to_lower(char c) noexcept { return is_upper(c) ? static_cast<char>(c - 'A' + 'a') : c; }
[[nodiscard]] constexpr char to_upper(char c) noexcept { return is_lower(c) ? static_cast<char>(c - 'a' + 'A') : c; }

[[nodiscard]] inline std::string lowered(std::string text) {
    for (char& c : text) c = to_lower(c);
    return text;
}
[[nodiscard]] inline std::string uppered(std::string text) {
    for (char& c : text) c = to_upper(c);
    return text;
}
[[nodiscard]] inline std::string capitalized(std::string text) {
    text = lowered(std::move(text));
    if (!text.empty()) text.front() = to_upper(text.front());
    return text;
}
[[nodiscard]] inline std::string titled(std::string text) {
    bool inside = false;
    for (char& c : text) {
        c = inside ? to_lower(c) : to_upper(c);
        inside = is_lower(c) || is_upper(c) || static_cast<unsigned char>(c) >= 0x80;
    }
    return text;
}

/// The filter's way: words begin after white space, hyphens and opening brackets.
[[nodiscard]] inline std::string title_filtered(std::string text) {
    bool inside = false;
    for (char& c : text) {
        c = inside ? to_lower(c) : to_upper(c);
        inside = std::string_view("-({[< \t\n\r\f\v").find(c) == std::string_view::npos;
    }
    return text;
}

/// What Python's str takes for white space: more than Unicode does.
[[nodiscard]] inline bool is_blank(char32_t c) noexcept { return is_white_space(c) || (c >= 0x1C && c <= 0x1F); }

enum class sides : std::uint8_t { left = 1, right = 2, both = 3 };

/// Without the given characters, or without white space where none are given, at the ends.
[[nodiscard]] inline std::string_view stripped(std::string_view text, const value* chars, sides where, runtime& rt) {
    const std::string_view whole = text;
    const bool blanks = chars == nullptr || chars->is(value::kind::none) || chars->is_undefined();
    const std::string_view set =
        blanks ? std::string_view{} : std::string_view(rt.string_of(*chars, "the characters to strip"));
    const auto goes = [&](std::string_view c) {
        if (!blanks) {
            rt.touch(set);
            return set.find(c) != set.npos;
        }
        return is_blank(decode_utf8(c, 0).code);
    };
    const auto side = [&](sides s) { return (static_cast<int>(where) & static_cast<int>(s)) != 0; };
    while (side(sides::left) && !text.empty()) {
        const std::size_t length = decode_utf8(text, 0).length;
        if (!goes(text.substr(0, length))) break;
        text.remove_prefix(length);
    }
    while (side(sides::right) && !text.empty()) {
        std::size_t begin = text.size() - 1;
        while (begin > 0 && text.size() - begin < 4 && (static_cast<unsigned char>(text[begin]) & 0xC0) == 0x80)
            --begin;
        if (!goes(text.substr(begin))) break;
        text.remove_suffix(text.size() - begin);
    }
    rt.touch(whole.substr(text.size()));  // only what went was read
    return text;
}

/// With up to `at_most` occurrences replaced; an empty `old` stands before every character and at the end.
[[nodiscard]] inline std::string replaced(std::string_view text, std::string_view old, std::string_view by,
                                          std::int64_t at_most, runtime& rt) {
    std::uint64_t left = at_most < 0 ? std::numeric_limits<std::uint64_t>::max() : static_cast<std::uint64_t>(at_most);
    std::string out;
    std::size_t at = 0;
    while (left > 0) {
        const std::size_t found = rt.find(text, old, at);
        if (found == text.npos) break;
        rt.charge(by.size());
        --left;
        out += text.substr(at, found - at);
        out += by;
        at = found + old.size();
        if (!old.empty()) continue;
        if (at == text.size()) break;
        const std::size_t length = decode_utf8(text, at).length;
        out += text.substr(at, length);
        at += length;
    }
    return out += text.substr(at);
}

/// str.split(separator, at_most); without a separator at white space.
[[nodiscard]] inline value split(std::string_view text, const value* separator, std::int64_t at_most, runtime& rt) {
    value_list out;
    const auto add = [&](std::string_view part) {
        rt.charge(sizeof(value) + 32);
        out.push_back(rt.make(std::string(part)));
    };
    const auto more = [&] { return at_most < 0 || static_cast<std::int64_t>(out.size()) < at_most; };
    if (separator == nullptr || separator->is(value::kind::none)) {
        for (text = stripped(text, nullptr, sides::left, rt); !text.empty();
             text = stripped(text, nullptr, sides::left, rt)) {
            std::size_t end = more() ? 0 : text.size();
            while (end < text.size()) {
                const utf8_step step = decode_utf8(text, end);
                if (is_blank(step.code)) break;
                end += step.length;
            }
            add(text.substr(0, end));
            text.remove_prefix(end);
        }
        return rt.make(std::move(out));
    }
    const std::string_view mark = rt.string_of(*separator, "a separator");
    if (mark.empty()) rt.fail("empty separator");
    for (std::size_t found; more() && (found = rt.find(text, mark)) != text.npos;
         text.remove_prefix(found + mark.size()))
        add(text.substr(0, found));
    add(text);
    return rt.make(std::move(out));
}

/// str.rsplit(separator, at_most); without a separator at white space.
[[nodiscard]] inline value split_right(std::string_view text, const value* separator, std::int64_t at_most,
                                       runtime& rt) {
    value_list out;
    const auto add = [&](std::string_view part) {
        rt.charge(sizeof(value) + 32);
        out.push_back(rt.make(std::string(part)));
    };
    if (separator == nullptr || separator->is(value::kind::none)) {
        value words = split(text, nullptr, -1, rt);
        const std::size_t n = words.as_list().size(), keep = static_cast<std::uint64_t>(at_most);
        if (at_most < 0 || n <= keep) return words;
        for (std::size_t i = 0; i < keep; ++i) {  // the last ones, then all before them as it stands
            text = stripped(text, nullptr, sides::right, rt);
            out.push_back(words.as_list()[n - 1 - i]);
            text.remove_suffix(out.back().as_string().size());
        }
        add(stripped(text, nullptr, sides::right, rt));
        std::reverse(out.begin(), out.end());
        return rt.make(std::move(out));
    }
    const std::string_view mark = rt.string_of(*separator, "a separator");
    if (mark.empty()) rt.fail("empty separator");
    for (std::size_t found; (at_most < 0 || static_cast<std::int64_t>(out.size()) < at_most) &&
                            (found = rt.find_last(text, mark)) != text.npos;
         text = text.substr(0, found))
        add(text.substr(found + mark.size()));
    add(text);
    std::reverse(out.begin(), out.end());
    return rt.make(std::move(out));
}

/// The texts of a sequence, with a separator between them.
[[nodiscard]] inline value joined(const value_list& parts, std::string_view separator, runtime& rt) {
    std::string out;
    for (std::size_t i = 0; i < parts.size(); ++i) {
        rt.charge(separator.size());
        if (i > 0) out += separator;
        out += rt.print(parts[i]);
    }
    return out;
}

}  // namespace wafer::inline WAFER_ABI::jinja

// SPDX-License-Identifier: MIT
// L1 text/jinja: Python's two ways of putting values into a text: "%05.2f" % x and "{:>8}".format(x).
#pragma once

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include <wafer/core/config.hpp>
#include <wafer/text/jinja/runtime.hpp>

namespace wafer::inline WAFER_ABI::jinja {

/// How one value is to look.
struct field_format {
    char fill = ' ', align = '\0';  // '<', '>', '^' or, between a sign and its digits, '='
    bool plus = false, commas = false;
    std::int64_t width = 0, precision = -1;
    char type = 's';  // s, r, d, f, e, x, X or o
};

namespace detail {

inline std::string digits_of(runtime& rt, const value& v, const field_format& how) {
    if (!v.is_number()) rt.fail(std::string("a number is needed for the format '") + how.type + "'");
    char text[512];
    std::to_chars_result end{};
    std::string out;
    if (how.type == 'd' && v.is_big_integer()) {
        rt.charge(v.written().size());
        out = v.written();
    } else if (how.type == 'f' || how.type == 'e') {
        const int precision = static_cast<int>(std::clamp<std::int64_t>(how.precision < 0 ? 6 : how.precision, 0, 100));
        const auto layout = how.type == 'f' ? std::chars_format::fixed : std::chars_format::scientific;
        end = std::to_chars(text, text + sizeof text, v.as_double(), layout, precision);
    } else {
        if (v.is(value::kind::real) && !(v.as_double() > -9.2e18 && v.as_double() < 9.2e18))
            rt.fail("the number is too large for the format 'd'");
        end = std::to_chars(text, text + sizeof text, v.as_int(), how.type == 'd' ? 10 : how.type == 'o' ? 8 : 16);
    }
    if (out.empty()) out.assign(text, end.ptr);
    if (how.type == 'X')
        for (char& c : out) c = c >= 'a' ? static_cast<char>(c - 32) : c;
    const std::size_t first = out.starts_with('-') ? 1 : 0;
    if (how.commas) {
        const std::size_t point = std::min(out.find('.'), out.size());
        std::string grouped;
        for (std::size_t at = 0; at < out.size(); ++at) {
            if (at > first && at < point && (point - at) % 3 == 0) grouped.push_back(',');
            grouped.push_back(out[at]);
        }
        out = std::move(grouped);
    }
    return how.plus && first == 0 ? "+" + out : out;
}

/// One value, as wide as it should be.
inline std::string formatted(runtime& rt, const value& v, field_format how) {
    std::string text;
    if (how.type == 's' || how.type == 'r') {
        if (how.type == 's') text = rt.print(v);
        else {
            rt.touch_all(v);
            v.repr(text);
        }
        if (how.precision >= 0) text.resize(std::min(rt.offset_of(text, how.precision), text.size()));
    } else {
        text = digits_of(rt, v, how);
    }
    rt.touch(text);
    const auto size = static_cast<std::int64_t>(count_characters(text));
    if (how.width <= size) return text;
    const auto missing = static_cast<std::size_t>(how.width - size);
    rt.charge(missing);
    if (how.align == '=')
        return text.insert(text.starts_with('-') || text.starts_with('+') ? 1 : 0, std::string(missing, how.fill));
    const std::size_t left = how.align == '<' ? 0 : how.align == '^' ? missing / 2 : missing;
    return std::string(left, how.fill) + text + std::string(missing - left, how.fill);
}

// A width or precision at the front of a format.
inline std::int64_t take_count(runtime& rt, std::string_view& rest) {
    std::int64_t n = 0;
    const auto [end, ec] = std::from_chars(rest.data(), rest.data() + rest.size(), n);
    if (ec == std::errc::result_out_of_range || n > 1'000'000) rt.fail("a format is wider than a million characters");
    rest.remove_prefix(static_cast<std::size_t>(end - rest.data()));
    return n;
}
inline bool take_char(std::string_view& rest, char c) {
    if (!rest.starts_with(c)) return false;
    rest.remove_prefix(1);
    return true;
}

}  // namespace detail

/// The operator % and the filter format: %s, %5d, %-8s, %05.2f, %(name)s and the like.
[[nodiscard]] inline value percent_formatted(runtime& rt, std::string_view rest, const arguments& in) {
    rt.touch(rest);
    std::string out;
    std::size_t next = 0;
    while (!rest.empty()) {
        const std::size_t mark = std::min(rest.find('%'), rest.size());
        out += rest.substr(0, mark);
        rest.remove_prefix(mark);
        if (!detail::take_char(rest, '%')) break;
        if (detail::take_char(rest, '%')) {
            out.push_back('%');
            continue;
        }
        const value* v = nullptr;
        if (detail::take_char(rest, '(')) {
            const std::size_t end = std::min(rest.find(')'), rest.size());
            v = in.find(in.positional.size(), rest.substr(0, end));
            rest.remove_prefix(std::min(end + 1, rest.size()));
        } else {
            v = in.find(next++);
        }
        if (v == nullptr) rt.fail("a format has more places than values");
        field_format how{.align = '>'};
        for (; !rest.empty() && std::string_view("-0+ ").find(rest.front()) != std::string_view::npos;
             rest.remove_prefix(1)) {
            if (rest.front() == '-') how.align = '<';
            else if (rest.front() == '+') how.plus = true;
            else if (rest.front() == '0' && how.align != '<') how.align = '=';
        }
        how.width = detail::take_count(rt, rest);
        if (detail::take_char(rest, '.')) how.precision = detail::take_count(rt, rest);
        if (rest.empty()) rt.fail("a format ends in the middle of a place");
        how.type = rest.front() == 'i' || rest.front() == 'u' ? 'd' : rest.front() == 'F' ? 'f' : rest.front();
        if (std::string_view("srdfexXo").find(how.type) == std::string_view::npos)
            rt.fail(std::string("unknown format '%") + how.type + "'");
        const bool number = how.type != 's' && how.type != 'r';
        if (how.align == '=') number ? how.fill = '0' : how.align = '>';
        rest.remove_prefix(1);
        out += detail::formatted(rt, *v, how);
        rt.spend(1 + in.named.size() / 8);
    }
    if (in.named.empty() && next < in.positional.size()) rt.fail("a format has fewer places than values");
    return rt.make(std::move(out));
}

/// str.format: {}, {0}, {name}, each with an optional :format.
[[nodiscard]] inline value brace_formatted(runtime& rt, std::string_view rest, const arguments& in) {
    rt.touch(rest);
    std::string out;
    std::size_t next = 0;
    while (!rest.empty()) {
        const std::size_t mark = std::min(rest.find_first_of("{}"), rest.size());
        out += rest.substr(0, mark);
        rest.remove_prefix(mark);
        if (rest.empty()) break;
        const char brace = rest.front();
        rest.remove_prefix(1);
        if (detail::take_char(rest, brace)) {
            out.push_back(brace);
            continue;
        }
        const std::size_t end = rest.find('}');
        if (brace == '}' || end == rest.npos) rt.fail(std::string("a single '") + brace + "' in a format");
        std::string_view field = rest.substr(0, end);
        rest.remove_prefix(end + 1);
        const std::size_t colon = std::min(field.find(':'), field.size());
        const std::string_view name = field.substr(0, colon);
        std::size_t place = 0;
        const auto [last, ec] = std::from_chars(name.data(), name.data() + name.size(), place);
        const bool number = !name.empty() && ec == std::errc{} && last == name.data() + name.size();
        // Place 0 is the text itself.
        const value* v = number || name.empty() ? in.find(1 + (number ? std::min<std::size_t>(place, 4096) : next++))
                                                : in.find(in.positional.size(), name);
        if (v == nullptr) rt.fail("a format has no value for '{" + std::string(name) + "}'");
        field.remove_prefix(std::min(colon + 1, field.size()));
        field_format how{.align = v->is_number() ? '>' : '<'};
        const auto is_align = [](char c) { return std::string_view("<>^=").find(c) != std::string_view::npos; };
        if (field.size() > 1 && is_align(field[1])) {
            how.fill = field[0];
            how.align = field[1];
            field.remove_prefix(2);
        } else if (!field.empty() && is_align(field[0])) {
            how.align = field[0];
            field.remove_prefix(1);
        }
        how.plus = detail::take_char(field, '+');
        if (detail::take_char(field, '0')) {
            how.fill = '0';
            how.align = '=';
        }
        how.width = detail::take_count(rt, field);
        how.commas = detail::take_char(field, ',');
        if (detail::take_char(field, '.')) how.precision = detail::take_count(rt, field);
        const bool fraction = v->is(value::kind::real) && how.precision >= 0;
        how.type = !field.empty()                                       ? field[0]
                   : fraction                                           ? 'f'
                   : v->is(value::kind::integer) || v->is_big_integer() ? 'd'
                                                                        : 's';
        if (field.size() > 1 || std::string_view("sdfexXo").find(how.type) == std::string_view::npos)
            rt.fail("unknown format '" + std::string(field) + "'");
        out += detail::formatted(rt, *v, how);
        rt.spend(1 + in.named.size() / 8);
    }
    return rt.make(std::move(out));
}

}  // namespace wafer::inline WAFER_ABI::jinja

// SPDX-License-Identifier: MIT
// L1 text/grammar: what a JSON schema says of single values, as expressions: listed values, bounds of numbers, counts.
#pragma once

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <wafer/core/config.hpp>
#include <wafer/core/json.hpp>
#include <wafer/text/grammar/grammar.hpp>
#include <wafer/text/grammar/number_range.hpp>
#include <wafer/text/grammar/schema_document.hpp>

namespace wafer::inline WAFER_ABI::grammar {

/// One value as JSON writes it, with `space` wherever white space may be; `size` is that of the expressions made here.
[[nodiscard]] inline expression literal(const json& value, const expression& space, allowance& size,
                                        const std::string& path) {
    size.spend(3, path);
    const auto list = [&](const char* open, const auto& items, const char* close, const auto& write) {
        std::vector<expression> parts{text(open), space};
        for (const auto& item : items) {
            if (parts.size() > 2) parts.insert(parts.end(), {text(","), space});
            write(item, parts);
        }
        if (parts.size() > 2) parts.push_back(space);
        parts.push_back(text(close));
        return sequence(std::move(parts));
    };
    if (value.is_array())
        return list("[", value.as_array(), "]",
                    [&](const json& item, auto& parts) { parts.push_back(literal(item, space, size, path)); });
    if (value.is_object())
        return list("{", value.as_object(), "}", [&](const auto& member, auto& parts) {
            parts.insert(parts.end(),
                         {text(json(member.first).dump() + ":"), space, literal(member.second, space, size, path)});
        });
    return text(value.dump());
}

/// A keyword that counts something. @throws error{errc::bad_grammar}
[[nodiscard]] inline std::uint32_t count_of(const json& schema, std::string_view keyword, std::uint32_t otherwise,
                                            const std::string& path) {
    const json* const value = schema.find(keyword);
    if (value == nullptr) return otherwise;
    const double count = value->is_number() ? value->as_double() : -1;
    if (!(count >= 0 && count < unlimited) || !number_of(*value).is_whole())  // 2.0 is one, too
        fail_schema(path, "\"" + std::string(keyword) + "\" is not a count");
    return static_cast<std::uint32_t>(count);
}

namespace detail {

struct bound {
    const json* value = nullptr;  // none: nothing is beyond it
    bool open = false;            // the value itself is beyond it
    std::string_view keyword{};
};
// The stricter of two keywords.
inline bound bound_of(const json& schema, std::string_view closed, std::string_view open, const std::string& path) {
    bound out;
    for (const std::string_view keyword : {open, closed}) {
        const json* const value = schema.find(keyword);
        if (value == nullptr) continue;
        if (!value->is_number()) fail_schema(path, "\"" + std::string(keyword) + "\" is not a number");
        if (out.value == nullptr || (closed == "minimum") == (number_of(*out.value) < number_of(*value)))
            out = {value, keyword == open, keyword};
    }
    return out;
}
inline bound low_bound(const json& schema, const std::string& path) {
    return bound_of(schema, "minimum", "exclusiveMinimum", path);
}
inline bound high_bound(const json& schema, const std::string& path) {
    return bound_of(schema, "maximum", "exclusiveMaximum", path);
}

[[noreturn]] inline void fail_bound(const bound& b, const char* what, const std::string& path) {
    fail_schema(path, "\"" + std::string(b.keyword) + "\" " + what);
}

inline constexpr std::int64_t many = 999'999'999'999'999'999;  // 18 digits
// Where 64 bits end, with a sign and without.
inline constexpr std::uint64_t most_signed = std::numeric_limits<std::int64_t>::max(),
                               most_unsigned = std::numeric_limits<std::uint64_t>::max();

// The first integer within a bound; nothing if it is beyond 64 bits.
inline std::optional<decimal> whole_bound(const bound& b, bool below, const std::string& path) {
    const decimal_number exact = number_of(*b.value);
    std::string digits = exact.digits.substr(0, static_cast<std::size_t>(std::max(exact.exponent, std::int64_t{0})));
    if (exact.exponent <= 20 && exact.is_whole()) digits.resize(static_cast<std::size_t>(exact.exponent), '0');
    decimal out;
    const auto read = std::from_chars(digits.data(), digits.data() + digits.size(), out.whole);
    if (exact.exponent > 20 || read.ec == std::errc::result_out_of_range ||
        (exact.negative && out.whole > most_signed + 1))
        fail_bound(b, "is beyond 64 bits", path);
    out.negative = exact.negative && out.whole > 0;
    // What is behind the point was cut off, which is a step towards zero.
    if (exact.is_whole() ? !b.open : below == exact.negative) return out;
    const std::uint64_t end = !below ? most_signed + 1 : most_unsigned;
    if (out.negative == below && out.whole > 0) --out.whole;
    else if (out.whole == end) return std::nullopt;
    else out = {!below, out.whole + 1};
    out.negative = out.negative && out.whole > 0;  // zero is not
    return out;
}

inline expression integers_within(const bound& low, const bound& high, const std::string& path) {
    std::optional<decimal> from, to;
    if (low.value != nullptr && !(from = whole_bound(low, true, path))) return choice({});
    if (high.value != nullptr && !(to = whole_bound(high, false, path))) return choice({});
    const std::uint64_t usual = magnitude(many);
    if (!from) from = decimal{true, to->negative && to->whole > usual ? most_signed + 1 : usual};
    if (!to)
        to = decimal{false, from->negative || from->whole <= usual ? usual
                            : from->whole <= most_signed           ? most_signed
                                                                   : most_unsigned};
    return integers(*from, *to);
}

// A bound as its digits; where 18 digits end if it is further out, or missing.
inline decimal decimal_bound(bound& b, bool below, const std::string& path) {
    const decimal furthest{below, magnitude(many), {}};
    if (b.value == nullptr) return furthest;
    const double value = b.value->as_double();
    if (b.value->is_integer() && static_cast<long double>(b.value->as_int()) != static_cast<long double>(value))
        fail_bound(b, "of a number is not exactly a double", path);
    if (std::fabs(value) > 999e15) {
        if ((value < 0) != below) fail_bound(b, "leaves no numbers of up to 18 digits", path);
        b.open = false;
        return furthest;
    }
    char digits[400];
    char* const end = std::to_chars(digits, std::end(digits), std::fabs(value), std::chars_format::fixed).ptr;
    char* const point = std::find(digits, end, '.');
    decimal out{value < 0, 0, point == end ? std::string() : std::string(point + 1, end)};
    std::from_chars(digits, point, out.whole);
    const std::size_t size = out.fraction.size() + (out.whole == 0 ? 0 : static_cast<std::size_t>(point - digits));
    if (b.open && size > max_beside_open) fail_bound(b, "of a number has more than 15 digits", path);
    if (out.fraction.size() > max_fraction) fail_bound(b, "of a number has more than 17 digits after the point", path);
    return out;
}

}  // namespace detail

/// Whether a number is within the schema's bounds. @throws error{errc::bad_grammar}
[[nodiscard]] inline bool is_within_bounds(const json& number, const json& schema, const std::string& path) {
    const detail::bound low = detail::low_bound(schema, path), high = detail::high_bound(schema, path);
    const decimal_number exact = number_of(number);
    const auto order = [&](const detail::bound& b) { return exact <=> number_of(*b.value); };
    return (low.value == nullptr || (low.open ? order(low) > 0 : order(low) >= 0)) &&
           (high.value == nullptr || (high.open ? order(high) < 0 : order(high) <= 0));
}

/// Numbers within the schema's bounds; nothing if it has none. One that is missing is where 18 digits end, or 64 bits: of
/// integers with a sign, unless they begin beyond that.
/// @throws error{errc::bad_grammar} for bounds of integers beyond 64 bits, and bounds of numbers that doubles do not
///         keep apart from what lies beside them
[[nodiscard]] inline std::optional<expression> bounded_number(bool whole, const json& schema, const std::string& path) {
    detail::bound low = detail::low_bound(schema, path), high = detail::high_bound(schema, path);
    if (low.value == nullptr && high.value == nullptr) return std::nullopt;
    if (whole) return detail::integers_within(low, high, path);
    const decimal from = detail::decimal_bound(low, true, path), to = detail::decimal_bound(high, false, path);
    return decimals(from, low.open, to, high.open);
}

}  // namespace wafer::inline WAFER_ABI::grammar

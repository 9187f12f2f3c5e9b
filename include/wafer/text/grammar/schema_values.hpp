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
    const double count = value->is_number() ? value->as_double() : -1;  // 2.0 is one, too
    if (!(count >= 0 && count < unlimited) || count != std::floor(count))
        fail_schema(path, "\"" + std::string(keyword) + "\" is not a count");
    return static_cast<std::uint32_t>(count);
}

namespace detail {

struct bound {
    const json* value = nullptr;  // none: nothing is beyond it
    bool open = false;            // the value itself is beyond it
    std::string_view keyword{};
};
inline bool is_less(const json& a, const json& b) {
    return a.is_integer() && b.is_integer() ? a.as_int() < b.as_int() : a.as_double() < b.as_double();
}
// The stricter of two keywords.
inline bound bound_of(const json& schema, std::string_view closed, std::string_view open, const std::string& path) {
    bound out;
    for (const std::string_view keyword : {open, closed}) {
        const json* const value = schema.find(keyword);
        if (value == nullptr) continue;
        if (!value->is_number()) fail_schema(path, "\"" + std::string(keyword) + "\" is not a number");
        if (out.value == nullptr || (closed == "minimum" ? is_less(*out.value, *value) : is_less(*value, *out.value)))
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

// The first integer within a bound; nothing if it is beyond 64 bits.
inline std::optional<std::int64_t> whole_bound(const bound& b, bool below, const std::string& path) {
    std::int64_t out = 0;
    bool open = b.open;
    if (b.value->is_integer()) out = b.value->as_int();
    else {
        const double exact = b.value->as_double(), rounded = below ? std::ceil(exact) : std::floor(exact);
        if (!(std::fabs(rounded) < 9e18)) fail_bound(b, "is beyond 64 bits", path);
        out = static_cast<std::int64_t>(rounded);
        open = open && rounded == exact;
    }
    if (!open) return out;
    using limits = std::numeric_limits<std::int64_t>;
    if (out == (below ? limits::max() : limits::min())) return std::nullopt;
    return below ? out + 1 : out - 1;
}

inline expression integers_within(const bound& low, const bound& high, const std::string& path) {
    using limits = std::numeric_limits<std::int64_t>;
    std::optional<std::int64_t> from, to;
    if (low.value != nullptr && !(from = whole_bound(low, true, path))) return choice({});
    if (high.value != nullptr && !(to = whole_bound(high, false, path))) return choice({});
    if (!from) from = *to < -many ? limits::min() : -many;
    if (!to) to = *from > many ? limits::max() : many;
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
    return (low.value == nullptr || detail::is_less(*low.value, number) ||
            (!low.open && !detail::is_less(number, *low.value))) &&
           (high.value == nullptr || detail::is_less(number, *high.value) ||
            (!high.open && !detail::is_less(*high.value, number)));
}

/// Numbers within the schema's bounds; nothing if it has none. One that is missing is where 18 digits end, or 64 bits.
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

// SPDX-License-Identifier: MIT
// L1 text/grammar: what a JSON schema says of single values, as expressions: listed values, bounds of numbers, counts.
#pragma once

#include <cmath>
#include <cstdint>
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
    if (!value->is_integer() || value->as_int() < 0 || value->as_int() >= unlimited)
        fail_schema(path, "\"" + std::string(keyword) + "\" is not a count");
    return static_cast<std::uint32_t>(value->as_int());
}

namespace detail {

struct bound {
    std::int64_t value;
    bool open;  // the value itself is beyond it
};
// The stricter of two keywords.
inline std::optional<bound> bound_of(const json& schema, std::string_view closed, std::string_view open, bool whole,
                                     const std::string& path) {
    const bool below = closed == "minimum";
    std::optional<bound> out;
    for (const std::string_view keyword : {closed, open}) {
        const json* const value = schema.find(keyword);
        if (value == nullptr) continue;
        if (!value->is_number()) fail_schema(path, "\"" + std::string(keyword) + "\" is not a number");
        bound here{0, keyword == open};
        if (value->is_integer()) here.value = value->as_int();
        else {
            const double exact = value->as_double(), rounded = below ? std::ceil(exact) : std::floor(exact);
            if (!(std::fabs(rounded) < 9e18)) fail_schema(path, "\"" + std::string(keyword) + "\" is beyond 64 bits");
            if (rounded != exact && !whole)
                fail_schema(path, "\"" + std::string(keyword) + "\" of a number has to be whole to be supported");
            here = {static_cast<std::int64_t>(rounded), here.open && rounded == exact};
        }
        const bool stricter = !out || (below ? here.value > out->value : here.value < out->value) ||
                              (here.value == out->value && here.open);
        if (stricter) out = here;
    }
    return out;
}

}  // namespace detail

/// Numbers within the schema's bounds; nothing if it has none. One that is missing is where 18 digits end, or 64 bits.
/// @throws error{errc::bad_grammar} for bounds beyond 64 bits, and for ones that are not whole unless the numbers are
[[nodiscard]] inline std::optional<expression> bounded_number(bool whole, const json& schema, const std::string& path) {
    const auto low = detail::bound_of(schema, "minimum", "exclusiveMinimum", whole, path);
    const auto high = detail::bound_of(schema, "maximum", "exclusiveMaximum", whole, path);
    if (!low && !high) return std::nullopt;
    constexpr std::int64_t many = 999'999'999'999'999'999;
    constexpr std::int64_t least = std::numeric_limits<std::int64_t>::min(),
                           most = std::numeric_limits<std::int64_t>::max();
    std::int64_t from = low ? low->value : high->value < -many ? least : -many;
    std::int64_t to = high ? high->value : low->value > many ? most : many;
    const bool from_open = low && low->open, to_open = high && high->open;
    if (from > to) return choice({});
    if (!whole) return decimals(from, from_open, to, to_open);
    if ((from_open && from++ == most) || (to_open && to-- == least)) return choice({});
    return integers(from, to);
}

}  // namespace wafer::inline WAFER_ABI::grammar

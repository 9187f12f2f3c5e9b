// SPDX-License-Identifier: MIT
// L1 text/grammar: decimal numbers between bounds, as expressions over their digits.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <wafer/core/config.hpp>
#include <wafer/text/grammar/grammar.hpp>

namespace wafer::inline WAFER_ABI::grammar {

namespace detail {

inline expression digit(char first, char last) {
    return chars({{static_cast<unsigned char>(first), static_cast<unsigned char>(last)}});
}
inline expression any_digits(std::size_t min, std::size_t max) {
    return repeat(digit('0', '9'), static_cast<std::uint32_t>(min), static_cast<std::uint32_t>(max));
}
inline expression any_digits(std::size_t count) { return any_digits(count, count); }

/// Digits of low's length that are no less than it.
inline expression digits_from(std::string_view low) {
    if (low.empty()) return sequence({});
    const std::string_view rest = low.substr(1);
    std::vector<expression> ways{sequence({digit(low[0], low[0]), digits_from(rest)})};
    if (low[0] < '9') ways.push_back(sequence({digit(static_cast<char>(low[0] + 1), '9'), any_digits(rest.size())}));
    return choice(std::move(ways));
}
/// Digits of high's length that are no greater than it.
inline expression digits_to(std::string_view high) {
    if (high.empty()) return sequence({});
    const std::string_view rest = high.substr(1);
    std::vector<expression> ways{sequence({digit(high[0], high[0]), digits_to(rest)})};
    if (high[0] > '0') ways.push_back(sequence({digit('0', static_cast<char>(high[0] - 1)), any_digits(rest.size())}));
    return choice(std::move(ways));
}
/// @pre low and high have the same length, and low <= high
inline expression digits_between(std::string_view low, std::string_view high) {
    if (low.empty()) return sequence({});
    const std::string_view low_rest = low.substr(1), high_rest = high.substr(1);
    if (low[0] == high[0]) return sequence({digit(low[0], low[0]), digits_between(low_rest, high_rest)});
    std::vector<expression> ways{sequence({digit(low[0], low[0]), digits_from(low_rest)}),
                                 sequence({digit(high[0], high[0]), digits_to(high_rest)})};
    if (high[0] - low[0] > 1)
        ways.push_back(sequence(
            {digit(static_cast<char>(low[0] + 1), static_cast<char>(high[0] - 1)), any_digits(low_rest.size())}));
    return choice(std::move(ways));
}

/// Whole numbers without sign or leading zeros; none if low > high.
inline expression naturals(std::uint64_t low, std::uint64_t high) {
    std::vector<expression> lengths;
    if (low <= high) {
        const std::string first = std::to_string(low), last = std::to_string(high);
        for (std::size_t n = first.size(); n <= last.size(); ++n)
            lengths.push_back(digits_between(n == first.size() ? first : "1" + std::string(n - 1, '0'),
                                             n == last.size() ? last : std::string(n, '9')));
    }
    return choice(std::move(lengths));
}

inline constexpr std::size_t max_fraction = 17;  // digits; enough for any double

/// Decimal fractions without sign between whole bounds, which are themselves left out where open.
inline expression magnitudes(std::uint64_t low, bool low_open, std::uint64_t high, bool high_open) {
    const auto point = [](expression digits) { return sequence({text("."), std::move(digits)}); };
    const expression any = repeat(point(any_digits(1, max_fraction)), 0, 1);
    std::vector<expression> ways;
    if (low < high) {
        const expression some = point(
            sequence({repeat(digit('0', '0'), 0, max_fraction - 1), digit('1', '9'), any_digits(0, max_fraction - 1)}));
        ways.push_back(sequence({naturals(low, low), low_open ? some : any}));
        if (high - low > 1) ways.push_back(sequence({naturals(low + 1, high - 1), any}));
    }
    if (!high_open && (low < high || (low == high && !low_open)))
        ways.push_back(sequence({naturals(high, high), repeat(point(repeat(digit('0', '0'), 1, max_fraction)), 0, 1)}));
    return choice(std::move(ways));
}

inline std::uint64_t magnitude(std::int64_t n) noexcept {
    return n < 0 ? std::uint64_t{0} - static_cast<std::uint64_t>(n) : static_cast<std::uint64_t>(n);
}

}  // namespace detail

/// The integers from low to high as JSON writes them; none if low > high.
[[nodiscard]] inline expression integers(std::int64_t low, std::int64_t high) {
    std::vector<expression> signs;
    if (high >= 0) signs.push_back(detail::naturals(low > 0 ? detail::magnitude(low) : 0, detail::magnitude(high)));
    if (low < 0)
        signs.push_back(
            sequence({text("-"), detail::naturals(high < 0 ? detail::magnitude(high) : 1, detail::magnitude(low))}));
    return choice(std::move(signs));
}

/// The numbers from low to high, with or without a fraction of up to 17 digits, without exponents; bounds that are open
/// are left out.
[[nodiscard]] inline expression decimals(std::int64_t low, bool low_open, std::int64_t high, bool high_open) {
    std::vector<expression> signs;
    if (high >= 0)
        signs.push_back(detail::magnitudes(low > 0 ? detail::magnitude(low) : 0, low >= 0 && low_open,
                                           detail::magnitude(high), high_open));
    if (low < 0)  // zero has no sign
        signs.push_back(
            sequence({text("-"), detail::magnitudes(high < 0 ? detail::magnitude(high) : 0, high >= 0 || high_open,
                                                    detail::magnitude(low), low_open)}));
    return choice(std::move(signs));
}

}  // namespace wafer::inline WAFER_ABI::grammar

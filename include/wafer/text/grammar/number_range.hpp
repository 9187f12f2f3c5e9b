// SPDX-License-Identifier: MIT
// L1 text/grammar: decimal numbers between bounds, as expressions over their digits.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
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
/// Digits of a number beside a bound that it must not reach. More could be rounded to the bound when they are read.
inline constexpr std::size_t max_beside_open = 15;

/// Up to n digits after a point, and no fewer than `min`, that lie between two such fractions; no `high`: up to, but
/// without, the next whole number. @pre low and high do not end in 0
inline expression fractions(std::string_view low, bool low_open, std::optional<std::string_view> high, bool high_open,
                            std::size_t n, std::size_t min) {
    const auto step = [&](char first, char last, expression rest) {
        return sequence({digit(first, last), std::move(rest)});
    };
    const bool from_zero = low.empty() && !low_open, to_zero = high && high->empty();
    if (to_zero)
        return from_zero && !high_open ? repeat(digit('0', '0'), std::uint32_t(min), std::uint32_t(n)) : choice({});
    if (from_zero && !high && n >= min) return any_digits(min, n);
    std::vector<expression> ways;
    if (from_zero && min == 0) ways.push_back(sequence({}));
    if (n == 0) return choice(std::move(ways));
    const char l = low.empty() ? '0' : low[0], h = high ? high->front() : char{'9' + 1};
    const std::string_view low_rest = low.empty() ? low : low.substr(1);
    const std::string_view high_rest = high ? high->substr(1) : std::string_view{};
    if (l == h) ways.push_back(step(l, l, fractions(low_rest, low_open, high_rest, high_open, n - 1, 0)));
    if (l < h) ways.push_back(step(l, l, fractions(low_rest, low_open, std::nullopt, false, n - 1, 0)));
    if (l + 1 < h) ways.push_back(step(static_cast<char>(l + 1), static_cast<char>(h - 1), any_digits(0, n - 1)));
    if (l < h && high) ways.push_back(step(h, h, fractions({}, false, high_rest, high_open, n - 1, 0)));
    return choice(std::move(ways));
}

}  // namespace detail

/// A decimal number as it is written.
struct decimal {
    bool negative = false;  // zero is not
    std::uint64_t whole = 0;
    std::string fraction{};  // digits after the point, the last of them not 0
};

namespace detail {

/// Decimal numbers without sign between bounds, which are themselves left out where open.
inline expression magnitudes(const decimal& low, bool low_open, const decimal& high, bool high_open) {
    std::optional<std::string_view> upper = high.fraction;
    std::uint64_t last = high.whole;
    if (high_open && high.fraction.empty()) {  // all fractions of the whole number before
        if (last == 0) return choice({});
        --last;
        upper.reset();
    }
    std::vector<expression> ways;
    const auto add = [&](std::uint64_t from, std::uint64_t to, std::string_view above, bool above_open,
                         std::optional<std::string_view> below, bool below_open) {
        const std::size_t digits = to == 0 ? 0 : std::to_string(to).size();
        const std::size_t n = !above_open && !below_open ? max_fraction
                              : digits < max_beside_open ? max_beside_open - digits
                                                         : 0;
        expression fraction = sequence({text("."), fractions(above, above_open, below, below_open, n, 1)});
        if (above.empty() && !above_open) fraction = repeat(std::move(fraction), 0, 1);
        ways.push_back(sequence({naturals(from, to), std::move(fraction)}));
    };
    if (low.whole == last) add(last, last, low.fraction, low_open, upper, high_open);
    if (low.whole < last) {
        add(low.whole, low.whole, low.fraction, low_open, std::nullopt, false);
        if (last - low.whole > 1) add(low.whole + 1, last - 1, {}, false, std::nullopt, false);
        add(last, last, {}, false, upper, high_open);
    }
    return choice(std::move(ways));
}

inline std::uint64_t magnitude(std::int64_t n) noexcept {
    return n < 0 ? std::uint64_t{0} - static_cast<std::uint64_t>(n) : static_cast<std::uint64_t>(n);
}

}  // namespace detail

/// The integers from low to high as JSON writes them; none if low > high. Fractions do not count.
[[nodiscard]] inline expression integers(const decimal& low, const decimal& high) {
    std::vector<expression> signs;
    if (!high.negative) signs.push_back(detail::naturals(low.negative ? 0 : low.whole, high.whole));
    if (low.negative)
        signs.push_back(sequence({text("-"), detail::naturals(high.negative ? high.whole : 1, low.whole)}));
    return choice(std::move(signs));
}
[[nodiscard]] inline expression integers(std::int64_t low, std::int64_t high) {
    return integers(decimal{low < 0, detail::magnitude(low)}, decimal{high < 0, detail::magnitude(high)});
}

/// The numbers from low to high, without exponents; bounds that are open are left out. Fractions have up to 17 digits,
/// numbers beside an open bound up to 15 in all, so that none is read as the bound.
/// @pre open bounds have no more than 15 digits
[[nodiscard]] inline expression decimals(const decimal& low, bool low_open, const decimal& high, bool high_open) {
    std::vector<expression> signs;
    if (!high.negative)
        signs.push_back(detail::magnitudes(low.negative ? decimal{} : low, !low.negative && low_open, high, high_open));
    if (low.negative)  // zero has no sign
        signs.push_back(sequence({text("-"), detail::magnitudes(high.negative ? high : decimal{},
                                                                !high.negative || high_open, low, low_open)}));
    return choice(std::move(signs));
}

}  // namespace wafer::inline WAFER_ABI::grammar

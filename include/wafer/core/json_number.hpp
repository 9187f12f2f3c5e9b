// SPDX-License-Identifier: MIT
// L0 core: what the text of a JSON number says, however long it is. Knows no JSON values.
#pragma once

#include <algorithm>
#include <charconv>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <system_error>

#include <wafer/core/config.hpp>

namespace wafer::inline WAFER_ABI {

/// A number exactly as it is written: 0.DIGITS * 10^exponent. Its first digit and its last are not 0; zero has no digits
/// and no sign.
struct decimal_number {
    bool negative = false;
    std::string digits{};
    std::int64_t exponent = 0;  // those beyond 2^60 count as that

    /// Whether nothing is left behind the point: 1.0 and 1e2 are whole, too.
    [[nodiscard]] bool is_whole() const noexcept {
        return digits.empty() || exponent >= static_cast<std::int64_t>(digits.size());
    }
    /// One text for all that are equal: the digits of whole numbers below 10^400, else as 15e-1.
    [[nodiscard]] std::string text() const {
        if (digits.empty()) return "0";
        const std::string sign = negative ? "-" : "";
        const auto zeros = exponent - static_cast<std::int64_t>(digits.size());
        if (zeros < 0 || exponent > 400) return sign + digits + "e" + std::to_string(zeros);
        return sign + digits + std::string(static_cast<std::size_t>(zeros), '0');
    }

    friend bool operator==(const decimal_number&, const decimal_number&) = default;
    friend std::strong_ordering operator<=>(const decimal_number& a, const decimal_number& b) noexcept {
        if (a.negative != b.negative) return b.negative <=> a.negative;
        const auto size = [](const decimal_number& n) {
            return n.digits.empty() ? std::numeric_limits<std::int64_t>::min() : n.exponent;
        };
        const auto order = size(a) != size(b) ? size(a) <=> size(b) : a.digits <=> b.digits;
        return a.negative ? 0 <=> order : order;
    }
};

/// What a number says. @pre it is written as JSON writes numbers  @cost linear
[[nodiscard]] inline decimal_number decimal_of(std::string_view number) {
    constexpr std::int64_t far = std::int64_t{1} << 60;
    decimal_number out{.negative = number.starts_with('-')};
    if (out.negative) number.remove_prefix(1);
    const std::size_t end = std::min(number.find_first_of("eE"), number.size());
    const std::string_view digits = number.substr(0, end);
    const std::size_t point = std::min(digits.find('.'), end);
    (out.digits = digits.substr(0, point)) += digits.substr(std::min(point + 1, end));
    const std::size_t first = out.digits.find_first_not_of('0');
    if (first == std::string::npos) return {};
    std::string_view written = number.substr(std::min(end + 1, number.size()));
    if (written.starts_with('+')) written.remove_prefix(1);
    const auto [last, ec] = std::from_chars(written.data(), written.data() + written.size(), out.exponent);
    if (ec == std::errc::result_out_of_range) out.exponent = written.starts_with('-') ? -2 * far : 2 * far;
    const auto before_point = static_cast<std::int64_t>(point) - static_cast<std::int64_t>(first);
    out.exponent = std::clamp(std::clamp(out.exponent, -2 * far, 2 * far) + before_point, -far, far);
    out.digits.erase(0, first);
    out.digits.resize(out.digits.find_last_not_of('0') + 1);
    return out;
}

/// The double nearest to a number: infinite beyond the greatest. @pre it is written as JSON writes numbers
[[nodiscard]] inline double nearest_double(std::string_view number) {
    double value = 0;
    if (std::from_chars(number.data(), number.data() + number.size(), value).ec == std::errc{}) return value;
    value = decimal_of(number).exponent > 0 ? std::numeric_limits<double>::infinity() : 0;
    return number.starts_with('-') ? -value : value;
}

}  // namespace wafer::inline WAFER_ABI

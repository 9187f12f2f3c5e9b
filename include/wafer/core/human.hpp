// SPDX-License-Identifier: MIT
// L0 core: numbers as people read them: three significant digits and a unit. The same in every locale.
#pragma once

#include <array>
#include <charconv>
#include <cmath>
#include <cstddef>
#include <span>
#include <string>
#include <string_view>

#include <wafer/core/config.hpp>
#include <wafer/core/units.hpp>

namespace wafer::inline WAFER_ABI {

/// `x` with `decimals` digits behind the point.
[[nodiscard]] inline std::string fixed(double x, int decimals) {
    std::array<char, 400> text{};  // the longest double has 309 digits before its point
    const auto end = std::to_chars(text.data(), text.data() + text.size(), x, std::chars_format::fixed, decimals).ptr;
    return std::string(text.data(), end);
}

/// Three significant digits: 0.0123, 1.23, 12.3, 123, 1234.
[[nodiscard]] inline std::string three_digits(double x) {
    if (!std::isfinite(x) || x == 0) return fixed(x, 0);
    const double magnitude = std::abs(x);
    int decimals = 0;
    for (double limit = 99.95; decimals < 9 && magnitude < limit; limit /= 10) ++decimals;
    return fixed(x, decimals);
}

namespace detail {

[[nodiscard]] inline std::string scaled(double x, double step, std::span<const std::string_view> units) {
    std::size_t unit = 0;
    while (std::abs(x) >= step * 0.9995 && unit + 1 < units.size()) {
        x /= step;
        ++unit;
    }
    return three_digits(x) + " " + std::string(units[unit]);
}

}  // namespace detail

/// 141 GiB, 41.3 KiB, 1000 B
[[nodiscard]] inline std::string human(bytes n) {
    constexpr std::array<std::string_view, 7> units{"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
    if (n.count < 1024) return std::to_string(n.count) + " B";
    return detail::scaled(n.value(), 1024, units);
}

/// 1.23 GFLOP
[[nodiscard]] inline std::string human(flops n) {
    constexpr std::array<std::string_view, 6> units{"FLOP", "kFLOP", "MFLOP", "GFLOP", "TFLOP", "PFLOP"};
    return detail::scaled(n.value(), 1000, units);
}

/// 4.56 ms, 12.3 us
[[nodiscard]] inline std::string human(seconds t) {
    constexpr std::array<std::string_view, 4> units{"ns", "us", "ms", "s"};
    if (t.count == 0) return "0";
    return detail::scaled(t.count * 1e9, 1000, units);
}

}  // namespace wafer::inline WAFER_ABI

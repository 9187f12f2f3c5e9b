// SPDX-License-Identifier: MIT
// L0 core: physical units as types, so that no comment has to say "in seconds" and no byte is added to a flop.
#pragma once

#include <compare>
#include <cstdint>

#include <wafer/core/config.hpp>

namespace wafer::inline WAFER_ABI {

/// A number with a unit. Same units add and compare; a plain number scales; equal units divide to a plain number.
template <class Unit, class Rep>
struct quantity {
    using rep = Rep;
    Rep count{};

    /// Zero.
    constexpr quantity() noexcept = default;
    /// n of this unit.
    constexpr explicit quantity(Rep n) noexcept : count(n) {}
    /// The number without its unit, as a double.
    [[nodiscard]] constexpr double value() const noexcept { return static_cast<double>(count); }

    /// Compares counts. Differences below zero wrap around where counts are whole numbers.
    friend constexpr auto operator<=>(const quantity&, const quantity&) noexcept = default;
    constexpr quantity& operator+=(quantity o) noexcept {
        count += o.count;
        return *this;
    }
    constexpr quantity& operator-=(quantity o) noexcept {
        count -= o.count;
        return *this;
    }
    friend constexpr quantity operator+(quantity a, quantity b) noexcept { return quantity(a.count + b.count); }
    friend constexpr quantity operator-(quantity a, quantity b) noexcept { return quantity(a.count - b.count); }
    friend constexpr quantity operator*(quantity a, Rep s) noexcept { return quantity(a.count * s); }
    friend constexpr quantity operator*(Rep s, quantity a) noexcept { return quantity(a.count * s); }
    friend constexpr double operator/(quantity a, quantity b) noexcept { return a.value() / b.value(); }
};

/// The units in use. Counts are whole numbers of 64 bits and wrap around; times and rates are doubles.
using bytes = quantity<struct byte_unit, std::uint64_t>;
using flops = quantity<struct flop_unit, std::uint64_t>;  // a multiply and an add count as two
using hops = quantity<struct hop_unit, std::uint64_t>;    // links crossed on a mesh
using seconds = quantity<struct second_unit, double>;
using bytes_per_second = quantity<struct byte_rate_unit, double>;
using flops_per_second = quantity<struct flop_rate_unit, double>;
using hertz = quantity<struct hertz_unit, double>;

/// How long so much takes at that rate; a rate of 0 gives infinity, or NaN for nothing.
[[nodiscard]] constexpr seconds operator/(bytes n, bytes_per_second rate) noexcept {
    return seconds(n.value() / rate.count);
}
[[nodiscard]] constexpr seconds operator/(flops n, flops_per_second rate) noexcept {
    return seconds(n.value() / rate.count);
}
/// How much of it goes in a second.
[[nodiscard]] constexpr bytes_per_second operator/(bytes n, seconds t) noexcept {
    return bytes_per_second(n.value() / t.count);
}

/// 48_KiB: n times 2^10, 2^20, 2^30 bytes.
constexpr bytes operator""_KiB(unsigned long long n) noexcept { return bytes(n << 10); }
constexpr bytes operator""_MiB(unsigned long long n) noexcept { return bytes(n << 20); }
constexpr bytes operator""_GiB(unsigned long long n) noexcept { return bytes(n << 30); }

}  // namespace wafer::inline WAFER_ABI

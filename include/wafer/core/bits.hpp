// SPDX-License-Identifier: MIT
// L0 core: numbers as bits: little-endian loads, arithmetic that reports overflow, floats that are no numbers.
#pragma once

#include <bit>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <optional>
#include <span>
#include <type_traits>

#include <wafer/core/config.hpp>

namespace wafer::inline WAFER_ABI {

static_assert(std::endian::native == std::endian::little, "wafer reads its formats in place: little-endian hosts only");

/// Reads a T from unaligned little-endian bytes.
template <class T>
requires std::is_trivially_copyable_v<T>
[[nodiscard]] inline T load_le(const void* from) noexcept {
    T value;
    std::memcpy(&value, from, sizeof value);
    return value;
}

/// a * b, or nothing where it overflows.
template <std::unsigned_integral T>
[[nodiscard]] constexpr std::optional<T> checked_mul(T a, T b) noexcept {
    if (a != 0 && b > std::numeric_limits<T>::max() / a) return std::nullopt;
    return static_cast<T>(a * b);
}

/// a + b, or nothing where it overflows.
template <std::unsigned_integral T>
[[nodiscard]] constexpr std::optional<T> checked_add(T a, T b) noexcept {
    if (b > std::numeric_limits<T>::max() - a) return std::nullopt;
    return static_cast<T>(a + b);
}

/// The least multiple of `to` that is not below n. @pre n + to does not overflow.
template <std::unsigned_integral T>
[[nodiscard]] constexpr T round_up(T n, T to) noexcept {
    return static_cast<T>((n + to - 1) / to * to);
}

template <std::unsigned_integral T>
[[nodiscard]] constexpr T ceil_div(T n, T by) noexcept {
    return static_cast<T>(n / by + (n % by != 0));
}

/// Whether no number is NaN or infinite. Reads two at a time: those that are not finite have an exponent of all ones, which
/// one more carries into the place of the sign.
[[nodiscard]] inline bool all_finite(std::span<const float> numbers) noexcept {
    constexpr std::uint64_t magnitude = 0x7FFFFFFF'7FFFFFFF, one = 0x00800000'00800000, carry = 0x80000000'80000000;
    std::uint64_t found = 0;
    std::size_t i = 0;
    for (; i + 2 <= numbers.size(); i += 2) {
        std::uint64_t two = 0;
        std::memcpy(&two, numbers.data() + i, sizeof two);
        found |= (two & magnitude) + one;
    }
    if (i < numbers.size()) found |= (std::bit_cast<std::uint32_t>(numbers[i]) & magnitude) + one;
    return (found & carry) == 0;
}

}  // namespace wafer::inline WAFER_ABI

// SPDX-License-Identifier: MIT
#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <map>
#include <vector>

#include <doctest/doctest.h>

#include <wafer/core/half.hpp>

using wafer::bf16;
using wafer::f16;
using wafer::fp8_e4m3;
using wafer::fp8_e5m2;

namespace {

template <class T>
struct facts;
template <>
struct facts<f16> {
    static constexpr int exponent_bits = 5, mantissa_bits = 10;
    static constexpr bool finite = false;
};
template <>
struct facts<bf16> {
    static constexpr int exponent_bits = 8, mantissa_bits = 7;
    static constexpr bool finite = false;
};
template <>
struct facts<fp8_e4m3> {
    static constexpr int exponent_bits = 4, mantissa_bits = 3;
    static constexpr bool finite = true;
};
template <>
struct facts<fp8_e5m2> {
    static constexpr int exponent_bits = 5, mantissa_bits = 2;
    static constexpr bool finite = false;
};

template <class T>
constexpr std::uint32_t code_count = 1u << (8 * sizeof(T));

template <class T>
T code(std::uint32_t bits) {
    return T::from_bits(static_cast<decltype(T::bits)>(bits));
}

/// The definition of the format, in double arithmetic. NaN where the code is none of a number.
template <class T>
double meaning(std::uint32_t bits) {
    using f = facts<T>;
    const int exponent = static_cast<int>(bits >> f::mantissa_bits & ((1u << f::exponent_bits) - 1));
    const auto mantissa = static_cast<int>(bits & ((1u << f::mantissa_bits) - 1));
    const int bias = (1 << (f::exponent_bits - 1)) - 1;
    const double sign = bits >> (f::exponent_bits + f::mantissa_bits) ? -1.0 : 1.0;
    const bool top = exponent == (1 << f::exponent_bits) - 1;
    if (f::finite ? top && mantissa == (1 << f::mantissa_bits) - 1 : top && mantissa != 0)
        return std::numeric_limits<double>::quiet_NaN();
    if (top && !f::finite) return sign * std::numeric_limits<double>::infinity();
    if (exponent == 0) return sign * std::ldexp(mantissa, 1 - bias - f::mantissa_bits);
    return sign * std::ldexp(mantissa + (1 << f::mantissa_bits), exponent - bias - f::mantissa_bits);
}

}  // namespace

TEST_CASE_TEMPLATE("half: every code converts to its number and back to itself", T, f16, bf16, fp8_e4m3, fp8_e5m2) {
    std::uint32_t wrong = 0;
    for (std::uint32_t bits = 0; bits < code_count<T>; ++bits) {
        const T x = code<T>(bits);
        const double want = meaning<T>(bits);
        const float got = static_cast<float>(x);
        if (std::isnan(want)) {
            const T back{got};
            wrong += !std::isnan(got) || !std::isnan(static_cast<float>(back)) ||
                     std::signbit(got) != (bits >= code_count<T> / 2);
            continue;
        }
        wrong +=
            !(static_cast<double>(got) == want) || std::signbit(got) != std::signbit(want) || T{got}.bits != x.bits;
    }
    CHECK(wrong == 0);
}

TEST_CASE_TEMPLATE("half: a float rounds to the nearest code, ties to even", T, f16, bf16, fp8_e4m3, fp8_e5m2) {
    // Between two neighbours lie a middle and its two float neighbours; all three must go the right way.
    std::uint32_t wrong = 0;
    for (std::uint32_t bits = 0; bits + 1 < code_count<T> / 2; ++bits) {
        const double low = meaning<T>(bits), high = meaning<T>(bits + 1);
        if (std::isnan(low) || std::isnan(high) || std::isinf(high)) continue;
        const double middle = (low + high) / 2;
        const auto even = static_cast<std::uint32_t>(bits + (bits & 1));
        const auto centre = static_cast<float>(middle);
        if (static_cast<double>(centre) != middle) {  // below float's own denormals of bf16: no middle to test
            CHECK(false);
            continue;
        }
        const float below = std::nextafter(centre, 0.0f),
                    above = std::nextafter(centre, std::numeric_limits<float>::infinity());
        for (const bool negative : {false, true}) {
            const std::uint32_t sign = negative ? code_count<T> / 2 : 0;
            const float s = negative ? -1.0f : 1.0f;
            wrong += T{s * centre}.bits != (sign | even);
            if (static_cast<double>(below) > low) wrong += T{s * below}.bits != (sign | bits);
            if (static_cast<double>(above) < high) wrong += T{s * above}.bits != (sign | (bits + 1));
        }
    }
    CHECK(wrong == 0);
}

TEST_CASE("half: what is too large becomes infinity, or NaN where there is none") {
    constexpr float inf = std::numeric_limits<float>::infinity();
    CHECK(f16{65504.0f}.bits == 0x7BFF);
    CHECK(f16{65519.996f}.bits == 0x7BFF);
    CHECK(f16{65520.0f}.bits == 0x7C00);
    CHECK(f16{-1e30f}.bits == 0xFC00);
    CHECK(f16{inf}.bits == 0x7C00);
    CHECK(bf16{std::numeric_limits<float>::max()}.bits == 0x7F80);
    CHECK(bf16{-inf}.bits == 0xFF80);
    CHECK(fp8_e5m2{57344.0f}.bits == 0x7B);
    CHECK(fp8_e5m2{61439.0f}.bits == 0x7B);
    CHECK(fp8_e5m2{61440.0f}.bits == 0x7C);
    CHECK(fp8_e5m2{inf}.bits == 0x7C);
    CHECK(fp8_e4m3{448.0f}.bits == 0x7E);
    CHECK(fp8_e4m3{464.0f}.bits == 0x7E);  // the tie with 480, which is not there, goes to the even 448
    CHECK(fp8_e4m3{464.1f}.bits == 0x7F);
    CHECK(fp8_e4m3{480.0f}.bits == 0x7F);
    CHECK(fp8_e4m3{-1e9f}.bits == 0xFF);
    CHECK(fp8_e4m3{inf}.bits == 0x7F);
}

TEST_CASE("half: what is too small becomes zero with its sign") {
    CHECK(f16{0x1p-25f}.bits == 0);  // tie with the smallest denormal
    CHECK(f16{0x1.000002p-25f}.bits == 1);
    CHECK(f16{-0x1p-26f}.bits == 0x8000);
    CHECK(f16{-0.0f}.bits == 0x8000);
    CHECK(fp8_e4m3{0x1p-10f}.bits == 0);
    CHECK(fp8_e4m3{0x1.8p-10f}.bits == 1);
    CHECK(bf16{std::numeric_limits<float>::denorm_min()}.bits == 0);
    CHECK(f16{std::numeric_limits<float>::denorm_min()}.bits == 0);
}

TEST_CASE("half: conversions are constant expressions") {
    static_assert(f16{1.0f}.bits == 0x3C00 && static_cast<float>(f16::from_bits(0x0001)) == 0x1p-24f);
    static_assert(bf16{1.0f}.bits == 0x3F80 && static_cast<float>(bf16::from_bits(0xC0A0)) == -5.0f);
    static_assert(fp8_e4m3{1.0f}.bits == 0x38 && fp8_e5m2{1.0f}.bits == 0x3C);
}

#if defined(__SSE2__) && defined(__FLT16_MAX__)
TEST_CASE("half: f16 agrees with the compiler's own over a sweep of floats") {
    std::uint32_t wrong = 0;
    for (std::uint64_t i = 0; i < (std::uint64_t{1} << 32); i += 4099) {
        const auto bits = static_cast<std::uint32_t>(i);
        const auto x = std::bit_cast<float>(bits);
        if (std::isnan(x)) continue;
        wrong += std::bit_cast<std::uint16_t>(static_cast<_Float16>(x)) != f16{x}.bits;
    }
    CHECK(wrong == 0);
}
#endif

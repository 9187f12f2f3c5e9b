// SPDX-License-Identifier: MIT
// L0 core: floats of 16 and 8 bits as storage types. Arithmetic happens in float; these only convert.
#pragma once

#include <bit>
#include <cstdint>
#include <type_traits>

#include <wafer/core/config.hpp>

namespace wafer::inline WAFER_ABI {

/// What the codes with all exponent bits set stand for.
enum class float_top : std::uint8_t {
    ieee,    // infinities and NaNs
    finite,  // numbers, but for the very last code, which is NaN; there are no infinities ("fn")
};

/// A binary float of 1 sign bit, ExponentBits and MantissaBits, kept as its code. Trivial; as large as Storage.
template <class Storage, int ExponentBits, int MantissaBits, float_top Top = float_top::ieee>
struct small_float {
    static_assert(1 + ExponentBits + MantissaBits == 8 * sizeof(Storage));

    Storage bits;

    /// Not initialised.
    small_float() = default;

    /// The nearest representable number, ties to the even code. What rounds beyond the largest number becomes infinity,
    /// or NaN where the format has no infinity (as in ml_dtypes: no saturation). NaN stays NaN, quiet, with its sign.
    constexpr explicit small_float(float x) noexcept : bits(encode(x)) {}

    /// The very same number: every code of these formats is a float.
    [[nodiscard]] constexpr explicit operator float() const noexcept {
        const std::uint32_t exponent = bits >> MantissaBits & exponent_mask;
        const std::uint32_t mantissa = bits & mantissa_mask;
        const std::uint32_t sign = std::uint32_t{bits} >> (ExponentBits + MantissaBits) << 31;
        std::uint32_t magnitude = 0;
        if (is_special(bits & magnitude_mask)) {
            magnitude = 0x7F80'0000u | mantissa << shift;
        } else if (exponent != 0 || bias == 127) {  // with float's own bias, denormals are float's own denormals
            magnitude = (exponent + 127 - bias) << 23 | mantissa << shift;
        } else {
            constexpr float ulp = std::bit_cast<float>(static_cast<std::uint32_t>(1 - MantissaBits + 127 - bias) << 23);
            magnitude = std::bit_cast<std::uint32_t>(static_cast<float>(mantissa) * ulp);
        }
        return std::bit_cast<float>(sign | magnitude);
    }

    /// The number of that code.
    [[nodiscard]] static constexpr small_float from_bits(Storage bits) noexcept {
        small_float result{};
        result.bits = bits;
        return result;
    }

private:
    static constexpr int bias = (1 << (ExponentBits - 1)) - 1;
    static constexpr int shift = 23 - MantissaBits;
    static constexpr std::uint32_t exponent_mask = (1u << ExponentBits) - 1;
    static constexpr std::uint32_t mantissa_mask = (1u << MantissaBits) - 1;
    static constexpr std::uint32_t magnitude_mask = (1u << (ExponentBits + MantissaBits)) - 1;
    static constexpr std::uint32_t infinity = exponent_mask << MantissaBits;  // where the format is IEEE's
    static constexpr std::uint32_t nan = Top == float_top::ieee ? infinity | 1u << (MantissaBits - 1) : magnitude_mask;

    [[nodiscard]] static constexpr bool is_special(std::uint32_t magnitude) noexcept {
        return Top == float_top::ieee ? magnitude >= infinity : magnitude == magnitude_mask;
    }

    [[nodiscard]] static constexpr Storage encode(float x) noexcept {
        const std::uint32_t code = std::bit_cast<std::uint32_t>(x);
        const std::uint32_t sign = code >> 31 << (ExponentBits + MantissaBits);
        const std::uint32_t magnitude = code & 0x7FFF'FFFFu;
        return static_cast<Storage>(sign | encode_magnitude(magnitude));
    }

    [[nodiscard]] static constexpr std::uint32_t encode_magnitude(std::uint32_t magnitude) noexcept {
        if (magnitude > 0x7F80'0000u) return Top == float_top::ieee ? nan | (magnitude >> shift & mantissa_mask) : nan;
        // |x| = significand * 2^(exponent - 150), for float's denormals too.
        const std::uint32_t field = magnitude >> 23;
        const std::uint32_t significand = (magnitude & 0x7F'FFFFu) | (field != 0 ? 1u << 23 : 0u);
        const int exponent = (field != 0 ? static_cast<int>(field) : 1) - 127 + bias;
        const int drop = shift + (exponent < 1 ? 1 - exponent : 0);
        if (drop > 25) return 0;
        const std::uint32_t odd = significand >> drop & 1u;
        const std::uint32_t rounded = (significand + (1u << (drop - 1)) - 1 + odd) >> drop;
        // The leading bit of `rounded` adds the last unit of the exponent, and so does a carry out of rounding.
        const std::uint32_t result =
            (static_cast<std::uint32_t>(exponent < 1 ? 1 : exponent) - 1) * (1u << MantissaBits) + rounded;
        if (!is_special(result < magnitude_mask ? result : magnitude_mask)) return result;
        return Top == float_top::ieee ? infinity : nan;
    }
};

/// IEEE 754 binary16; bfloat16; and the two 8-bit formats of Micikevicius et al. 2022 (FP8 Formats for Deep Learning).
using f16 = small_float<std::uint16_t, 5, 10>;
using bf16 = small_float<std::uint16_t, 8, 7>;
using fp8_e4m3 = small_float<std::uint8_t, 4, 3, float_top::finite>;  // largest 448; 464 < |x| and infinity become NaN
using fp8_e5m2 = small_float<std::uint8_t, 5, 2>;

static_assert(sizeof(f16) == 2 && sizeof(bf16) == 2 && sizeof(fp8_e4m3) == 1 && sizeof(fp8_e5m2) == 1);
static_assert(std::is_trivial_v<f16> && std::is_standard_layout_v<f16>);

}  // namespace wafer::inline WAFER_ABI

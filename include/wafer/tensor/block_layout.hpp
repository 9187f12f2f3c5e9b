// SPDX-License-Identifier: MIT
// L2 tensor: how GGUF stores blocked weights: one struct per format, byte for byte. Knows no arithmetic beyond value().
// Byte layout, numbers in decimal, fields little-endian; [n] is n bytes; "low"/"high" are nibbles of one byte.
// @cite ggml, ggml-common.h (the formats); "OCP Microscaling Formats" 1.0 (MXFP4).
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>

#include <wafer/core/config.hpp>
#include <wafer/core/dtype.hpp>
#include <wafer/core/half.hpp>

namespace wafer::inline WAFER_ABI {

// A block is L elements. An element's code is an unsigned integer; it stands for scale * value(code) - minimum.

/// L = 32.  0 d | 2 codes [16]: byte j holds element j (low) and j + 16 (high).
struct q4_0_block {
    static constexpr dtype type = dtype::q4_0;
    f16 d;
    std::uint8_t low[16];
    [[nodiscard]] static constexpr int value(unsigned code) noexcept { return static_cast<int>(code) - 8; }
};

/// L = 32.  0 d | 2 m, to be added | 4 codes [16] as in q4_0.
struct q4_1_block {
    static constexpr dtype type = dtype::q4_1;
    f16 d, m;
    std::uint8_t low[16];
    [[nodiscard]] static constexpr int value(unsigned code) noexcept { return static_cast<int>(code); }
};

/// L = 32.  0 d | 2 bit 4 of element j at bit j [4] | 6 bits 0-3 [16] as in q4_0.
struct q5_0_block {
    static constexpr dtype type = dtype::q5_0;
    f16 d;
    std::uint8_t high[4];
    std::uint8_t low[16];
    [[nodiscard]] static constexpr int value(unsigned code) noexcept { return static_cast<int>(code) - 16; }
};

/// L = 32.  0 d | 2 m, to be added | 4 bit 4 [4] | 8 bits 0-3 [16], both as in q5_0.
struct q5_1_block {
    static constexpr dtype type = dtype::q5_1;
    f16 d, m;
    std::uint8_t high[4];
    std::uint8_t low[16];
    [[nodiscard]] static constexpr int value(unsigned code) noexcept { return static_cast<int>(code); }
};

/// L = 32.  0 d | 2 values [32], signed. The code is the value plus 128.
struct q8_0_block {
    static constexpr dtype type = dtype::q8_0;
    f16 d;
    std::int8_t values[32];
    [[nodiscard]] static constexpr int value(unsigned code) noexcept { return static_cast<int>(code) - 128; }
};

/// L = 256.  0 per 16 elements: scale (low), minimum (high) [16]
///         | 16 codes [64]: byte 32h + l, bits 2s and 2s + 1 hold element 128h + 32s + l | 80 d | 82 dmin.
struct q2_k_block {
    static constexpr dtype type = dtype::q2_k;
    std::uint8_t scales[16];
    std::uint8_t low[64];
    f16 d, dmin;
    [[nodiscard]] static constexpr int value(unsigned code) noexcept { return static_cast<int>(code); }
};

/// L = 256.  0 bit 2 of the codes [32]: byte l, bit s holds element 32s + l | 32 bits 0 and 1 [64] as in q2_k
///         | 96 per 16 elements g, a 6-bit scale plus 32 [12]: bits 0-3 in byte g % 8 (low for g < 8, high above),
///           bits 4-5 in byte 8 + g % 4 at bit 2 (g / 4) | 108 d.
struct q3_k_block {
    static constexpr dtype type = dtype::q3_k;
    std::uint8_t high[32];
    std::uint8_t low[64];
    std::uint8_t scales[12];
    f16 d;
    [[nodiscard]] static constexpr int value(unsigned code) noexcept { return static_cast<int>(code) - 4; }
};

/// L = 256.  0 d | 2 dmin | 4 six-bit scales s[8] and minimums n[8], one each per 32 elements [12]:
///           byte g = s[g] | top bits of s[g + 4] << 6, byte g + 4 = n[g] | top bits of n[g + 4] << 6,
///           byte g + 8 = bits 0-3 of s[g + 4] (low) and of n[g + 4] (high), g < 4
///         | 16 codes [128]: byte 32h + l holds element 64h + l (low) and 64h + 32 + l (high).
struct q4_k_block {
    static constexpr dtype type = dtype::q4_k;
    f16 d, dmin;
    std::uint8_t scales[12];
    std::uint8_t low[128];
    [[nodiscard]] static constexpr int value(unsigned code) noexcept { return static_cast<int>(code); }
};

/// L = 256.  0 d | 2 dmin | 4 scales and minimums [12] as in q4_k
///         | 16 bit 4 of the codes [32]: byte l, bit s holds element 32s + l | 48 bits 0-3 [128] as in q4_k.
struct q5_k_block {
    static constexpr dtype type = dtype::q5_k;
    f16 d, dmin;
    std::uint8_t scales[12];
    std::uint8_t high[32];
    std::uint8_t low[128];
    [[nodiscard]] static constexpr int value(unsigned code) noexcept { return static_cast<int>(code); }
};

/// L = 256.  0 bits 0-3 of the codes [128]: byte 64h + l holds element 128h + l (low) and 128h + 64 + l (high), l < 64
///         | 128 bits 4 and 5 [64]: byte 32h + l, bits 2s and 2s + 1 hold element 128h + 32s + l
///         | 192 signed scales per 16 elements [16] | 208 d.
struct q6_k_block {
    static constexpr dtype type = dtype::q6_k;
    std::uint8_t low[128];
    std::uint8_t high[64];
    std::int8_t scales[16];
    f16 d;
    [[nodiscard]] static constexpr int value(unsigned code) noexcept { return static_cast<int>(code) - 32; }
};

/// What the codes of iq4_nl and iq4_xs stand for: steps that are finer near zero.
inline constexpr std::int8_t iq4_values[16] = {-127, -104, -83, -65, -49, -35, -22, -10,
                                               1,    13,   25,  38,  53,  69,  89,  113};

/// L = 32.  0 d | 2 codes [16] as in q4_0.
struct iq4_nl_block {
    static constexpr dtype type = dtype::iq4_nl;
    f16 d;
    std::uint8_t low[16];
    [[nodiscard]] static constexpr int value(unsigned code) noexcept { return iq4_values[code]; }
};

/// L = 256.  0 d | 2 per 32 elements g, bits 4-5 of the scale at bit 2g (16 bits)
///         | 4 bits 0-3 of the scale [4]: byte g / 2, low for even g; the scale is six bits minus 32
///         | 8 codes [128]: per 32 elements 16 bytes as in q4_0.
struct iq4_xs_block {
    static constexpr dtype type = dtype::iq4_xs;
    f16 d;
    std::uint16_t scales_high;
    std::uint8_t scales_low[4];
    std::uint8_t low[128];
    [[nodiscard]] static constexpr int value(unsigned code) noexcept { return iq4_values[code]; }
};

/// Twice the numbers of FP4 (E2M1). Code 8, its negative zero, counts as zero.
inline constexpr std::int8_t mxfp4_values[16] = {0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12};

/// L = 32.  0 exponent e | 1 codes [16] as in q4_0. The scale is 2^(e - 127), halved because the values are doubled.
struct mxfp4_block {
    static constexpr dtype type = dtype::mxfp4;
    std::uint8_t exponent;
    std::uint8_t low[16];
    [[nodiscard]] static constexpr int value(unsigned code) noexcept { return mxfp4_values[code]; }
    [[nodiscard]] constexpr float scale() const noexcept {
        // 2^(e - 128); below e = 2 that is one of float's denormals
        const std::uint32_t bits = exponent < 2 ? 0x0020'0000u << exponent : (std::uint32_t{exponent} - 1) << 23;
        return std::bit_cast<float>(bits);
    }
};

/// L = 256.  0 five ternary digits a byte [32]: byte l, digit s holds element 32s + l
///         | 32 the same [16]: byte l, digit s holds element 160 + 16s + l
///         | 48 four digits a byte [4]: byte l, digit s holds element 240 + 4s + l | 52 d.
/// A byte b holds its digits as the fraction b / 256: each is the integer part after multiplying by three.
struct tq1_0_block {
    static constexpr dtype type = dtype::tq1_0;
    std::uint8_t digits[48];
    std::uint8_t last[4];
    f16 d;
    [[nodiscard]] static constexpr int value(unsigned code) noexcept { return static_cast<int>(code) - 1; }
};

/// L = 256.  0 codes [64] as in q2_k | 64 d.
struct tq2_0_block {
    static constexpr dtype type = dtype::tq2_0;
    std::uint8_t low[64];
    f16 d;
    [[nodiscard]] static constexpr int value(unsigned code) noexcept { return static_cast<int>(code) - 1; }
};

/// The list of blocked formats: calls visit.operator()<Block>() for the struct of `type`, if it has one.
/// A new format is a struct above, a split() in tensor/block.hpp and a line here.
template <class Visitor>
constexpr void visit_block_type(dtype type, Visitor&& visit) {
    switch (type) {
        case dtype::q4_0: return visit.template operator()<q4_0_block>();
        case dtype::q4_1: return visit.template operator()<q4_1_block>();
        case dtype::q5_0: return visit.template operator()<q5_0_block>();
        case dtype::q5_1: return visit.template operator()<q5_1_block>();
        case dtype::q8_0: return visit.template operator()<q8_0_block>();
        case dtype::q2_k: return visit.template operator()<q2_k_block>();
        case dtype::q3_k: return visit.template operator()<q3_k_block>();
        case dtype::q4_k: return visit.template operator()<q4_k_block>();
        case dtype::q5_k: return visit.template operator()<q5_k_block>();
        case dtype::q6_k: return visit.template operator()<q6_k_block>();
        case dtype::iq4_nl: return visit.template operator()<iq4_nl_block>();
        case dtype::iq4_xs: return visit.template operator()<iq4_xs_block>();
        case dtype::mxfp4: return visit.template operator()<mxfp4_block>();
        case dtype::tq1_0: return visit.template operator()<tq1_0_block>();
        case dtype::tq2_0: return visit.template operator()<tq2_0_block>();
        case dtype::f32:
        case dtype::f16:
        case dtype::bf16: break;
    }
}

static_assert(offsetof(q4_1_block, low) == 4 && offsetof(q5_0_block, low) == 6 && offsetof(q5_1_block, low) == 8);
static_assert(offsetof(q2_k_block, low) == 16 && offsetof(q2_k_block, d) == 80 && offsetof(q2_k_block, dmin) == 82);
static_assert(offsetof(q3_k_block, low) == 32 && offsetof(q3_k_block, scales) == 96 && offsetof(q3_k_block, d) == 108);
static_assert(offsetof(q4_k_block, scales) == 4 && offsetof(q4_k_block, low) == 16);
static_assert(offsetof(q5_k_block, high) == 16 && offsetof(q5_k_block, low) == 48);
static_assert(offsetof(q6_k_block, high) == 128 && offsetof(q6_k_block, scales) == 192 &&
              offsetof(q6_k_block, d) == 208);
static_assert(offsetof(iq4_xs_block, scales_low) == 4 && offsetof(iq4_xs_block, low) == 8);
static_assert(offsetof(tq1_0_block, last) == 48 && offsetof(tq1_0_block, d) == 52 && offsetof(tq2_0_block, d) == 64);
static_assert(
    [] {
        bool same = true;
        for (const auto& d : dtypes)
            visit_block_type(
                d.type, [&]<class Block>() { same = same && Block::type == d.type && sizeof(Block) == d.block_bytes; });
        return same;
    }(),
    "a block struct must have the size that its dtype announces");

}  // namespace wafer::inline WAFER_ABI

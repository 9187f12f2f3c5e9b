// SPDX-License-Identifier: MIT
// L1 simd: the packed layout that every target's kernels stream. Facts and arithmetic only; tensor/pack.hpp writes it.
// Knows nothing of matrices: a panel is 16 rows of k elements, interleaved, from a 64-byte boundary on.
//
//   f32, f16       [k][16]
//   bf16           [ceil(k / 2)][16][2]                     pairs along k; the odd one out is zero
//   blocked types  scales [k / span] records, padded to 64   then codes [k / 32][low_bits + high_bits][64]
//
// A code vector of 64 bytes is [16 rows][4 consecutive k]; the 8 groups of 4 within 32 elements sit as follows:
//   8 bits   vector g = group g
//   4 bits   vector v: low nibbles group v, high nibbles group v + 4
//   2 bits   vector v: bits 2i, 2i + 1 = group 4v + i
//   1 bit    bit g = group g
// A scale record is f16 d[16] (or u8 exponent[16]), f16 m[16] where the type has a minimum, then the sub-scales.
//   element = scale * (value(code) - offset) - minimum
#pragma once

#include <cstddef>
#include <cstdint>

#include <wafer/core/bits.hpp>
#include <wafer/core/dtype.hpp>
#include <wafer/simd/kernel_table.hpp>

namespace wafer::inline WAFER_ABI::simd {

/// How scale and minimum of a sub-block follow from d and m.
enum class sub_scale : std::uint8_t {
    none,        // scale = d, minimum = m
    exponent,    // scale = 2^(e - 128)
    signed_32,   // i8 s[span / 32][16]              scale = d s
    signed_16,   // i8 s[span / 16][16]              scale = d s
    pair_32,     // u8 [span / 32]{s[16], n[16]}     scale = d s, minimum = m n
    nibbles_16,  // u8 b[span / 16][16]              scale = d (b & 15), minimum = m (b >> 4)
};

/// What the 4-bit code of a non-linear type stands for.
enum class codebook : std::uint8_t { linear, iq4, mxfp4 };

/// Facts about the panels of one blocked type.
struct panel_format {
    std::uint8_t low_bits = 0;   // width of the first code plane: 2, 4 or 8
    std::uint8_t high_bits = 0;  // width of the second: 0, 1 or 2, on top of low_bits
    std::uint8_t offset = 0;     // what to subtract from value(code)
    std::uint8_t max_value = 0;  // the largest value(code)
    std::uint16_t span = 32;     // elements per scale record
    bool has_min = false;
    sub_scale sub = sub_scale::none;
    codebook book = codebook::linear;

    /// Elements that share one scale.
    [[nodiscard]] constexpr std::size_t granule() const noexcept {
        return sub == sub_scale::signed_16 || sub == sub_scale::nibbles_16 ? 16 : 32;
    }
    [[nodiscard]] constexpr std::size_t head_bytes() const noexcept { return sub == sub_scale::exponent ? 16 : 32; }
    [[nodiscard]] constexpr std::size_t min_bytes() const noexcept { return has_min ? 32 : 0; }
    [[nodiscard]] constexpr std::size_t sub_bytes() const noexcept {  // per 32 elements
        switch (sub) {
            case sub_scale::signed_32: return 16;
            case sub_scale::signed_16:
            case sub_scale::pair_32:
            case sub_scale::nibbles_16: return 32;
            default: return 0;
        }
    }
    [[nodiscard]] constexpr std::size_t record_bytes() const noexcept {
        return head_bytes() + min_bytes() + span / 32 * sub_bytes();
    }
    [[nodiscard]] constexpr std::size_t code_bytes() const noexcept { return (low_bits + high_bits) * std::size_t{64}; }
    [[nodiscard]] constexpr std::size_t scales_bytes(std::size_t k) const noexcept {
        return round_up<std::size_t>(k / span * record_bytes(), 64);
    }
};

/// The panel format of a blocked type. A new format is one line here. (All zero for float types.)
[[nodiscard]] constexpr panel_format panel_format_of(dtype type) noexcept {
    using enum dtype;
    using s = sub_scale;
    using b = codebook;
    switch (type) {
        //                low high off  max  span  min
        case q4_0: return {4, 0, 8, 15, 32, false, s::none, b::linear};
        case q4_1: return {4, 0, 0, 15, 32, true, s::none, b::linear};
        case q5_0: return {4, 1, 16, 31, 32, false, s::none, b::linear};
        case q5_1: return {4, 1, 0, 31, 32, true, s::none, b::linear};
        case q8_0: return {8, 0, 128, 255, 32, false, s::none, b::linear};
        case q2_k: return {2, 0, 0, 3, 256, true, s::nibbles_16, b::linear};
        case q3_k: return {2, 1, 4, 7, 256, false, s::signed_16, b::linear};
        case q4_k: return {4, 0, 0, 15, 256, true, s::pair_32, b::linear};
        case q5_k: return {4, 1, 0, 31, 256, true, s::pair_32, b::linear};
        case q6_k: return {4, 2, 32, 63, 256, false, s::signed_16, b::linear};
        case iq4_nl: return {4, 0, 128, 255, 32, false, s::none, b::iq4};
        case iq4_xs: return {4, 0, 128, 255, 256, false, s::signed_32, b::iq4};
        case mxfp4: return {4, 0, 12, 24, 32, false, s::exponent, b::mxfp4};
        case tq1_0:
        case tq2_0: return {2, 0, 1, 3, 256, false, s::none, b::linear};
        case f32:
        case f16:
        case bf16: break;
    }
    return {};
}

/// value(code) = offset + what the code stands for, in the units of the format's scale.
inline constexpr std::uint8_t iq4_codebook[16] = {1,   24,  45,  63,  79,  93,  106, 118,
                                                  129, 141, 153, 166, 181, 197, 217, 241};
inline constexpr std::uint8_t mxfp4_codebook[16] = {12, 13, 14, 15, 16, 18, 20, 24, 12, 11, 10, 9, 8, 6, 4, 0};

/// Bytes of a panel of 16 rows of k elements: a multiple of 64. @pre k is a multiple of the type's block_len.
[[nodiscard]] constexpr std::size_t panel_bytes(dtype type, std::size_t k) noexcept {
    switch (type) {
        case dtype::f32: return k * 64;
        case dtype::f16: return round_up<std::size_t>(k * 32, 64);
        case dtype::bf16: return ceil_div<std::size_t>(k, 2) * 64;
        default: break;
    }
    const auto f = panel_format_of(type);
    return f.scales_bytes(k) + k / 32 * f.code_bytes();
}

}  // namespace wafer::inline WAFER_ABI::simd

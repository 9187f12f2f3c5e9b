// SPDX-License-Identifier: MIT
// L2 tensor: what GGUF's blocked weights stand for: blocks split into codes and scales, rows decoded to float.
// Knows no packing and no kernels; block_layout.hpp has the bytes.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include <wafer/core/bits.hpp>
#include <wafer/core/config.hpp>
#include <wafer/core/dtype.hpp>
#include <wafer/core/half.hpp>
#include <wafer/tensor/block_layout.hpp>

namespace wafer::inline WAFER_ABI {

/// A block in one form for all formats. With g = i / 16, element i of the block is
///   (d * scale[g]) * Block::value(code[i]) - m * minimum[g]
/// Formats that share scales among 32 elements repeat each. Without sub-scales scale is 1; without minimums m is +0.
struct split_block {
    float d, m;
    std::array<std::int8_t, 16> scale;
    std::array<std::uint8_t, 16> minimum;
    std::array<std::uint8_t, 256> code;  // the first block_len count
};

namespace detail {

/// Per 32 elements 16 bytes: the first 16 elements in the low nibbles, the others in the high ones.
inline void split_nibbles(const std::uint8_t* from, std::uint8_t* code) noexcept {
    for (std::size_t j = 0; j < 16; ++j) {
        code[j] = from[j] & 15;
        code[j + 16] = from[j] >> 4;
    }
}

/// Bit j of 32 to bit 4 of code j.
inline void add_fifth_bits(const std::uint8_t* from, std::uint8_t* code) noexcept {
    for (std::size_t j = 0; j < 32; ++j) code[j] = static_cast<std::uint8_t>(code[j] | (from[j / 8] >> j % 8 & 1) << 4);
}

/// 256 codes of 2 bits from 64 bytes: byte 32h + l, bits 2s and 2s + 1 hold element 128h + 32s + l.
inline void split_pairs(const std::uint8_t* from, std::uint8_t* code) noexcept {
    for (std::size_t h = 0; h < 2; ++h, from += 32)
        for (std::size_t s = 0; s < 4; ++s, code += 32)
            for (std::size_t l = 0; l < 32; ++l) code[l] = from[l] >> 2 * s & 3;
}

/// 256 codes of 4 bits from 128 bytes: byte 32h + l holds element 64h + l (low) and 64h + 32 + l (high).
inline void split_k_nibbles(const std::uint8_t* from, std::uint8_t* code) noexcept {
    for (std::size_t h = 0; h < 4; ++h, from += 32)
        for (std::size_t s = 0; s < 2; ++s, code += 32)
            for (std::size_t l = 0; l < 32; ++l) code[l] = from[l] >> 4 * s & 15;
}

/// One more bit for each of 256 codes, from 32 bytes: byte l, bit s holds that of element 32s + l.
template <int Bit>
inline void add_k_bits(const std::uint8_t* from, std::uint8_t* code) noexcept {
    for (std::size_t s = 0; s < 8; ++s, code += 32)
        for (std::size_t l = 0; l < 32; ++l) code[l] = static_cast<std::uint8_t>(code[l] | (from[l] >> s & 1) << Bit);
}

/// The 8 scales and 8 minimums of 6 bits in the 12 bytes of q4_k and q5_k, each given twice.
inline void split_k_scales(const std::uint8_t* from, split_block& out) noexcept {
    for (std::size_t g = 0; g < 4; ++g) {
        const std::uint8_t s = from[g], n = from[g + 4], low = from[g + 8];
        out.scale[2 * g] = out.scale[2 * g + 1] = static_cast<std::int8_t>(s & 63);
        out.minimum[2 * g] = out.minimum[2 * g + 1] = n & 63;
        out.scale[2 * g + 8] = out.scale[2 * g + 9] = static_cast<std::int8_t>((low & 15) | s >> 6 << 4);
        out.minimum[2 * g + 8] = out.minimum[2 * g + 9] = static_cast<std::uint8_t>(low >> 4 | n >> 6 << 4);
    }
}

/// The signed sub-scale number g of formats that have one.
inline int sub_scale_of(const q3_k_block& b, std::size_t g) noexcept {
    return ((b.scales[g % 8] >> g / 8 * 4 & 15) | (b.scales[8 + g % 4] >> g / 4 * 2 & 3) << 4) - 32;
}
inline int sub_scale_of(const q6_k_block& b, std::size_t g) noexcept { return b.scales[g]; }
inline int sub_scale_of(const iq4_xs_block& b, std::size_t g) noexcept {
    return ((b.scales_low[g / 2] >> g % 2 * 4 & 15) | (b.scales_high >> 2 * g & 3) << 4) - 32;
}

inline void set_scales(split_block& out, float d) noexcept {
    out.d = d;
    out.m = 0;
    out.scale.fill(1);
    out.minimum.fill(0);
}

inline void set_scales(split_block& out, f16 d, f16 added) noexcept {
    out.d = float(d);
    out.m = -float(added);
    out.scale.fill(1);
    out.minimum.fill(1);
}

}  // namespace detail

// One split() per blocked format.

inline void split(const q4_0_block& b, split_block& out) noexcept {
    detail::set_scales(out, float(b.d));
    detail::split_nibbles(b.low, out.code.data());
}

inline void split(const q4_1_block& b, split_block& out) noexcept {
    detail::set_scales(out, b.d, b.m);
    detail::split_nibbles(b.low, out.code.data());
}

inline void split(const q5_0_block& b, split_block& out) noexcept {
    detail::set_scales(out, float(b.d));
    detail::split_nibbles(b.low, out.code.data());
    detail::add_fifth_bits(b.high, out.code.data());
}

inline void split(const q5_1_block& b, split_block& out) noexcept {
    detail::set_scales(out, b.d, b.m);
    detail::split_nibbles(b.low, out.code.data());
    detail::add_fifth_bits(b.high, out.code.data());
}

inline void split(const q8_0_block& b, split_block& out) noexcept {
    detail::set_scales(out, float(b.d));
    for (std::size_t i = 0; i < 32; ++i) out.code[i] = static_cast<std::uint8_t>(b.values[i] + 128);
}

inline void split(const q2_k_block& b, split_block& out) noexcept {
    out.d = float(b.d);
    out.m = float(b.dmin);
    for (std::size_t g = 0; g < 16; ++g) {
        out.scale[g] = static_cast<std::int8_t>(b.scales[g] & 15);
        out.minimum[g] = b.scales[g] >> 4;
    }
    detail::split_pairs(b.low, out.code.data());
}

inline void split(const q3_k_block& b, split_block& out) noexcept {
    detail::set_scales(out, float(b.d));
    for (std::size_t g = 0; g < 16; ++g) out.scale[g] = static_cast<std::int8_t>(detail::sub_scale_of(b, g));
    detail::split_pairs(b.low, out.code.data());
    detail::add_k_bits<2>(b.high, out.code.data());
}

inline void split(const q4_k_block& b, split_block& out) noexcept {
    out.d = float(b.d);
    out.m = float(b.dmin);
    detail::split_k_scales(b.scales, out);
    detail::split_k_nibbles(b.low, out.code.data());
}

inline void split(const q5_k_block& b, split_block& out) noexcept {
    out.d = float(b.d);
    out.m = float(b.dmin);
    detail::split_k_scales(b.scales, out);
    detail::split_k_nibbles(b.low, out.code.data());
    detail::add_k_bits<4>(b.high, out.code.data());
}

inline void split(const q6_k_block& b, split_block& out) noexcept {
    detail::set_scales(out, float(b.d));
    for (std::size_t g = 0; g < 16; ++g) out.scale[g] = b.scales[g];
    detail::split_pairs(b.high, out.code.data());
    std::uint8_t* code = out.code.data();
    for (std::size_t h = 0; h < 2; ++h)
        for (std::size_t s = 0; s < 2; ++s, code += 64)
            for (std::size_t l = 0; l < 64; ++l) {
                const int low = b.low[64 * h + l] >> 4 * s & 15;
                code[l] = static_cast<std::uint8_t>(low | code[l] << 4);
            }
}

inline void split(const iq4_nl_block& b, split_block& out) noexcept {
    detail::set_scales(out, float(b.d));
    detail::split_nibbles(b.low, out.code.data());
}

inline void split(const iq4_xs_block& b, split_block& out) noexcept {
    detail::set_scales(out, float(b.d));
    for (std::size_t g = 0; g < 8; ++g) {
        out.scale[2 * g] = out.scale[2 * g + 1] = static_cast<std::int8_t>(detail::sub_scale_of(b, g));
        detail::split_nibbles(b.low + 16 * g, out.code.data() + 32 * g);
    }
}

inline void split(const mxfp4_block& b, split_block& out) noexcept {
    detail::set_scales(out, b.scale());
    detail::split_nibbles(b.low, out.code.data());
}

inline void split(const tq1_0_block& b, split_block& out) noexcept {
    detail::set_scales(out, float(b.d));
    constexpr std::uint8_t power[5] = {1, 3, 9, 27, 81};
    // Digits in front of the wanted one leave through the top of the byte.
    const auto digit = [&](std::uint8_t byte, std::size_t index) {
        return static_cast<std::uint8_t>(static_cast<std::uint8_t>(byte * power[index]) * 3 >> 8);
    };
    for (std::size_t i = 0; i < 160; ++i) out.code[i] = digit(b.digits[i % 32], i / 32);
    for (std::size_t i = 0; i < 80; ++i) out.code[160 + i] = digit(b.digits[32 + i % 16], i / 16);
    for (std::size_t i = 0; i < 16; ++i) out.code[240 + i] = digit(b.last[i % 4], i / 4);
}

inline void split(const tq2_0_block& b, split_block& out) noexcept {
    detail::set_scales(out, float(b.d));
    detail::split_pairs(b.low, out.code.data());
}

namespace detail {

template <class Block>
void decode_blocks(const std::byte* src, std::size_t n, float* dst) noexcept {
    constexpr std::size_t length = info(Block::type).block_len;
    split_block b;
    for (std::size_t done = 0; done < n; done += length, src += sizeof(Block), dst += length) {
        split(load_le<Block>(src), b);
        for (std::size_t g = 0; g < length / 16; ++g) {
            const float scale = b.d * static_cast<float>(b.scale[g]);
            const float minimum = b.m * static_cast<float>(b.minimum[g]);
            for (std::size_t i = 16 * g; i < 16 * (g + 1); ++i)
                dst[i] = scale * static_cast<float>(Block::value(b.code[i])) - minimum;
        }
    }
}

template <class Half>
void decode_halves(const std::byte* src, std::size_t n, float* dst) noexcept {
    for (std::size_t i = 0; i < n; ++i) dst[i] = float(load_le<Half>(src + i * sizeof(Half)));
}

}  // namespace detail

/// Decodes a stored row of n elements to the very floats that ggml's dequantisation gives.
///
/// All products are exact: d has 11 significant bits, a sub-scale and a value at most 12 together, a float 24. So
/// neither the order of the factors nor a fused multiply-add can change a bit.
/// @pre n is a multiple of the type's block_len; src has row_bytes(type, n) bytes of any alignment and overlaps no dst.
inline void decode_row(dtype type, const std::byte* src, std::size_t n, float* dst) noexcept {
    switch (type) {
        case dtype::f32: std::memcpy(dst, src, n * sizeof(float)); return;
        case dtype::f16: return detail::decode_halves<f16>(src, n, dst);
        case dtype::bf16: return detail::decode_halves<bf16>(src, n, dst);
        default: visit_block_type(type, [&]<class Block>() { detail::decode_blocks<Block>(src, n, dst); });
    }
}

}  // namespace wafer::inline WAFER_ABI

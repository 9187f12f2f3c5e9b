// SPDX-License-Identifier: MIT
// L2 tensor: a row of a panel back to floats: what an embedding's row is gathered with, and what packing is tested against.
#pragma once

#include <cstddef>
#include <cstdint>

#include <wafer/core/bits.hpp>
#include <wafer/core/config.hpp>
#include <wafer/core/dtype.hpp>
#include <wafer/core/half.hpp>
#include <wafer/simd/panel.hpp>
#include <wafer/tensor/block_layout.hpp>
#include <wafer/tensor/code_words.hpp>
#include <wafer/tensor/pack.hpp>

namespace wafer::inline WAFER_ABI {

namespace detail {

template <dtype D>
inline void load_codes(const std::byte* lane, std::uint32_t (&w)[8]) noexcept {
    constexpr simd::panel_format f = simd::panel_format_of(D);
    const auto word = [lane](std::size_t v) { return load_le<std::uint32_t>(lane + 64 * v); };
    for (std::size_t g = 0; g < 8; ++g) {
        if constexpr (f.low_bits == 8) w[g] = word(g);
        if constexpr (f.low_bits == 4) w[g] = word(g % 4) >> g / 4 * 4 & low_nibbles;
        if constexpr (f.low_bits == 2) w[g] = word(g / 4) >> g % 4 * 2 & low_pairs;
        if constexpr (f.high_bits == 1) w[g] |= (word(f.low_bits) >> g & low_bits) << f.low_bits;
        if constexpr (f.high_bits == 2) w[g] |= (word(f.low_bits + g / 4) >> g % 4 * 2 & low_pairs) << f.low_bits;
    }
}

// Scale and minimum of granule g of a row, as the kernels see them.
struct granule_scale {
    float scale, minimum;
};
template <dtype D>
inline granule_scale load_scale(const std::byte* record, std::size_t row, std::size_t g) noexcept {
    constexpr simd::panel_format f = simd::panel_format_of(D);
    const auto half = [row](const std::byte* p) { return float(f16::from_bits(load_le<std::uint16_t>(p + 2 * row))); };
    if constexpr (f.sub == simd::sub_scale::exponent) {
        return {mxfp4_block{std::to_integer<std::uint8_t>(record[row]), {}}.scale(), 0.0f};
    } else {
        const float d = half(record);
        const float m = f.has_min ? half(record + f.head_bytes()) : 0.0f;
        const std::byte* sub = record + f.head_bytes() + f.min_bytes() + row;
        const auto number = [sub](std::size_t at) { return static_cast<float>(std::to_integer<int>(sub[16 * at])); };
        if constexpr (f.sub == simd::sub_scale::none) return {d, m};
        else if constexpr (f.sub == simd::sub_scale::pair_32) return {d * number(2 * g), m * number(2 * g + 1)};
        else if constexpr (f.sub == simd::sub_scale::nibbles_16) {
            const int b = std::to_integer<int>(sub[16 * g]);
            return {d * static_cast<float>(b & 15), m * static_cast<float>(b >> 4)};
        } else return {d * static_cast<float>(static_cast<std::int8_t>(sub[16 * g])), 0.0f};
    }
}

template <class Block>
inline void unpack_blocks(const std::byte* panel, std::size_t row, std::size_t k, float* out) noexcept {
    constexpr dtype D = Block::type;
    constexpr simd::panel_format f = simd::panel_format_of(D);
    constexpr std::size_t granule = f.granule();
    const std::byte* codes = panel + f.scales_bytes(k) + 4 * row;
    for (std::size_t at = 0; at < k; at += 32, codes += f.code_bytes(), out += 32) {
        std::uint32_t w[8];
        load_codes<D>(codes, w);
        const std::byte* record = panel + at / f.span * f.record_bytes();
        for (std::size_t i = 0; i < 32; i += granule) {
            const auto [scale, minimum] = load_scale<D>(record, row, (at % f.span + i) / granule);
            for (std::size_t j = i; j < i + granule; ++j)
                out[j] = scale * static_cast<float>(Block::value(w[j / 4] >> j % 4 * 8 & 0xff)) - minimum;
        }
    }
}

template <dtype D, class T>
inline void unpack_floats(const std::byte* panel, std::size_t row, std::size_t k, float* out) noexcept {
    for (std::size_t i = 0; i < k; ++i) out[i] = float(load_le<T>(panel + float_offset<D>(row, i)));
}

}  // namespace detail

/// Decodes row `row` of a panel to the very floats that decode_row() gives for the row that was packed.
inline void unpack_row(dtype type, const std::byte* panel, std::size_t row, std::size_t k, float* out) noexcept {
    switch (type) {
        case dtype::f32: return detail::unpack_floats<dtype::f32, float>(panel, row, k, out);
        case dtype::f16: return detail::unpack_floats<dtype::f16, f16>(panel, row, k, out);
        case dtype::bf16: return detail::unpack_floats<dtype::bf16, bf16>(panel, row, k, out);
        default: visit_block_type(type, [&]<class Block>() { detail::unpack_blocks<Block>(panel, row, k, out); });
    }
}

}  // namespace wafer::inline WAFER_ABI

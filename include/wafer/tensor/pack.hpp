// SPDX-License-Identifier: MIT
// L2 tensor: rows as files store them, and rows of floats, into panels as kernels stream them (simd/panel.hpp), without loss.
// Knows no files and no kernels.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include <wafer/core/bits.hpp>
#include <wafer/core/config.hpp>
#include <wafer/core/dtype.hpp>
#include <wafer/core/half.hpp>
#include <wafer/simd/panel.hpp>
#include <wafer/simd/target.hpp>
#include <wafer/tensor/block.hpp>
#include <wafer/tensor/block_layout.hpp>
#include <wafer/tensor/code_words.hpp>

namespace wafer::inline WAFER_ABI {

namespace detail {

template <class T>
WAFER_FORCE_INLINE void store_le(std::byte* p, T value) noexcept {
    std::memcpy(p, &value, sizeof value);
}

// 8 words of codes into the planes of a panel, of which `lane` is the first row's word in the first vector.
template <dtype D, class Word>
WAFER_FORCE_INLINE void store_codes(const Word (&w)[8], std::byte* lane) noexcept {
    constexpr simd::panel_format f = simd::panel_format_of(D);
    constexpr std::uint32_t low = f.low_bits == 2 ? low_pairs : low_nibbles;
    constexpr int width = f.low_bits;
    std::byte* high = lane + 64 * f.low_bits;
    WAFER_UNROLL
    for (std::size_t v = 0; v < f.low_bits; ++v) {
        Word word{};
        if constexpr (f.low_bits == 8) word = w[v];
        if constexpr (f.low_bits == 4) word = (w[v] & low) | (w[v + 4] & low) << 4;
        if constexpr (f.low_bits == 2)
            word = (w[4 * v] & low) | (w[4 * v + 1] & low) << 2 | (w[4 * v + 2] & low) << 4 | (w[4 * v + 3] & low) << 6;
        store_le(lane + 64 * v, word);
    }
    if constexpr (f.high_bits == 1) {
        Word word{};
        WAFER_UNROLL
        for (int g = 0; g < 8; ++g) word |= (w[g] >> width & low_bits) << g;
        store_le(high, word);
    }
    if constexpr (f.high_bits == 2) {
        WAFER_UNROLL
        for (std::size_t v = 0; v < 2; ++v) {
            Word word{};
            WAFER_UNROLL
            for (int i = 0; i < 4; ++i) word |= (w[4 * v + static_cast<std::size_t>(i)] >> width & low_pairs) << 2 * i;
            store_le(high + 64 * v, word);
        }
    }
}

// A block's scales into row `row` of a scale record.
template <class Block>
inline void store_scales(const Block& b, std::byte* record, std::size_t row) noexcept {
    constexpr dtype D = Block::type;
    constexpr simd::panel_format f = simd::panel_format_of(D);
    if constexpr (f.sub == simd::sub_scale::exponent) record[row] = std::byte{b.exponent};
    else store_le(record + 2 * row, b.d.bits);
    record += f.head_bytes();
    if constexpr (f.has_min) {
        // Files add the minimum of q4_1 and q5_1 and take that of the others off.
        if constexpr (f.sub == simd::sub_scale::none)
            store_le(record + 2 * row, static_cast<std::uint16_t>(b.m.bits ^ 0x8000));
        else store_le(record + 2 * row, b.dmin.bits);
        record += f.min_bytes();
    }
    if constexpr (f.sub == simd::sub_scale::nibbles_16) {
        for (std::size_t g = 0; g < 16; ++g) record[16 * g + row] = std::byte{b.scales[g]};
    } else if constexpr (f.sub == simd::sub_scale::pair_32) {
        split_block parts;
        split_k_scales(b.scales, parts);
        for (std::size_t g = 0; g < 8; ++g) {
            record[32 * g + row] = static_cast<std::byte>(parts.scale[2 * g]);
            record[32 * g + 16 + row] = std::byte{parts.minimum[2 * g]};
        }
    } else if constexpr (f.sub == simd::sub_scale::signed_16 || f.sub == simd::sub_scale::signed_32) {
        for (std::size_t g = 0; g < f.span / f.granule(); ++g)
            record[16 * g + row] = static_cast<std::byte>(sub_scale_of(b, g));
    }
}

// Rows `row` and on, as many as a Word has, of blocks [b0, b1).
template <class Block, class Word>
WAFER_FORCE_INLINE void pack_some_blocks(stored_rows rows, std::size_t row, std::size_t b0, std::size_t b1,
                                         std::byte* scales, std::byte* codes) noexcept {
    constexpr simd::panel_format f = simd::panel_format_of(Block::type);
    constexpr std::size_t per_block = f.span / 32;
    const stored_rows first{rows.at + row * rows.stride, rows.stride};
    for (std::size_t b = b0; b < b1; ++b) {
        const auto blocks = first + b * sizeof(Block);
        WAFER_UNROLL
        for (std::size_t r = 0; r < rows_of<Word>; ++r)
            store_scales(load_le<Block>(blocks.at + r * rows.stride), scales + b * f.record_bytes(), row + r);
        for (std::size_t s = 0; s < per_block; ++s) {
            Word w[8];
            code_words<Block>(blocks, s, w);
            store_codes<Block::type>(w, codes + (b * per_block + s) * f.code_bytes() + 4 * row);
        }
    }
}

// 256 elements of all rows at a time: each row is read in one stretch, and the panel's part stays in L1 meanwhile.
template <class Block>
inline void pack_blocks(stored_rows rows, std::size_t n_rows, std::size_t k, std::byte* panel) noexcept {
    constexpr simd::panel_format f = simd::panel_format_of(Block::type);
    constexpr std::size_t per_step = 256 / f.span;
    const std::size_t n_blocks = k / f.span, fours = n_rows / 4 * 4;
    std::byte* codes = panel + f.scales_bytes(k);
    for (std::size_t b0 = 0; b0 < n_blocks; b0 += per_step) {
        const std::size_t b1 = n_blocks - b0 < per_step ? n_blocks : b0 + per_step;
        for (std::size_t row = 0; row < fours; row += 4)
            pack_some_blocks<Block, words_of_4>(rows, row, b0, b1, panel, codes);
        for (std::size_t row = fours; row < n_rows; ++row)
            pack_some_blocks<Block, std::uint32_t>(rows, row, b0, b1, panel, codes);
    }
}

// Byte offset of element i of a row in a panel of floats.
template <dtype D>
[[nodiscard]] constexpr std::size_t float_offset(std::size_t row, std::size_t i) noexcept {
    if (D == dtype::f32) return 64 * i + 4 * row;
    if (D == dtype::f16) return 32 * i + 2 * row;
    return 64 * (i / 2) + 4 * row + 2 * (i % 2);
}

// Words of four rows into a panel of floats: an f32, a pair of bf16, or two f16 of which each has a place of its own.
template <dtype D>
WAFER_FORCE_INLINE void store_floats_of_4(words_of_4 w, std::byte* lane) noexcept {
    if constexpr (D == dtype::f16) {
        using halves_of_4 = std::uint16_t __attribute__((vector_size(8)));
        store_le(lane, __builtin_convertvector(w & 0xffffu, halves_of_4));
        store_le(lane + float_offset<D>(0, 1), __builtin_convertvector(w >> 16, halves_of_4));
    } else {
        store_le(lane, w);
    }
}

template <dtype D, class T>
inline void pack_floats(stored_rows rows, std::size_t n_rows, std::size_t k, std::byte* panel) noexcept {
    constexpr std::size_t per_words = 16 / sizeof(T);  // elements in four words
    constexpr std::size_t per_step = 64;
    for (std::size_t i0 = 0; i0 < k; i0 += per_step) {
        const std::size_t i1 = k - i0 < per_step ? k : i0 + per_step;
        for (std::size_t row = 0; row < n_rows;) {
            const bool four = row + 4 <= n_rows;
            const stored_rows from{rows.at + row * rows.stride, rows.stride};
            std::size_t i = i0;
            for (; four && i + per_words <= i1; i += per_words) {
                words_of_4 w[4];
                load_4_words(from + i * sizeof(T), w);
                WAFER_UNROLL
                for (std::size_t g = 0; g < 4; ++g)
                    store_floats_of_4<D>(w[g], panel + float_offset<D>(row, i + g * (per_words / 4)));
            }
            const std::size_t end = row + (four ? 4 : 1);
            for (; row < end; ++row)
                for (std::size_t j = i; j < i1; ++j)
                    store_le(panel + float_offset<D>(row, j), load_le<T>(rows.at + row * rows.stride + j * sizeof(T)));
        }
    }
}

template <dtype D, class T>
inline void store_floats(const float* x, std::size_t k, std::byte* panel, std::size_t row) noexcept {
    for (std::size_t i = 0; i < k; ++i) store_le(panel + float_offset<D>(row, i), T(x[i]));
    if (D == dtype::bf16 && k % 2 != 0) store_le(panel + float_offset<D>(row, k), std::uint16_t{0});
}

inline void store_q8_0(const float* x, std::size_t k, std::byte* panel, std::size_t row) noexcept {
    constexpr simd::panel_format f = simd::panel_format_of(dtype::q8_0);
    std::byte* codes = panel + f.scales_bytes(k) + 4 * row;
    for (std::size_t at = 0; at < k; at += 32, x += 32, codes += f.code_bytes()) {
        float top = 0;
        for (std::size_t i = 0; i < 32; ++i) {
            const float magnitude = x[i] < 0 ? -x[i] : x[i];
            if (magnitude > top) top = magnitude;
        }
        const bool tiny = !(top > 0x1p-100f);  // as the kernels' quantize does
        const float inverse = tiny ? 0.0f : 127.0f / top;
        store_le(panel + at / 32 * f.record_bytes() + 2 * row, f16(tiny ? 0.0f : top / 127.0f).bits);
        std::uint32_t w[8] = {};
        for (std::size_t i = 0; i < 32; ++i) {
            float v = x[i] * inverse;
            v = v > -127.0f ? v : -127.0f;
            v = v < 127.0f ? v : 127.0f;
            // To the nearest, ties to even: the integer is in the low bits of 1.5 2^23 + v.
            w[i / 4] |= ((std::bit_cast<std::uint32_t>(v + 12582912.0f) + 128) & 0xff) << i % 4 * 8;
        }
        store_codes<dtype::q8_0>(w, codes);
    }
}

}  // namespace detail

/// Packs n_rows <= 16 consecutive rows of k elements, as GGUF stores them, into one panel; missing rows become zeros.
/// `panel` has simd::panel_bytes(type, k) bytes and is aligned to 64; rows may have any alignment.
/// @pre k is a multiple of the type's block_len.
inline void pack_panel(dtype type, const std::byte* rows, std::size_t row_stride, std::size_t n_rows, std::size_t k,
                       std::byte* panel) noexcept {
    const std::size_t size = simd::panel_bytes(type, k);
    if (n_rows < simd::panel_rows) {
        std::memset(panel, 0, size);
    } else if (type == dtype::f16 || type == dtype::bf16) {  // what no row writes is zero, too
        if (size > 0) std::memset(panel + size - 64, 0, 64);
    } else if (type != dtype::f32) {
        const auto f = simd::panel_format_of(type);
        const std::size_t used = k / f.span * f.record_bytes();
        std::memset(panel + used, 0, f.scales_bytes(k) - used);
    }
    const detail::stored_rows from{rows, row_stride};
    switch (type) {
        case dtype::f32: return detail::pack_floats<dtype::f32, float>(from, n_rows, k, panel);
        case dtype::f16: return detail::pack_floats<dtype::f16, f16>(from, n_rows, k, panel);
        case dtype::bf16: return detail::pack_floats<dtype::bf16, bf16>(from, n_rows, k, panel);
        default: visit_block_type(type, [&]<class Block>() { detail::pack_blocks<Block>(from, n_rows, k, panel); });
    }
}

/// Stores k floats as row `row` of a panel and leaves its other rows alone: a cache of keys is a matrix that grows by a
/// row for each position. Rounds to nearest, ties to even; q8_0 takes max|x| / 127 per 32 elements as its scale.
/// @pre type is f32, f16, bf16 or q8_0; for q8_0 k is a multiple of 32.
inline void store_in_panel(dtype type, const float* x, std::size_t k, std::byte* panel, std::size_t row) noexcept {
    switch (type) {
        case dtype::f32: return detail::store_floats<dtype::f32, float>(x, k, panel, row);
        case dtype::f16: return detail::store_floats<dtype::f16, f16>(x, k, panel, row);
        case dtype::bf16: return detail::store_floats<dtype::bf16, bf16>(x, k, panel, row);
        default: return detail::store_q8_0(x, k, panel, row);
    }
}

}  // namespace wafer::inline WAFER_ABI

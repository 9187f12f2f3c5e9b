// SPDX-License-Identifier: MIT
// L2 tensor: rows as files store them into panels as kernels stream them (simd/panel.hpp), and back, without loss.
// Knows no files and no kernels. Codes travel as 32-bit words of 4 consecutive elements, one byte each.
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

namespace wafer::inline WAFER_ABI {

namespace detail {

using words8 = std::uint32_t[8];  // the codes of 32 elements

template <class T>
WAFER_FORCE_INLINE void store_le(std::byte* p, T value) noexcept {
    std::memcpy(p, &value, sizeof value);
}

inline constexpr std::uint32_t low_nibbles = 0x0f0f0f0f;
inline constexpr std::uint32_t low_pairs = 0x03030303;
inline constexpr std::uint32_t low_bits = 0x01010101;

// 16 bytes, elements 0..15 in the low nibbles and 16..31 in the high ones.
WAFER_FORCE_INLINE void nibble_words(const std::uint8_t* p, words8& w) noexcept {
    WAFER_UNROLL
    for (std::size_t g = 0; g < 4; ++g) {
        const auto word = load_le<std::uint32_t>(p + 4 * g);
        w[g] = word & low_nibbles;
        w[g + 4] = word >> 4 & low_nibbles;
    }
}

// 32 bytes, of each the bits from `shift` on that the mask keeps.
WAFER_FORCE_INLINE void shifted_words(const std::uint8_t* p, std::size_t shift, std::uint32_t mask,
                                      words8& w) noexcept {
    WAFER_UNROLL
    for (std::size_t g = 0; g < 8; ++g) w[g] = load_le<std::uint32_t>(p + 4 * g) >> shift & mask;
}

// The same bits as the next higher ones of codes that are `bits` wide.
WAFER_FORCE_INLINE void add_shifted_words(const std::uint8_t* p, std::size_t shift, std::uint32_t mask, int bits,
                                          words8& w) noexcept {
    WAFER_UNROLL
    for (std::size_t g = 0; g < 8; ++g) w[g] |= (load_le<std::uint32_t>(p + 4 * g) >> shift & mask) << bits;
}

// Bit i of 32 as bit 4 of code i: a multiplication spreads 4 neighbouring bits over 4 bytes.
WAFER_FORCE_INLINE void add_fifth_bit_words(const std::uint8_t* p, words8& w) noexcept {
    const auto bits = load_le<std::uint32_t>(p);
    WAFER_UNROLL
    for (std::size_t g = 0; g < 8; ++g) w[g] |= ((bits >> 4 * g & 15) * 0x00204081u & low_bits) << 4;
}

// One code_words() per blocked format: the codes of elements 32 s .. 32 s + 31.
WAFER_FORCE_INLINE void code_words(const q4_0_block& b, std::size_t, words8& w) noexcept { nibble_words(b.low, w); }
WAFER_FORCE_INLINE void code_words(const q4_1_block& b, std::size_t, words8& w) noexcept { nibble_words(b.low, w); }
WAFER_FORCE_INLINE void code_words(const q5_0_block& b, std::size_t, words8& w) noexcept {
    nibble_words(b.low, w);
    add_fifth_bit_words(b.high, w);
}
WAFER_FORCE_INLINE void code_words(const q5_1_block& b, std::size_t, words8& w) noexcept {
    nibble_words(b.low, w);
    add_fifth_bit_words(b.high, w);
}
WAFER_FORCE_INLINE void code_words(const q8_0_block& b, std::size_t, words8& w) noexcept {
    WAFER_UNROLL
    for (std::size_t g = 0; g < 8; ++g) w[g] = load_le<std::uint32_t>(b.values + 4 * g) ^ 0x80808080u;
}
WAFER_FORCE_INLINE void code_words(const q2_k_block& b, std::size_t s, words8& w) noexcept {
    shifted_words(b.low + s / 4 * 32, s % 4 * 2, low_pairs, w);
}
WAFER_FORCE_INLINE void code_words(const q3_k_block& b, std::size_t s, words8& w) noexcept {
    shifted_words(b.low + s / 4 * 32, s % 4 * 2, low_pairs, w);
    add_shifted_words(b.high, s, low_bits, 2, w);
}
WAFER_FORCE_INLINE void code_words(const q4_k_block& b, std::size_t s, words8& w) noexcept {
    shifted_words(b.low + s / 2 * 32, s % 2 * 4, low_nibbles, w);
}
WAFER_FORCE_INLINE void code_words(const q5_k_block& b, std::size_t s, words8& w) noexcept {
    shifted_words(b.low + s / 2 * 32, s % 2 * 4, low_nibbles, w);
    add_shifted_words(b.high, s, low_bits, 4, w);
}
WAFER_FORCE_INLINE void code_words(const q6_k_block& b, std::size_t s, words8& w) noexcept {
    shifted_words(b.low + s / 4 * 64 + s % 2 * 32, s % 4 / 2 * 4, low_nibbles, w);
    add_shifted_words(b.high + s / 4 * 32, s % 4 * 2, low_pairs, 4, w);
}
WAFER_FORCE_INLINE void code_words(const iq4_nl_block& b, std::size_t, words8& w) noexcept { nibble_words(b.low, w); }
WAFER_FORCE_INLINE void code_words(const iq4_xs_block& b, std::size_t s, words8& w) noexcept {
    nibble_words(b.low + 16 * s, w);
}
WAFER_FORCE_INLINE void code_words(const mxfp4_block& b, std::size_t, words8& w) noexcept { nibble_words(b.low, w); }
WAFER_FORCE_INLINE void code_words(const tq2_0_block& b, std::size_t s, words8& w) noexcept {
    shifted_words(b.low + s / 4 * 32, s % 4 * 2, low_pairs, w);
}
inline void code_words(const tq1_0_block& b, std::size_t s, words8& w) noexcept {
    // A byte is a fraction of 256: times 3^n its digits before n leave at the top, times 3 digit n is bits 8 and 9.
    constexpr std::uint32_t power[5] = {1, 3, 9, 27, 81};
    for (std::size_t g = 0; g < 8; ++g) {
        const std::size_t at = 32 * s + 4 * g;
        const std::uint8_t* from = b.last;
        std::size_t digit = (at - 240) / 4;
        if (at < 160) {
            from = b.digits + at % 32;
            digit = at / 32;
        } else if (at < 240) {
            from = b.digits + 32 + at % 16;
            digit = (at - 160) / 16;
        }
        w[g] = 0;
        for (std::size_t i = 0; i < 4; ++i) w[g] |= ((from[i] * power[digit] & 0xff) * 3 >> 8) << 8 * i;
    }
}

// Every byte of a word.
template <class Word>
inline constexpr Word each_byte(std::uint8_t value) noexcept {
    return static_cast<Word>(value * (~Word{0} / 255));
}

// 8 words of codes to and from the planes of a panel, of which `lane` is the row's word in the first vector. A 64-bit word
// holds the codes of two neighbouring rows.
template <dtype D, class Word>
WAFER_FORCE_INLINE void store_codes(const Word (&w)[8], std::byte* lane) noexcept {
    constexpr simd::panel_format f = simd::panel_format_of(D);
    constexpr Word low = each_byte<Word>(f.low_bits == 2 ? 3 : 15), pairs = each_byte<Word>(3),
                   bits = each_byte<Word>(1);
    std::byte* high = lane + 64 * f.low_bits;
    WAFER_UNROLL
    for (std::size_t v = 0; v < f.low_bits; ++v) {
        Word word = 0;
        if constexpr (f.low_bits == 8) word = w[v];
        if constexpr (f.low_bits == 4) word = (w[v] & low) | (w[v + 4] & low) << 4;
        if constexpr (f.low_bits == 2)
            word = (w[4 * v] & low) | (w[4 * v + 1] & low) << 2 | (w[4 * v + 2] & low) << 4 | (w[4 * v + 3] & low) << 6;
        store_le(lane + 64 * v, word);
    }
    if constexpr (f.high_bits == 1) {
        Word word = 0;
        WAFER_UNROLL
        for (std::size_t g = 0; g < 8; ++g) word |= (w[g] >> f.low_bits & bits) << g;
        store_le(high, word);
    }
    if constexpr (f.high_bits == 2) {
        WAFER_UNROLL
        for (std::size_t v = 0; v < 2; ++v) {
            Word word = 0;
            WAFER_UNROLL
            for (std::size_t i = 0; i < 4; ++i) word |= (w[4 * v + i] >> f.low_bits & pairs) << 2 * i;
            store_le(high + 64 * v, word);
        }
    }
}

template <dtype D>
inline void load_codes(const std::byte* lane, words8& w) noexcept {
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

// The signed sub-scale number g of formats that have one.
inline int sub_scale_of(const q3_k_block& b, std::size_t g) noexcept {
    return ((b.scales[g % 8] >> g / 8 * 4 & 15) | (b.scales[8 + g % 4] >> g / 4 * 2 & 3) << 4) - 32;
}
inline int sub_scale_of(const q6_k_block& b, std::size_t g) noexcept { return b.scales[g]; }
inline int sub_scale_of(const iq4_xs_block& b, std::size_t g) noexcept {
    return ((b.scales_low[g / 2] >> g % 2 * 4 & 15) | (b.scales_high >> 2 * g & 3) << 4) - 32;
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

// Rows in pairs for 256 elements at a time: each is read in one stretch, the panel's part stays in L1 meanwhile, and the
// words of two rows are stored as one.
template <class Block>
inline void pack_blocks(const std::byte* rows, std::size_t row_stride, std::size_t n_rows, std::size_t k,
                        std::byte* panel) noexcept {
    constexpr dtype D = Block::type;
    constexpr simd::panel_format f = simd::panel_format_of(D);
    constexpr std::size_t per_block = f.span / 32;
    constexpr std::size_t per_step = 8 / per_block;
    const std::size_t n_blocks = k / f.span;
    std::byte* codes = panel + f.scales_bytes(k);
    for (std::size_t b0 = 0; b0 < n_blocks; b0 += per_step) {
        const std::size_t b1 = n_blocks - b0 < per_step ? n_blocks : b0 + per_step;
        for (std::size_t row = 0; row < n_rows; row += 2) {
            const bool paired = row + 1 < n_rows;
            for (std::size_t b = b0; b < b1; ++b) {
                const std::byte* const stored = rows + row * row_stride + b * sizeof(Block);
                const auto first = load_le<Block>(stored);
                const auto second = paired ? load_le<Block>(stored + row_stride) : Block{};
                store_scales(first, panel + b * f.record_bytes(), row);
                if (paired) store_scales(second, panel + b * f.record_bytes(), row + 1);
                for (std::size_t s = 0; s < per_block; ++s) {
                    std::byte* const lane = codes + (b * per_block + s) * f.code_bytes() + 4 * row;
                    words8 w, next;
                    code_words(first, s, w);
                    if (!paired) {
                        store_codes<D>(w, lane);
                        continue;
                    }
                    code_words(second, s, next);
                    std::uint64_t both[8];
                    WAFER_UNROLL
                    for (std::size_t g = 0; g < 8; ++g) both[g] = w[g] | std::uint64_t{next[g]} << 32;
                    store_codes<D>(both, lane);
                }
            }
        }
    }
}

template <class Block>
inline void unpack_blocks(const std::byte* panel, std::size_t row, std::size_t k, float* out) noexcept {
    constexpr dtype D = Block::type;
    constexpr simd::panel_format f = simd::panel_format_of(D);
    constexpr std::size_t granule = f.granule();
    const std::byte* codes = panel + f.scales_bytes(k) + 4 * row;
    for (std::size_t at = 0; at < k; at += 32, codes += f.code_bytes(), out += 32) {
        words8 w;
        load_codes<D>(codes, w);
        const std::byte* record = panel + at / f.span * f.record_bytes();
        for (std::size_t i = 0; i < 32; i += granule) {
            const auto [scale, minimum] = load_scale<D>(record, row, (at % f.span + i) / granule);
            for (std::size_t j = i; j < i + granule; ++j)
                out[j] = scale * static_cast<float>(Block::value(w[j / 4] >> j % 4 * 8 & 0xff)) - minimum;
        }
    }
}

// Byte offset of element i of a row in a panel of floats.
template <dtype D>
[[nodiscard]] constexpr std::size_t float_offset(std::size_t row, std::size_t i) noexcept {
    if (D == dtype::f32) return 64 * i + 4 * row;
    if (D == dtype::f16) return 32 * i + 2 * row;
    return 64 * (i / 2) + 4 * row + 2 * (i % 2);
}

template <dtype D, class T>
inline void pack_floats(const std::byte* rows, std::size_t row_stride, std::size_t n_rows, std::size_t k,
                        std::byte* panel) noexcept {
    constexpr std::size_t per_step = 64;
    for (std::size_t i0 = 0; i0 < k; i0 += per_step) {
        const std::size_t i1 = k - i0 < per_step ? k : i0 + per_step;
        for (std::size_t row = 0; row < n_rows; ++row)
            for (std::size_t i = i0; i < i1; ++i)
                store_le(panel + float_offset<D>(row, i), load_le<T>(rows + row * row_stride + i * sizeof(T)));
    }
}

template <dtype D, class T>
inline void unpack_floats(const std::byte* panel, std::size_t row, std::size_t k, float* out) noexcept {
    for (std::size_t i = 0; i < k; ++i) out[i] = float(load_le<T>(panel + float_offset<D>(row, i)));
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
        words8 w{};
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
    switch (type) {
        case dtype::f32: return detail::pack_floats<dtype::f32, float>(rows, row_stride, n_rows, k, panel);
        case dtype::f16: return detail::pack_floats<dtype::f16, f16>(rows, row_stride, n_rows, k, panel);
        case dtype::bf16: return detail::pack_floats<dtype::bf16, bf16>(rows, row_stride, n_rows, k, panel);
        default:
            visit_block_type(type,
                             [&]<class Block>() { detail::pack_blocks<Block>(rows, row_stride, n_rows, k, panel); });
    }
}

/// Decodes row `row` of a panel to the very floats that decode_row() gives for the row that was packed.
inline void unpack_row(dtype type, const std::byte* panel, std::size_t row, std::size_t k, float* out) noexcept {
    switch (type) {
        case dtype::f32: return detail::unpack_floats<dtype::f32, float>(panel, row, k, out);
        case dtype::f16: return detail::unpack_floats<dtype::f16, f16>(panel, row, k, out);
        case dtype::bf16: return detail::unpack_floats<dtype::bf16, bf16>(panel, row, k, out);
        default: visit_block_type(type, [&]<class Block>() { detail::unpack_blocks<Block>(panel, row, k, out); });
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

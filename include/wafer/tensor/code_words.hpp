// SPDX-License-Identifier: MIT
// L2 tensor: the codes of stored blocks as 32-bit words of 4 consecutive elements, one byte each: of one row, or of four
// neighbouring rows side by side, which one instruction then moves. Knows no panels.
#pragma once

#include <cstddef>
#include <cstdint>

#include <wafer/core/bits.hpp>
#include <wafer/core/config.hpp>
#include <wafer/simd/target.hpp>
#include <wafer/tensor/block_layout.hpp>

namespace wafer::inline WAFER_ABI::detail {

/// Words of four rows. A vector of the compiler's, for the instructions that every 64-bit CPU has.
using words_of_4 = std::uint32_t __attribute__((vector_size(16)));

template <class Word>
inline constexpr std::size_t rows_of = sizeof(Word) / 4;

/// Where stored rows are read.
struct stored_rows {
    const std::byte* at;
    std::size_t stride;

    [[nodiscard]] stored_rows operator+(std::size_t offset) const noexcept { return {at + offset, stride}; }
};

WAFER_FORCE_INLINE void load_word(stored_rows rows, std::uint32_t& w) noexcept { w = load_le<std::uint32_t>(rows.at); }
WAFER_FORCE_INLINE void load_word(stored_rows rows, words_of_4& w) noexcept {
    WAFER_UNROLL
    for (std::size_t r = 0; r < 4; ++r) w[r] = load_le<std::uint32_t>(rows.at + r * rows.stride);
}

/// Four consecutive words; of four rows they are transposed.
WAFER_FORCE_INLINE void load_4_words(stored_rows rows, std::uint32_t* w) noexcept {
    WAFER_UNROLL
    for (std::size_t g = 0; g < 4; ++g) w[g] = load_le<std::uint32_t>(rows.at + 4 * g);
}
WAFER_FORCE_INLINE void load_4_words(stored_rows rows, words_of_4* w) noexcept {
    words_of_4 row[4];
    WAFER_UNROLL
    for (std::size_t r = 0; r < 4; ++r) __builtin_memcpy(&row[r], rows.at + r * rows.stride, 16);
    const words_of_4 a = __builtin_shufflevector(row[0], row[1], 0, 4, 1, 5),
                     b = __builtin_shufflevector(row[2], row[3], 0, 4, 1, 5),
                     c = __builtin_shufflevector(row[0], row[1], 2, 6, 3, 7),
                     d = __builtin_shufflevector(row[2], row[3], 2, 6, 3, 7);
    w[0] = __builtin_shufflevector(a, b, 0, 1, 4, 5);
    w[1] = __builtin_shufflevector(a, b, 2, 3, 6, 7);
    w[2] = __builtin_shufflevector(c, d, 0, 1, 4, 5);
    w[3] = __builtin_shufflevector(c, d, 2, 3, 6, 7);
}

inline constexpr std::uint32_t low_nibbles = 0x0f0f0f0f;
inline constexpr std::uint32_t low_pairs = 0x03030303;
inline constexpr std::uint32_t low_bits = 0x01010101;

// 16 bytes, elements 0..15 in the low nibbles and 16..31 in the high ones.
template <class Word>
WAFER_FORCE_INLINE void nibble_words(stored_rows rows, Word (&w)[8]) noexcept {
    load_4_words(rows, w);
    WAFER_UNROLL
    for (std::size_t g = 0; g < 4; ++g) {
        w[g + 4] = w[g] >> 4 & low_nibbles;
        w[g] = w[g] & low_nibbles;
    }
}

// 32 bytes.
template <class Word>
WAFER_FORCE_INLINE void load_8_words(stored_rows rows, Word (&w)[8]) noexcept {
    load_4_words(rows, w);
    load_4_words(rows + 16, w + 4);
}

// Of 32 bytes each the bits from `shift` on that the mask keeps.
template <class Word>
WAFER_FORCE_INLINE void shifted_words(stored_rows rows, int shift, std::uint32_t mask, Word (&w)[8]) noexcept {
    load_8_words(rows, w);
    WAFER_UNROLL
    for (auto& word : w) word = word >> shift & mask;
}

// The same bits as the next higher ones of codes that are `bits` wide.
template <class Word>
WAFER_FORCE_INLINE void add_shifted_words(stored_rows rows, int shift, std::uint32_t mask, int bits,
                                          Word (&w)[8]) noexcept {
    Word high[8];
    shifted_words(rows, shift, mask, high);
    WAFER_UNROLL
    for (std::size_t g = 0; g < 8; ++g) w[g] |= high[g] << bits;
}

// Bit i of 32 as bit 4 of code i: a multiplication spreads 4 neighbouring bits over 4 bytes.
template <class Word>
WAFER_FORCE_INLINE void add_fifth_bit_words(stored_rows rows, Word (&w)[8]) noexcept {
    Word bits{};
    load_word(rows, bits);
    WAFER_UNROLL
    for (int g = 0; g < 8; ++g) w[g] |= ((bits >> 4 * g & 15u) * 0x00204081u & low_bits) << 4;
}

// Ternary digit n of each byte: times 3^n the digits before it leave at the top, times 3 it is bits 8 and 9.
template <class Word>
WAFER_FORCE_INLINE Word ternary_digit(Word bytes, int n) noexcept {
    constexpr std::uint32_t power[5] = {1, 3, 9, 27, 81}, even = 0x00ff00ff, digits = 0x00030003;
    const auto digit = [&](Word pairs) { return ((pairs & even) * power[n] & even) * 3u >> 8 & digits; };
    return digit(bytes) | digit(bytes >> 8) << 8;
}

/// The codes of elements 32 s .. 32 s + 31 of the block that each row has at `b`.
template <class Block, class Word>
WAFER_FORCE_INLINE void code_words(stored_rows b, std::size_t s, Word (&w)[8]) noexcept {
    const int step = static_cast<int>(s);
    if constexpr (Block::type == dtype::q8_0) {
        load_8_words(b + offsetof(Block, values), w);
        WAFER_UNROLL
        for (auto& word : w) word ^= 0x80808080u;
    } else if constexpr (Block::type == dtype::q5_0 || Block::type == dtype::q5_1) {
        nibble_words(b + offsetof(Block, low), w);
        add_fifth_bit_words(b + offsetof(Block, high), w);
    } else if constexpr (Block::type == dtype::q2_k || Block::type == dtype::tq2_0) {
        shifted_words(b + offsetof(Block, low) + s / 4 * 32, step % 4 * 2, low_pairs, w);
    } else if constexpr (Block::type == dtype::q3_k) {
        shifted_words(b + offsetof(Block, low) + s / 4 * 32, step % 4 * 2, low_pairs, w);
        add_shifted_words(b + offsetof(Block, high), step, low_bits, 2, w);
    } else if constexpr (Block::type == dtype::q4_k) {
        shifted_words(b + offsetof(Block, low) + s / 2 * 32, step % 2 * 4, low_nibbles, w);
    } else if constexpr (Block::type == dtype::q5_k) {
        shifted_words(b + offsetof(Block, low) + s / 2 * 32, step % 2 * 4, low_nibbles, w);
        add_shifted_words(b + offsetof(Block, high), step, low_bits, 4, w);
    } else if constexpr (Block::type == dtype::q6_k) {
        shifted_words(b + offsetof(Block, low) + s / 4 * 64 + s % 2 * 32, step % 4 / 2 * 4, low_nibbles, w);
        add_shifted_words(b + offsetof(Block, high) + s / 4 * 32, step % 4 * 2, low_pairs, 4, w);
    } else if constexpr (Block::type == dtype::tq1_0) {
        // 32 bytes of five digits, 16 bytes of five, 4 bytes of four.
        const auto digits = b + offsetof(Block, digits);
        const int n = s < 5 ? step : 2 * (step - 5);
        load_4_words(digits + (s < 5 ? 0 : 32), w);
        if (s < 5) load_4_words(digits + 16, w + 4);
        Word last{};
        if (s == 7) load_word(b + offsetof(Block, last), last);
        WAFER_UNROLL
        for (std::size_t g = 0; g < 4; ++g) {
            w[g + 4] = s < 5   ? ternary_digit(w[g + 4], n)
                       : s < 7 ? ternary_digit(w[g], n + 1)
                               : ternary_digit(last, static_cast<int>(g));
            w[g] = ternary_digit(w[g], n);
        }
    } else {
        nibble_words(b + offsetof(Block, low) + 16 * s, w);
    }
}

}  // namespace wafer::inline WAFER_ABI::detail

// SPDX-License-Identifier: MIT
// Rows of a KV cache: storing them, and sums of them with weights (the value half of attention).

// Bytes of n stored elements before the block of element `at`; n and at are multiples of 32 for q8_0.
template <dtype D>
WAFER_FORCE_INLINE std::size_t offset_of(std::size_t at) noexcept {
    return D == dtype::q8_0 ? at / 32 * 34 : at * (D == dtype::f32 ? 4 : 2);
}

// `width` elements from element `at` of a row; q8_0: the codes alone, their scale is separate.
template <dtype D>
WAFER_FORCE_INLINE vf load_element(const std::byte* row, std::size_t at) noexcept {
    if constexpr (D == dtype::f32) return as_float(load_bits(row + 4 * at));
    else if constexpr (D == dtype::f16) return load_f16(row + 2 * at);
    else if constexpr (D == dtype::bf16) return as_float(shift_left<16>(load_u16(row + 2 * at)));
    else return to_float(load_i8(row + at / 32 * 34 + 2 + at % 32));
}

template <dtype D>
WAFER_FORCE_INLINE float block_scale(const std::byte* row, std::size_t at) noexcept {
    std::byte lanes[2 * width] = {};
    __builtin_memcpy(lanes, row + at / 32 * 34, 2);
    float out[width];
    store(out, load_f16(lanes));
    return out[0];
}

// out(t, at .. at + 32) += sum_i p(t, i) V(i, at .. at + 32) for Tokens tokens.
template <dtype D, std::size_t Tokens>
inline void weighted_block(const float* const* p, const std::byte* v, std::size_t row_stride, std::size_t n,
                           std::size_t at, float* const* out) noexcept {
    constexpr std::size_t vectors = 32 / width;
    vf acc[Tokens][vectors];
    WAFER_UNROLL
    for (std::size_t t = 0; t < Tokens; ++t) {
        WAFER_UNROLL
        for (std::size_t j = 0; j < vectors; ++j) acc[t][j] = load(out[t] + at + j * width);
    }
    for (std::size_t i = 0; i < n; ++i, v += row_stride) {
        vf w[Tokens];
        const float scale = D == dtype::q8_0 ? block_scale<D>(v, at) : 1.0f;
        WAFER_UNROLL
        for (std::size_t t = 0; t < Tokens; ++t) w[t] = set(D == dtype::q8_0 ? p[t][i] * scale : p[t][i]);
        WAFER_UNROLL
        for (std::size_t j = 0; j < vectors; ++j) {
            const vf value = load_element<D>(v, at + j * width);
            WAFER_UNROLL
            for (std::size_t t = 0; t < Tokens; ++t) acc[t][j] = fma(w[t], value, acc[t][j]);
        }
    }
    WAFER_UNROLL
    for (std::size_t t = 0; t < Tokens; ++t) {
        WAFER_UNROLL
        for (std::size_t j = 0; j < vectors; ++j) store(out[t] + at + j * width, acc[t][j]);
    }
}

// The last d % 32 elements, one row at a time: float types only.
template <dtype D>
inline void weighted_rest(const float* p, const std::byte* v, std::size_t row_stride, std::size_t n, std::size_t at,
                          std::size_t d, float* out) noexcept {
    constexpr std::size_t bytes = D == dtype::f32 ? 4 : 2;
    for (; at < d; at += width) {
        const std::size_t count = d - at < width ? d - at : width;
        vf acc = load_some(out + at, count);
        for (std::size_t i = 0; i < n; ++i) {
            std::byte lanes[bytes * width] = {};
            for (std::size_t b = 0; b < bytes * count; ++b) lanes[b] = v[i * row_stride + bytes * at + b];
            acc = fma(set(p[i]), load_element<D>(lanes, 0), acc);
        }
        store_some(out + at, count, acc);
    }
}

template <dtype D>
inline void weighted_rows_of(const float* p, std::size_t ld_p, std::size_t n_tok, const std::byte* v,
                             std::size_t row_stride, std::size_t n, std::size_t d, float* out,
                             std::size_t ld_out) noexcept {
    constexpr std::size_t tile = tile_tokens / 2;
    const std::size_t whole = d / 32 * 32;
    for (std::size_t t = 0; t < n_tok;) {
        const bool full = n_tok - t >= tile;
        const float* ps[tile];
        float* outs[tile];
        for (std::size_t i = 0; i < tile; ++i) {
            ps[i] = p + (t + (full ? i : 0)) * ld_p;
            outs[i] = out + (t + (full ? i : 0)) * ld_out;
        }
        for (std::size_t at = 0; at < whole; at += 32) {
            if (full) weighted_block<D, tile>(ps, v, row_stride, n, at, outs);
            else weighted_block<D, 1>(ps, v, row_stride, n, at, outs);
        }
        const std::size_t done = full ? tile : 1;
        if constexpr (D != dtype::q8_0) {
            if (whole < d)
                for (std::size_t i = 0; i < done; ++i) weighted_rest<D>(ps[i], v, row_stride, n, whole, d, outs[i]);
        }
        t += done;
    }
}

template <dtype D>
inline void store_row_of(const float* x, std::size_t n, std::byte* out) noexcept {
    if constexpr (D == dtype::f32) {
        __builtin_memcpy(out, x, 4 * n);
    } else if constexpr (D == dtype::f16) {
        std::size_t i = 0;
        for (; i + width <= n; i += width) store_f16(out + 2 * i, load(x + i));
        if (i < n) {
            std::byte lanes[2 * width];
            store_f16(lanes, load_some(x + i, n - i));
            __builtin_memcpy(out + 2 * i, lanes, 2 * (n - i));
        }
    } else if constexpr (D == dtype::bf16) {
        for (std::size_t i = 0; i < n; ++i) {
            std::uint32_t bits;
            __builtin_memcpy(&bits, x + i, 4);
            const bool nan = (bits & 0x7fffffffu) > 0x7f800000u;
            bits = nan ? bits >> 16 | 0x40u : (bits + 0x7fffu + (bits >> 16 & 1u)) >> 16;  // ties to even
            const auto half = static_cast<std::uint16_t>(bits);
            __builtin_memcpy(out + 2 * i, &half, 2);
        }
    } else {
        for (std::size_t i = 0; i < n; i += 32, out += 34) {
            std::int8_t q[32];
            float scale;
            std::int32_t sum[2];
            quantize_row(x + i, 32, q, &scale, sum);
            std::byte lanes[2 * width];
            store_f16(lanes, set(scale));
            __builtin_memcpy(out, lanes, 2);
            __builtin_memcpy(out + 2, q, 32);
        }
    }
}

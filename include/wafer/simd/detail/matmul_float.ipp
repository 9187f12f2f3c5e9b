// SPDX-License-Identifier: MIT
// matmul over packed panels of f32, f16 and bf16: products of floats, summed in the order of k. Where WAFER_SIMD_BF16 is
// defined the CPU multiplies pairs of bf16, and activations are rounded to bf16 for it.

inline constexpr std::size_t float_piece = 1024;  // elements of k whose weights and activations stay in cache
inline constexpr std::size_t float_group = 8;     // panels that share them

// What one step along k needs of a token: its activation, or a pair of them.
#ifdef WAFER_SIMD_BF16
using float_feed = std::uint32_t;
#else
using float_feed = float;
#endif

// acc += `width` rows of one step along k times each token's activations there.
template <dtype D, std::size_t Tokens>
WAFER_FORCE_INLINE void multiply_step(const std::byte* w, const float_feed* const* x, std::size_t i,
                                      [[maybe_unused]] bool both, vf (*acc)[groups], std::size_t g) noexcept {
#ifdef WAFER_SIMD_BF16
    WAFER_UNROLL
    for (std::size_t t = 0; t < Tokens; ++t) acc[t][g] = dot_pairs(load_bits(w), x[t][i / 2], acc[t][g]);
#else
    if constexpr (D == dtype::bf16) {
        const vi pair = load_bits(w);
        const vf low = as_float(shift_left<16>(pair)), high = as_float(bit_and(pair, set(std::int32_t(0xffff0000))));
        WAFER_UNROLL
        for (std::size_t t = 0; t < Tokens; ++t) {
            acc[t][g] = fma(low, set(x[t][i]), acc[t][g]);
            if (both) acc[t][g] = fma(high, set(x[t][i + 1]), acc[t][g]);
        }
    } else {
        const vf row = D == dtype::f32 ? as_float(load_bits(w)) : load_f16(w);
        WAFER_UNROLL
        for (std::size_t t = 0; t < Tokens; ++t) acc[t][g] = fma(row, set(x[t][i]), acc[t][g]);
    }
#endif
}

// y += a piece of k of Panels x Tokens tiles, all in registers; y = it, where the piece is the first.
template <dtype D, std::size_t Panels, std::size_t Tokens>
inline void float_tile(const std::byte* panel, std::size_t stride, std::size_t n, bool first,
                       const float_feed* const* x, float* const* y) noexcept {
    constexpr std::size_t per_step = D == dtype::bf16 ? 2 : 1;
    constexpr std::size_t step_bytes = D == dtype::f16 ? 32 : 64;
    constexpr std::size_t lane_bytes = step_bytes / 16;
    vf acc[Panels][Tokens][groups];
    WAFER_UNROLL
    for (std::size_t p = 0; p < Panels; ++p) {
        WAFER_UNROLL
        for (std::size_t t = 0; t < Tokens; ++t) {
            WAFER_UNROLL
            for (std::size_t g = 0; g < groups; ++g) acc[p][t][g] = first ? set(0.0f) : load(y[t] + 16 * p + g * width);
        }
    }
    for (std::size_t i = 0; i < n; i += per_step, panel += step_bytes) {
        WAFER_UNROLL
        for (std::size_t p = 0; p < Panels; ++p) {
            WAFER_UNROLL
            for (std::size_t g = 0; g < groups; ++g)
                multiply_step<D, Tokens>(panel + p * stride + lane_bytes * g * width, x, i, i + 1 < n, acc[p], g);
        }
    }
    WAFER_UNROLL
    for (std::size_t p = 0; p < Panels; ++p) {
        WAFER_UNROLL
        for (std::size_t t = 0; t < Tokens; ++t) {
            WAFER_UNROLL
            for (std::size_t g = 0; g < groups; ++g) store(y[t] + 16 * p + g * width, acc[p][t][g]);
        }
    }
}

// One piece of k of some panels times up to tile_tokens tokens, from token `t` on.
template <dtype D>
inline void float_piece_of(const std::byte* panels, std::size_t n_panels, std::size_t stride, std::size_t at,
                           std::size_t k, const activations& x, std::size_t t, std::size_t n_tok, float* y,
                           std::size_t ld_y) noexcept {
    constexpr std::size_t together = 4;  // panels that keep one token's chains of fma from waiting for each other
    const std::size_t n = k - at < float_piece ? k - at : float_piece;
    const float_feed* xs[tile_tokens];
    float* ys[tile_tokens];
    float unused[16];
#ifdef WAFER_SIMD_BF16
    alignas(64) std::uint32_t pairs[tile_tokens][float_piece / 2];
    for (std::size_t i = 0; i < n_tok; ++i) round_to_pairs(x.x + (t + i) * x.ld + at, n, pairs[i]);
#endif
    for (std::size_t i = 0; i < tile_tokens; ++i) {  // a part tile repeats its last token
        const std::size_t token = i < n_tok ? i : n_tok - 1;
#ifdef WAFER_SIMD_BF16
        xs[i] = pairs[token];
#else
        xs[i] = x.x + (t + token) * x.ld + at;
#endif
        ys[i] = i < n_tok ? y + (t + i) * ld_y : unused;
    }
    std::size_t p = 0;
    if (n_tok == 1) {
        for (; p + together <= n_panels; p += together, ys[0] += 16 * together)
            float_tile<D, together, 1>(panels + p * stride, stride, n, at == 0, xs, ys);
        for (; p < n_panels; ++p, ys[0] += 16) float_tile<D, 1, 1>(panels + p * stride, stride, n, at == 0, xs, ys);
    } else {
        for (; p < n_panels; ++p) {
            float_tile<D, 1, tile_tokens>(panels + p * stride, stride, n, at == 0, xs, ys);
            for (std::size_t i = 0; i < n_tok; ++i) ys[i] += 16;
        }
    }
}

template <dtype D>
inline void matmul_float(const std::byte* panels, std::size_t n_panels, std::size_t k, const activations& x,
                         std::size_t n_tok, float* y, std::size_t ld_y) noexcept {
    constexpr std::size_t piece_bytes = float_piece * (D == dtype::f32 ? 64 : 32);
    const std::size_t bytes = panel_bytes(D, k);
    for (std::size_t p = 0; p < n_panels; p += float_group) {
        const std::size_t some = n_panels - p < float_group ? n_panels - p : float_group;
        const std::byte* from = panels + p * bytes;
        for (std::size_t at = 0; at < k; at += float_piece, from += piece_bytes)
            for (std::size_t t = 0; t < n_tok; t += tile_tokens)
                float_piece_of<D>(from, some, bytes, at, k, x, t, n_tok - t < tile_tokens ? n_tok - t : tile_tokens,
                                  y + 16 * p, ld_y);
    }
}

// SPDX-License-Identifier: MIT
// matmul over packed panels of f32, f16 and bf16: products of floats, summed in the order of k.

// `width` rows of k-step i: one weight each, or the pair of a bf16 panel.
template <dtype D>
WAFER_FORCE_INLINE void load_weights(const std::byte* p, vf* w) noexcept {
    if constexpr (D == dtype::f32) {
        w[0] = as_float(load_bits(p));
    } else if constexpr (D == dtype::f16) {
        w[0] = load_f16(p);
    } else {
        const vi pair = load_bits(p);
        w[0] = as_float(shift_left<16>(pair));
        w[1] = as_float(bit_and(pair, set(std::int32_t(0xffff0000))));
    }
}

// Panels x Tokens tiles of y, all in registers. x holds Tokens pointers.
template <dtype D, std::size_t Panels, std::size_t Tokens>
inline void float_tile(const std::byte* panel, std::size_t stride, std::size_t k, const float* const* x,
                       float* const* y) noexcept {
    constexpr std::size_t per_step = D == dtype::bf16 ? 2 : 1;
    constexpr std::size_t step_bytes = D == dtype::f16 ? 32 : 64;
    constexpr std::size_t lane_bytes = step_bytes / 16;
    vf acc[Panels][Tokens][groups];
    WAFER_UNROLL
    for (std::size_t p = 0; p < Panels; ++p) {
        WAFER_UNROLL
        for (std::size_t t = 0; t < Tokens; ++t) {
            WAFER_UNROLL
            for (std::size_t g = 0; g < groups; ++g) acc[p][t][g] = set(0.0f);
        }
    }
    for (std::size_t i = 0; i < k; i += per_step, panel += step_bytes) {
        WAFER_UNROLL
        for (std::size_t p = 0; p < Panels; ++p) {
            WAFER_UNROLL
            for (std::size_t g = 0; g < groups; ++g) {
                vf w[per_step];
                load_weights<D>(panel + p * stride + lane_bytes * g * width, w);
                WAFER_UNROLL
                for (std::size_t t = 0; t < Tokens; ++t) {
                    acc[p][t][g] = fma(w[0], set(x[t][i]), acc[p][t][g]);
                    if constexpr (per_step == 2) {
                        if (i + 1 < k) acc[p][t][g] = fma(w[1], set(x[t][i + 1]), acc[p][t][g]);
                    }
                }
            }
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

template <dtype D>
inline void matmul_float(const std::byte* panels, std::size_t n_panels, std::size_t k, const activations& x,
                         std::size_t n_tok, float* y, std::size_t ld_y) noexcept {
    constexpr std::size_t together = 4;  // panels that keep one token's chains of fma from waiting for each other
    const std::size_t bytes = panel_bytes(D, k);
    for (std::size_t t = 0; t < n_tok;) {
        const float* xs[tile_tokens];
        float* ys[tile_tokens];
        float unused[16];
        const std::size_t n = n_tok - t < tile_tokens ? n_tok - t : tile_tokens;
        for (std::size_t i = 0; i < tile_tokens; ++i) {  // a part tile repeats its last token
            xs[i] = x.x + (t + (i < n ? i : n - 1)) * x.ld;
            ys[i] = i < n ? y + (t + i) * ld_y : unused;
        }
        std::size_t p = 0;
        if (n == 1) {
            for (; p + together <= n_panels; p += together, ys[0] += 16 * together)
                float_tile<D, together, 1>(panels + p * bytes, bytes, k, xs, ys);
            for (; p < n_panels; ++p, ys[0] += 16) float_tile<D, 1, 1>(panels + p * bytes, bytes, k, xs, ys);
        } else {
            for (; p < n_panels; ++p) {
                float_tile<D, 1, tile_tokens>(panels + p * bytes, bytes, k, xs, ys);
                for (std::size_t i = 0; i < n; ++i) ys[i] += 16;
            }
        }
        t += n;
    }
}

// SPDX-License-Identifier: MIT
// L1 simd: the interface between the house and its per-target code: a table of plain functions over raw pointers.
// Everything above calls these; nothing above is compiled per target.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include <wafer/core/config.hpp>
#include <wafer/core/dtype.hpp>

namespace wafer::inline WAFER_ABI::simd {

/// Instruction sets with kernels of their own, worst to best.
enum class target : std::uint8_t { static_target, avx2, avx512 };

/// Rows per panel. A panel interleaves this many rows of a matrix so that one activation feeds all of them at once and
/// no horizontal sum is needed. The packed bytes are the same for every target (layout: simd/panel.hpp).
inline constexpr std::size_t panel_rows = 16;

/// Elements that share one activation scale.
inline constexpr std::size_t activation_block = 32;

/// A batch of activations (n_tok, k), row-major, row stride `ld` elements, in the forms that weights multiply with.
/// Float weights read x (and bf16 weights round it to bf16, to nearest even, where the features say bf16); blocked weights
/// read q, scale and sum, as quantize() wrote them.
struct activations {
    const float* x = nullptr;
    const std::int8_t* q = nullptr;     // (n_tok, ld)
    const float* scale = nullptr;       // (n_tok, ld / 32)   x = scale * q
    const std::int32_t* sum = nullptr;  // (n_tok, ld / 16)   sums of 16 consecutive q
    std::size_t ld = 0;                 // multiple of 32

    /// The same from token t on.
    [[nodiscard]] activations from(std::size_t t) const noexcept {
        const auto at = [&](const auto* rows, std::size_t stride) {
            return rows == nullptr ? rows : rows + t * stride;
        };
        return {at(x, ld), at(q, ld), at(scale, ld / 32), at(sum, ld / 16), ld};
    }
};

/// One target's kernels. Shapes are row-major; n, k, d count elements. Nothing throws, allocates or keeps state.
/// The order of every sum depends on k (or n) alone, never on n_tok or n_panels: a batch gives each token the very bits
/// that the token alone would get.
struct kernel_table {
    target id;
    std::string_view name;      // "static", "avx2", "avx512"
    std::string_view features;  // what is in use, for reports: "avx512 vnni bf16"

    /// y[t * ld_y + r] = sum_k W(r, k) x(t, k), r in [0, 16 n_panels), for weights packed as panels of this dtype.
    /// y must have room for whole panels.
    using matmul_fn = void (*)(const std::byte* panels, std::size_t n_panels, std::size_t k, const activations& x,
                               std::size_t n_tok, float* y, std::size_t ld_y) noexcept;
    matmul_fn matmul[dtype_count];

    /// q = round(x / scale), scale = max|x| / 127 per 32 elements; zero-fills up to round_up(k, 32).
    void (*quantize)(const float* x, std::size_t k, std::int8_t* q, float* scale, std::int32_t* sum) noexcept;

    /// y = x / sqrt(mean(x^2) + eps) * weight.  y may be x.
    void (*rms_norm)(const float* x, const float* weight, std::size_t n, float eps, float* y) noexcept;
    /// y += x
    void (*add)(float* y, const float* x, std::size_t n) noexcept;
    /// y += a * x
    void (*add_scaled)(float* y, const float* x, float a, std::size_t n) noexcept;
    /// y *= a
    void (*scale)(float* y, float a, std::size_t n) noexcept;
    /// y = silu(gate) * up, silu(v) = v / (1 + exp(-v)).  y may be gate.
    void (*swiglu)(const float* gate, const float* up, std::size_t n, float* y) noexcept;
    /// Rotates pairs of x by the angles whose cosines and sines are given (n_pairs each).
    /// rope_interleaved: pairs (2i, 2i+1); rope_half: pairs (i, i + n_pairs).
    void (*rope_interleaved)(float* x, const float* cosines, const float* sines, std::size_t n_pairs) noexcept;
    void (*rope_half)(float* x, const float* cosines, const float* sines, std::size_t n_pairs) noexcept;
    /// max_i x_i; n > 0.
    float (*max)(const float* x, std::size_t n) noexcept;
    /// x = exp(x - max) in place; returns the sum.
    float (*exp_sum)(float* x, std::size_t n, float max) noexcept;
    /// out(t, :) += sum_i p(t, i) V(i, :) for n_tok weight rows p (stride ld_p) over n rows of V (d elements of `type`,
    /// stride row_stride bytes); out has stride ld_out. Only f32, f16, bf16 and q8_0 rows, the types a KV cache may have.
    using weighted_rows_fn = void (*)(const float* p, std::size_t ld_p, std::size_t n_tok, const std::byte* v,
                                      std::size_t row_stride, std::size_t n, std::size_t d, float* out,
                                      std::size_t ld_out) noexcept;
    weighted_rows_fn weighted_rows[dtype_count];  // null where a type is not supported
    /// Stores n floats as a row of the type (q8_0: n multiple of 32).
    using store_row_fn = void (*)(const float* x, std::size_t n, std::byte* out) noexcept;
    store_row_fn store_row[dtype_count];  // null where a type is not supported
};

}  // namespace wafer::inline WAFER_ABI::simd

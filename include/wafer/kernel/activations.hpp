// SPDX-License-Identifier: MIT
// L6 kernel: activations of a batch in the forms that weights multiply with, and the norm that makes them.
#pragma once

#include <cstddef>
#include <cstdint>

#include <wafer/core/bits.hpp>
#include <wafer/core/config.hpp>
#include <wafer/core/dtype.hpp>
#include <wafer/exec/context.hpp>
#include <wafer/simd/kernel_table.hpp>
#include <wafer/sram/resident.hpp>

namespace wafer::inline WAFER_ABI {

/// Rows of activations are padded to whole grains, so that kernels may write whole panels.
[[nodiscard]] constexpr std::size_t padded(std::size_t n) noexcept { return round_up(n, grain_rows); }

/// A batch of activations (n_tok, width), row-major, row stride padded(width), in float32 and, where blocked weights will
/// read it, quantised to 8 bits beside it.
struct activation_batch {
    float* x = nullptr;
    std::int8_t* q = nullptr;
    float* scale = nullptr;
    std::int32_t* sum = nullptr;
    std::size_t n_tok = 0;
    std::size_t width = 0;

    [[nodiscard]] std::size_t ld() const noexcept { return padded(width); }
    [[nodiscard]] float* row(std::size_t t) const noexcept { return x + t * ld(); }

    /// Rows from t on, as the kernel table reads them.
    [[nodiscard]] simd::activations from(std::size_t t) const noexcept {
        const std::size_t at = t * ld();
        if (q == nullptr) return {x + at, nullptr, nullptr, nullptr, ld()};
        return {x + at, q + at, scale + at / 32, sum + at / 16, ld()};
    }
    /// Quantises elements [begin, end) of row t from x. @pre begin is a multiple of 32, and end too or the width.
    void quantize(const simd::kernel_table& kernels, std::size_t t, std::size_t begin, std::size_t end) const noexcept {
        const std::size_t at = t * ld() + begin;
        kernels.quantize(x + at, end - begin, q + at, scale + at / 32, sum + at / 16);
    }
};

/// Takes a batch's memory from scratch. `quantised`: whether blocked weights will read it.
template <class Context>
[[nodiscard]] activation_batch take_batch(Context& ctx, std::size_t n_tok, std::size_t width, bool quantised) noexcept {
    activation_batch b{.n_tok = n_tok, .width = width};
    const std::size_t n = n_tok * b.ld();
    b.x = ctx.scratch().template take<float>(n);
    if (quantised) {
        b.q = ctx.scratch().template take<std::int8_t>(n);
        b.scale = ctx.scratch().template take<float>(n / 32);
        b.sum = ctx.scratch().template take<std::int32_t>(n / 16);
    }
    return b;
}

/// Whether any of these weights multiplies with quantised activations.
template <class... Matrix>
[[nodiscard]] constexpr bool any_blocked(const Matrix&... m) noexcept {
    return ((m && !is_float(m.type)) || ...);
}

/// Quantises a batch whose x is complete, if blocked weights will read it. Part of the step that made x: not reported alone.
template <class Context>
void quantize(Context& ctx, const activation_batch& b) noexcept {
    if constexpr (Context::computes) {
        if (b.q == nullptr) return;
        ctx.split(b.n_tok, b.width, [&](std::size_t begin, std::size_t end) {
            for (std::size_t t = begin; t < end; ++t) b.quantize(ctx.kernels(), t, 0, b.width);
        });
    }
}

/// y[t,:] = x[t,:] / sqrt(mean(x[t,:]^2) + eps) * weight, then quantised if y has room for it.
/// Shapes: x (n_tok, d_model) with stride padded(d_model), weight (d_model), y like x.
/// Accumulates in f32; @cite Zhang & Sennrich 2019, "Root Mean Square Layer Normalization", eq. 4.
template <class Context>
void rms_norm(Context& ctx, const float* x, resident_vector weight, float eps, const activation_batch& y) noexcept {
    [[maybe_unused]] const auto metered = ctx.measure([&] {
        const std::uint64_t n = y.n_tok * y.width;
        return work{.kind = op::norm,
                    .n_tok = y.n_tok,
                    .arithmetic = flops(4 * n),
                    .weights = bytes(weight.size_bytes()),
                    .activations = bytes(n * 2 * sizeof(float)),
                    .outputs = y.width,
                    .inputs = y.width,
                    .resident = bytes(weight.size_bytes())};
    });
    if constexpr (Context::computes) {
        ctx.split(y.n_tok, y.width * 2, [&](std::size_t begin, std::size_t end) {
            for (std::size_t t = begin; t < end; ++t) {
                ctx.kernels().rms_norm(x + t * y.ld(), weight.data(), y.width, eps, y.row(t));
                if (y.q != nullptr) y.quantize(ctx.kernels(), t, 0, y.width);
            }
        });
    }
}

}  // namespace wafer::inline WAFER_ABI

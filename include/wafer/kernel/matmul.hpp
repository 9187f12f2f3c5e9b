// SPDX-License-Identifier: MIT
// L6 kernel: y = W x over resident panels. Each worker multiplies with the tiles it owns, and with no others.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include <wafer/core/config.hpp>
#include <wafer/cost/work.hpp>
#include <wafer/exec/context.hpp>
#include <wafer/kernel/activations.hpp>
#include <wafer/sram/resident.hpp>

namespace wafer::inline WAFER_ABI {

/// The rows of W that worker `worker` of `workers` owns: part(const matrix_part&) for each of its tiles.
template <class Body>
void for_owned_parts(const resident_matrix& w, std::size_t worker, std::size_t workers, Body&& body) noexcept {
    for (const auto& part : w.parts)
        if (part.tile % workers == worker && part.n_rows != 0) body(part);
}

/// y[t, r] = sum_k W[r, k] x[t, k] (+ bias[r]) for the rows of one part and tokens [0, n_tok).
/// y is the whole output's row 0, stride ld_y; rows land at their own place in it. Strip by strip and some tokens at a time, so
/// that a stop takes effect within milliseconds.
template <class Context>
void multiply_part(const Context& ctx, const resident_matrix& w, const matrix_part& part, const simd::activations& x,
                   std::size_t n_tok, resident_vector bias, float* y, std::size_t ld_y) noexcept {
    constexpr std::size_t strip = 32, most = 256;  // panels, tokens
    const auto& kernels = ctx.kernels();
    const std::size_t n_panels = ceil_div(part.n_rows, simd::panel_rows), panel = simd::panel_bytes(w.type, w.cols);
    for (std::size_t at = 0; at < n_panels; at += strip)
        for (std::size_t t = 0; t < n_tok && !ctx.stopped(); t += most)
            kernels.matmul[static_cast<std::size_t>(w.type)](
                part.panels + at * panel, std::min(strip, n_panels - at), w.cols, x.from(t), std::min(most, n_tok - t),
                y + t * ld_y + part.first_row + at * simd::panel_rows, ld_y);
    if (bias.empty()) return;
    for (std::size_t t = 0; t < n_tok && !ctx.stopped(); ++t)
        kernels.add(y + t * ld_y + part.first_row, bias.data() + part.first_row, part.n_rows);
}

/// The work of products that share their input, for reports.
[[nodiscard]] inline work product_work(op kind, std::size_t n_tok, std::span<const resident_matrix> weights) noexcept {
    work w{.kind = kind, .n_tok = n_tok};
    for (const auto& m : weights) {
        w.arithmetic += flops(2 * std::uint64_t{n_tok} * m.weights());
        w.weights += m.stored();
        w.outputs += m.rows;
        w.inputs = m.cols;
    }
    w.activations = bytes((w.outputs + w.inputs) * n_tok * sizeof(float));
    w.resident = w.weights;
    return w;
}

/// One product of a matmul: where W x goes.
struct product {
    resident_matrix w;
    resident_vector bias;       // empty: none
    const activation_batch* y;  // (n_tok, w.rows)
};

/// y = W x + bias for several W that share x, as one job.
/// Shapes: x (n_tok, d_in); each W (d_out, d_in); each y (n_tok, d_out).
/// Accumulates in f32 over k in order; blocked weights multiply exactly in integers within 32 elements, after x was
/// quantised to 8 bits (relative error of x at most 1/254 of each block's maximum).
template <class Context, std::size_t N>
void matmul(Context& ctx, op kind, const activation_batch& x, const product (&products)[N]) noexcept {
    [[maybe_unused]] const auto metered = ctx.measure([&] {
        resident_matrix weights[N];
        for (std::size_t i = 0; i < N; ++i) weights[i] = products[i].w;
        return product_work(kind, x.n_tok, weights);
    });
    if constexpr (Context::computes) {
        ctx.run([&](std::size_t worker) {
            for (const auto& p : products)
                for_owned_parts(p.w, worker, ctx.workers(), [&](const matrix_part& part) {
                    multiply_part(ctx, p.w, part, x.from(0), x.n_tok, p.bias, p.y->x, p.y->ld());
                });
        });
    }
}

/// residual += W x + bias, the end of an attention or feed-forward block.
/// Shapes: x (n_tok, d_in), W (d_model, d_in), residual (n_tok, d_model) with stride padded(d_model).
template <class Context>
void matmul_add(Context& ctx, op kind, const activation_batch& x, const resident_matrix& w, resident_vector bias,
                float* residual) noexcept {
    [[maybe_unused]] const auto metered = ctx.measure([&] { return product_work(kind, x.n_tok, std::span(&w, 1)); });
    const scratch::frame frame(ctx.scratch());
    const auto y = take_batch(ctx, x.n_tok, w.rows, false);
    if constexpr (Context::computes) {
        ctx.run([&](std::size_t worker) {
            for_owned_parts(w, worker, ctx.workers(), [&](const matrix_part& part) {
                multiply_part(ctx, w, part, x.from(0), x.n_tok, bias, y.x, y.ld());
                for (std::size_t t = 0; t < x.n_tok && !ctx.stopped(); ++t)
                    ctx.kernels().add(residual + t * y.ld() + part.first_row, y.row(t) + part.first_row, part.n_rows);
            });
        });
    }
}

}  // namespace wafer::inline WAFER_ABI

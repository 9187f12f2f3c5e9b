// SPDX-License-Identifier: MIT
// L6 kernel: the gated feed-forward network, dense and as a mixture of experts.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

#include <wafer/core/config.hpp>
#include <wafer/exec/context.hpp>
#include <wafer/kernel/activations.hpp>
#include <wafer/kernel/matmul.hpp>
#include <wafer/kernel/route.hpp>
#include <wafer/sram/resident.hpp>

namespace wafer::inline WAFER_ABI {

/// The three matrices of a gated feed-forward network: gate, up (d_ff, d_model) and down (d_model, d_ff), with biases where the
/// model has some. Gate and up have the same shape and layer, so that every placement deals them alike: whoever owns a row of
/// one owns it of the other.
struct feed_forward_weights {
    resident_matrix gate, up, down;
    resident_vector gate_bias{}, up_bias{}, down_bias{};
};

namespace detail {

/// h[t, r] = silu(gate[r, :] . x[t, :] + gate_bias[r]) * (up[r, :] . x[t, :] + up_bias[r]) for the rows that `worker` owns,
/// quantised if h has room.
/// x and h begin at the batch's first token; `other` is memory like h.
template <class Context>
void gated_up(const Context& ctx, const feed_forward_weights& w, std::size_t worker, const simd::activations& x,
              std::size_t n_tok, const activation_batch& h, std::size_t first, float* other) noexcept {
    const auto& kernels = ctx.kernels();
    for (std::size_t i = 0; i < w.gate.parts.size(); ++i) {
        const matrix_part& part = w.gate.parts[i];
        if (part.tile % ctx.workers() != worker || part.n_rows == 0) continue;
        multiply_part(ctx, w.gate, part, x, n_tok, w.gate_bias, h.row(first), h.ld());
        multiply_part(ctx, w.up, w.up.parts[i], x, n_tok, w.up_bias, other + first * h.ld(), h.ld());
        for (std::size_t t = first; t < first + n_tok && !ctx.stopped(); ++t) {
            float* const mine = h.row(t) + part.first_row;
            kernels.swiglu(mine, other + t * h.ld() + part.first_row, part.n_rows, mine);
            if (h.q != nullptr) h.quantize(kernels, t, part.first_row, part.first_row + part.n_rows);
        }
    }
}

}  // namespace detail

/// residual += down(silu(gate x + gate_bias) * (up x + up_bias)) + down_bias.
/// Shapes: x (n_tok, d_model), residual (n_tok, d_model) with stride padded(d_model).
/// @cite Shazeer 2020, "GLU Variants Improve Transformer", eq. 6 (SwiGLU)
template <class Context>
void feed_forward(Context& ctx, const feed_forward_weights& w, const activation_batch& x, float* residual) noexcept {
    const scratch::frame frame(ctx.scratch());
    const auto h = take_batch(ctx, x.n_tok, w.gate.rows, any_blocked(w.down));
    float* const other = ctx.scratch().template take<float>(x.n_tok * h.ld());
    {
        [[maybe_unused]] const auto metered = ctx.measure([&] {
            const resident_matrix both[] = {w.gate, w.up};
            return product_work(op::ffn_up, x.n_tok, both);
        });
        if constexpr (Context::computes)
            ctx.run([&](std::size_t worker) { detail::gated_up(ctx, w, worker, x.from(0), x.n_tok, h, 0, other); });
    }
    matmul_add(ctx, op::ffn_down, h, w.down, w.down_bias, residual);
}

namespace detail {

/// The work of one product over the experts that a batch chose. Without a routing (phantom) the expected number of distinct
/// experts of a uniform choice, E (1 - (1 - k/E)^n), and the least that the busiest can have: both exact for one token.
inline work expert_work(op kind, const routing& r, std::span<const feed_forward_weights> experts, bool up) noexcept {
    const auto& one = experts.front();
    work w = up ? product_work(kind, r.n_tok, std::array{one.gate, one.up})
                : product_work(kind, r.n_tok, std::span(&one.down, 1));
    const double n = static_cast<double>(experts.size()), k = static_cast<double>(r.n_active),
                 tokens = static_cast<double>(r.n_tok);
    double touched = n * (1 - std::pow(1 - k / n, tokens));
    double busiest = std::ceil(k * tokens / n);
    if (r.first != nullptr) {
        touched = busiest = 0;
        for (std::size_t e = 0; e < experts.size(); ++e) {
            touched += r.load(e) != 0;
            busiest = std::max(busiest, static_cast<double>(r.load(e)));
        }
    }
    const bytes each = w.weights;
    w.arithmetic = w.arithmetic * r.n_active;
    w.activations = w.activations * r.n_active;
    w.weights = bytes(static_cast<std::uint64_t>(each.value() * touched + 0.5));
    w.resident = each * experts.size();
    w.imbalance = std::max(1.0, busiest * n / (k * tokens));
    return w;
}

}  // namespace detail

/// residual[t, :] += sum over t's experts e, by rising e, of weight * down_e(silu(gate_e x) * up_e x). Experts have no biases.
/// One token: the rows of its experts are one job, balanced over the threads. Many tokens: expert by expert, so that each
/// expert's weights are read once. Shapes as for feed_forward, for each expert.
template <class Context>
void expert_feed_forward(Context& ctx, std::span<const feed_forward_weights> experts, const routing& r,
                         const activation_batch& x, float* residual) noexcept {
    const scratch::frame frame(ctx.scratch());
    const std::size_t n = r.assignments();
    const auto& one = experts.front();
    const bool gathers = r.n_tok > 1;
    const auto inputs = take_batch(ctx, gathers ? n : 0, x.width, any_blocked(one.gate, one.up));
    const auto h = take_batch(ctx, n, one.gate.rows, any_blocked(one.down));
    float* const other = ctx.scratch().template take<float>(n * h.ld());
    const auto y = take_batch(ctx, n, x.width, false);
    if constexpr (Context::computes) {
        if (gathers) {
            const bool floats = is_float(one.gate.type) || is_float(one.up.type);
            ctx.split(n, x.width, [&](std::size_t begin, std::size_t end) {
                for (std::size_t a = begin; a < end; ++a) {
                    const std::size_t to = a * x.ld(), from = r.token[a] * x.ld();
                    if (floats) std::copy_n(x.x + from, x.width, inputs.x + to);
                    if (inputs.q == nullptr) continue;
                    std::copy_n(x.q + from, x.ld(), inputs.q + to);
                    std::copy_n(x.scale + from / 32, x.ld() / 32, inputs.scale + to / 32);
                    std::copy_n(x.sum + from / 16, x.ld() / 16, inputs.sum + to / 16);
                }
            });
        }
    }
    {
        [[maybe_unused]] const auto metered =
            ctx.measure([&] { return detail::expert_work(op::ffn_up, r, experts, true); });
        if constexpr (Context::computes)
            ctx.run([&](std::size_t worker) {
                for (std::size_t e = 0; e < experts.size() && !ctx.stopped(); ++e)
                    if (r.load(e) != 0)
                        detail::gated_up(ctx, experts[e], worker, gathers ? inputs.from(r.first[e]) : x.from(0),
                                         r.load(e), h, r.first[e], other);
            });
    }
    [[maybe_unused]] const auto metered =
        ctx.measure([&] { return detail::expert_work(op::ffn_down, r, experts, false); });
    if constexpr (Context::computes) {
        ctx.run([&](std::size_t worker) {
            for (std::size_t e = 0; e < experts.size() && !ctx.stopped(); ++e)
                if (r.load(e) != 0)
                    for_owned_parts(experts[e].down, worker, ctx.workers(), [&](const matrix_part& part) {
                        multiply_part(ctx, experts[e].down, part, h.from(r.first[e]), r.load(e), {}, y.row(r.first[e]),
                                      y.ld());
                    });
        });
        ctx.split(r.n_tok, x.width * r.n_active, [&](std::size_t begin, std::size_t end) {
            for (std::size_t t = begin; t < end; ++t)
                for (std::size_t i = t * r.n_active; i < (t + 1) * r.n_active; ++i)
                    ctx.kernels().add_scaled(residual + t * y.ld(), y.row(r.slot[i]), r.chosen[i].weight, x.width);
        });
    }
}

}  // namespace wafer::inline WAFER_ABI

// SPDX-License-Identifier: MIT
// L6 kernel: grouped-query attention over a KV cache, with online softmax. Also writes the cache: rope_and_store.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>

#include <wafer/core/bits.hpp>
#include <wafer/core/config.hpp>
#include <wafer/core/dtype.hpp>
#include <wafer/exec/context.hpp>
#include <wafer/kernel/activations.hpp>
#include <wafer/kernel/rope.hpp>
#include <wafer/simd/panel.hpp>
#include <wafer/tensor/pack.hpp>

namespace wafer::inline WAFER_ABI {

/// One layer of a KV cache. Keys are a packed matrix that grows: its rows are positions, so that scores are the same matrix
/// product as any other. Values are plain rows. Both lie head by head.
struct kv_view {
    dtype type = dtype::f32;      // f32, f16, bf16 or q8_0
    std::byte* keys = nullptr;    // (n_kv, capacity / 16 panels of 16 positions, d_key)
    std::byte* values = nullptr;  // (n_kv, capacity, d_value)
    std::size_t capacity = 0;     // positions; multiple of score_block
    std::size_t n_kv = 0, d_key = 0, d_value = 0;

    [[nodiscard]] std::byte* panel(std::size_t head, std::size_t pos) const noexcept {
        return keys + (head * capacity + pos) / simd::panel_rows * simd::panel_bytes(type, d_key);
    }
    [[nodiscard]] std::byte* value(std::size_t head, std::size_t pos) const noexcept {
        return values + (head * capacity + pos) * row_bytes(type, d_value);
    }
    /// Bytes that one position takes.
    [[nodiscard]] bytes per_position() const noexcept {
        return bytes(n_kv * (row_bytes(type, d_key) + row_bytes(type, d_value)));
    }
};

/// Positions whose scores are computed and exponentiated together.
inline constexpr std::size_t score_block = 128;
/// Positions summed in one go; longer contexts are sums of such spans, in order, whoever computed them.
inline constexpr std::size_t score_span = 2048;

/// Rotates queries and keys by their positions and stores keys and values at [pos, pos + n_tok).
/// Shapes: q (n_tok, n_head * d_key), k (n_tok, n_kv * d_key), v (n_tok, n_kv * d_value).
template <class Context>
void rope_and_store(Context& ctx, const rope_angles& angles, const activation_batch& q, const activation_batch& k,
                    const activation_batch& v, const kv_view& cache, std::size_t pos) noexcept {
    [[maybe_unused]] const auto metered = ctx.measure([&] {
        return work{.kind = op::rope,
                    .n_tok = q.n_tok,
                    .arithmetic = flops(3 * q.n_tok * (q.width + k.width)),
                    .cache = bytes(q.n_tok * cache.per_position().count),
                    .activations = bytes(q.n_tok * (2 * q.width + 2 * k.width + v.width) * sizeof(float)),
                    .outputs = q.width};
    });
    if constexpr (Context::computes) {
        const auto store = ctx.kernels().store_row[static_cast<std::size_t>(cache.type)];
        ctx.split(q.n_tok, q.width + k.width * 4, [&](std::size_t begin, std::size_t end) {
            for (std::size_t t = begin; t < end; ++t) {
                for (std::size_t at = 0; at < q.width; at += cache.d_key)
                    angles.rotate(ctx.kernels(), t, q.row(t) + at);
                for (std::size_t head = 0; head < cache.n_kv; ++head) {
                    float* const key = k.row(t) + head * cache.d_key;
                    angles.rotate(ctx.kernels(), t, key);
                    store_in_panel(cache.type, key, cache.d_key, cache.panel(head, pos + t),
                                   (pos + t) % simd::panel_rows);
                    store(v.row(t) + head * cache.d_value, cache.d_value, cache.value(head, pos + t));
                }
            }
        });
    }
}

namespace detail {

/// Running softmax-weighted sums of some query rows: out = sum_i exp(s_i - peak) v_i, total = sum_i exp(s_i - peak).
struct attention_state {
    float* peak;
    float* total;
    float* out;  // (rows, d)
    std::size_t d;

    void clear(std::size_t rows) const noexcept {
        std::fill_n(peak, rows, -std::numeric_limits<float>::infinity());
        std::fill_n(total, rows, 0.0f);
        std::fill_n(out, rows * d, 0.0f);
    }
    /// Adds another state's sums to this one's.
    void merge(const simd::kernel_table& kernels, const attention_state& other, std::size_t rows) const noexcept {
        for (std::size_t r = 0; r < rows; ++r) {
            if (other.total[r] == 0.0f) continue;
            const float top = std::max(peak[r], other.peak[r]);
            const float mine = std::exp(peak[r] - top), theirs = std::exp(other.peak[r] - top);
            peak[r] = top;
            total[r] =
                std::fma(total[r], mine, other.total[r] * theirs);  // fma: no compiler may choose its own roundings
            kernels.scale(out + r * d, mine, d);
            kernels.add_scaled(out + r * d, other.out + r * d, theirs, d);
        }
    }
    [[nodiscard]] static constexpr std::size_t floats(std::size_t rows, std::size_t d) noexcept {
        return rows * (d + 2);
    }
    [[nodiscard]] static attention_state at(float* memory, std::size_t rows, std::size_t d) noexcept {
        return {memory, memory + rows, memory + 2 * rows, d};
    }
};

/// A worker's own memory while it attends: gathered queries, scores, and two states.
struct attention_desk {
    activation_batch queries;
    float* scores;  // (rows, score_block)
    float* running;
    float* fresh;
};

/// Queries of one KV head: rows (token, head in group) of `tile` tokens from `first` on.
struct attention_job {
    const kv_view& cache;
    const activation_batch& q;
    std::size_t pos;    // of the batch's first token
    std::size_t head;   // KV head
    std::size_t group;  // query heads per KV head
    std::size_t first, tile;
    float scale;

    [[nodiscard]] std::size_t rows() const noexcept { return tile * group; }
    /// Positions that row r sees.
    [[nodiscard]] std::size_t visible(std::size_t r) const noexcept { return pos + first + r / group + 1; }

    void gather(const simd::kernel_table& kernels, const activation_batch& out) const noexcept {
        for (std::size_t r = 0; r < rows(); ++r) {
            float* const to = out.row(r);
            std::copy_n(q.row(first + r / group) + (head * group + r % group) * cache.d_key, cache.d_key, to);
            kernels.scale(to, scale, cache.d_key);
            if (out.q != nullptr) out.quantize(kernels, r, 0, cache.d_key);
        }
    }

    /// Sums over positions [begin, begin + score_span) into a cleared state.
    void attend(const simd::kernel_table& kernels, const attention_desk& desk, std::size_t begin,
                const attention_state& state) const noexcept {
        const auto type = static_cast<std::size_t>(cache.type);
        const std::size_t end = std::min(begin + score_span, visible(rows() - 1));
        state.clear(rows());
        for (std::size_t at = begin; at < end; at += score_block) {
            const std::size_t n = std::min(score_block, end - at);
            kernels.matmul[type](cache.panel(head, at), ceil_div(n, simd::panel_rows), cache.d_key,
                                 desk.queries.from(0), rows(), desk.scores, score_block);
            for (std::size_t r = 0; r < rows(); ++r) {
                float* const s = desk.scores + r * score_block;
                const std::size_t seen = visible(r) > at ? std::min(n, visible(r) - at) : 0;
                std::fill(s + seen, s + n, 0.0f);  // weight of positions that this row may not see
                if (seen == 0) continue;
                const float top = std::max(state.peak[r], kernels.max(s, seen));
                const float keep = std::exp(state.peak[r] - top);
                if (keep != 1.0f) kernels.scale(state.out + r * state.d, keep, state.d);
                state.total[r] = std::fma(state.total[r], keep, kernels.exp_sum(s, seen, top));
                state.peak[r] = top;
            }
            kernels.weighted_rows[type](desk.scores, score_block, rows(), cache.value(head, at),
                                        row_bytes(cache.type, cache.d_value), n, cache.d_value, state.out, state.d);
        }
    }

    /// out[t, head, :] = sums / total
    void finish(const simd::kernel_table& kernels, const attention_state& state,
                const activation_batch& out) const noexcept {
        for (std::size_t r = 0; r < rows(); ++r) {
            float* const to = out.row(first + r / group) + (head * group + r % group) * cache.d_value;
            std::copy_n(state.out + r * state.d, state.d, to);
            kernels.scale(to, 1.0f / state.total[r], state.d);
        }
    }
};

}  // namespace detail

/// out[t, h, :] = sum_p softmax_p(scale * q[t, h, :] . K[p, g, :]) V[p, g, :],  p <= pos + t,  g = h / (n_head / n_kv).
/// Shapes: q (n_tok, n_head * d_key), out (n_tok, n_head * d_value). The cache already holds this batch's positions.
/// Every query sums over blocks and spans of positions whose borders depend on the position alone: its bits do not depend on
/// the batch or on the threads. Accumulates in f32.
/// @cite Ainslie et al. 2023 (GQA); Milakov & Gimelshein 2018 (online softmax); Dao et al. 2022, section 3.1 (merging).
template <class Context>
void attention(Context& ctx, const kv_view& cache, const activation_batch& q, std::size_t n_head, std::size_t pos,
               float scale, const activation_batch& out) noexcept {
    [[maybe_unused]] const auto metered = ctx.measure([&] {
        const std::uint64_t n = q.n_tok, end = pos + n,
                            pairs = n * (pos + 1) + n * (n - 1) / 2;  // (query, visible position)
        return work{.kind = op::attention,
                    .n_tok = n,
                    .arithmetic = flops(2 * pairs * n_head * (cache.d_key + cache.d_value)),
                    .cache = bytes(end * cache.per_position().count),
                    .activations = bytes(n * (q.width + out.width) * sizeof(float)),
                    .outputs = out.width,
                    .inputs = q.width};
    });
    constexpr std::size_t most_rows = 32;  // queries that share a walk over the cache
    const std::size_t group = n_head / cache.n_kv;
    const std::size_t tile = std::max<std::size_t>(1, most_rows / group);
    const std::size_t n_tiles = ceil_div(q.n_tok, tile);
    const std::size_t n_spans = ceil_div(pos + q.n_tok, score_span);
    const std::size_t rows = std::min(tile, q.n_tok) * group;
    const std::size_t state_floats = round_up(detail::attention_state::floats(rows, cache.d_value), std::size_t{16});
    // One tile and a long past, as in decoding: spans are shared out too. Otherwise the tiles are parallel enough.
    const bool share_spans = n_tiles == 1 && n_spans > 1;

    const scratch::frame frame(ctx.scratch());
    const std::size_t desk_rows = ctx.workers() * rows;
    const auto queries = take_batch(ctx, desk_rows, cache.d_key, !is_float(cache.type));
    float* const scores = ctx.scratch().template take<float>(desk_rows * score_block);
    float* const states = ctx.scratch().template take<float>(2 * ctx.workers() * state_floats);
    // Taken even where nobody shares, so that the largest batch is also the one that takes most scratch.
    float* const spans =
        n_spans > 1 ? ctx.scratch().template take<float>(cache.n_kv * n_spans * state_floats) : nullptr;

    if constexpr (Context::computes) {
        const auto& kernels = ctx.kernels();
        const auto desk_of = [&](std::size_t worker) {
            activation_batch mine = queries;
            const std::size_t at = worker * rows * queries.ld();
            mine.x += at;
            if (mine.q != nullptr) mine.q += at, mine.scale += at / 32, mine.sum += at / 16;
            float* const state = states + 2 * worker * state_floats;
            return detail::attention_desk{mine, scores + worker * rows * score_block, state, state + state_floats};
        };
        const auto job_of = [&](std::size_t item) {
            const std::size_t first = item / cache.n_kv * tile;
            return detail::attention_job{
                cache, q, pos, item % cache.n_kv, group, first, std::min(tile, q.n_tok - first), scale};
        };
        if (!share_spans) {
            // Later tiles see more; dealing them in turn, from the last on, keeps the workers even.
            const std::size_t n_items = n_tiles * cache.n_kv;
            ctx.run([&](std::size_t worker) {
                const auto desk = desk_of(worker);
                for (std::size_t i = worker; i < n_items && !ctx.stopped(); i += ctx.workers()) {
                    const auto job = job_of(n_items - 1 - i);
                    const auto running = detail::attention_state::at(desk.running, job.rows(), cache.d_value);
                    const auto fresh = detail::attention_state::at(desk.fresh, job.rows(), cache.d_value);
                    job.gather(kernels, desk.queries);
                    job.attend(kernels, desk, 0, running);
                    const std::size_t end = job.visible(job.rows() - 1);
                    for (std::size_t begin = score_span; begin < end && !ctx.stopped(); begin += score_span) {
                        job.attend(kernels, desk, begin, fresh);
                        running.merge(kernels, fresh, job.rows());
                    }
                    job.finish(kernels, running, out);
                }
            });
            return;
        }
        const auto span_state = [&](std::size_t head, std::size_t span) {
            return detail::attention_state::at(spans + (head * n_spans + span) * state_floats, rows, cache.d_value);
        };
        ctx.run([&](std::size_t worker) {
            const auto desk = desk_of(worker);
            for (std::size_t i = worker; i < cache.n_kv * n_spans && !ctx.stopped(); i += ctx.workers()) {
                const auto job = job_of(i % cache.n_kv);
                job.gather(kernels, desk.queries);
                job.attend(kernels, desk, i / cache.n_kv * score_span, span_state(job.head, i / cache.n_kv));
            }
        });
        ctx.split(cache.n_kv, rows * cache.d_value * n_spans, [&](std::size_t begin, std::size_t end) {
            for (std::size_t head = begin; head < end; ++head) {
                for (std::size_t span = 1; span < n_spans; ++span)
                    span_state(head, 0).merge(kernels, span_state(head, span), rows);
                job_of(head).finish(kernels, span_state(head, 0), out);
            }
        });
    }
}

}  // namespace wafer::inline WAFER_ABI

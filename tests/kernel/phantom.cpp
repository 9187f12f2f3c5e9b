// SPDX-License-Identifier: MIT
// A phantom pass reports the very work of a real one, and counts the very scratch: that is why an estimate cannot drift from
// the code, and why a real pass always has room.
#include <memory>
#include <tuple>

#include <doctest/doctest.h>

#include <wafer/kernel/attention.hpp>
#include <wafer/kernel/embed.hpp>
#include <wafer/kernel/feed_forward.hpp>
#include <wafer/kernel/route.hpp>
#include <wafer/model/kv_cache.hpp>

#include "kernel/rig.hpp"

using namespace wafer;
using test::d, test::d_ff;

namespace {

/// Keeps all that it is asked to price.
struct recorder {
    std::shared_ptr<std::vector<work>> seen = std::make_shared<std::vector<work>>();
    static std::string name() { return "recorder"; }
    charge price(const work& w, const pass&) const noexcept {
        seen->push_back(w);
        return {};
    }
    static charge overhead(const pass&) noexcept { return {}; }
};

auto tied(const work& w) {
    return std::tie(w.kind, w.n_tok, w.arithmetic, w.weights, w.cache, w.activations, w.outputs, w.inputs, w.imbalance,
                    w.resident);
}

/// The weights of a small layer, as arenas or phantoms see them.
struct layer {
    resident_matrix embedding, q, k, v, out, router;
    feed_forward_weights ffn;
    std::vector<feed_forward_weights> experts;
    resident_vector norm, bias;
};

constexpr std::size_t n_head = 4, n_kv = 2, d_head = 32, n_vocab = 40, n_expert = 3;

template <class Context>
void one_pass(Context& ctx, const layer& w, const kv_view& cache, const rope_frequencies& rope,
              std::span<const std::int32_t> tokens, std::size_t n_tok, std::size_t pos, std::size_t n_active) {
    const scratch::frame frame(ctx.scratch());
    float* const residual = ctx.scratch().template take<float>(n_tok * padded(d));
    embed(ctx, w.embedding, tokens, n_tok, residual);
    const auto angles = take_angles(ctx, rope, pos, n_tok);
    const auto x = take_batch(ctx, n_tok, d, any_blocked(w.q));
    const auto q = take_batch(ctx, n_tok, n_head * d_head, false), k = take_batch(ctx, n_tok, n_kv * d_head, false),
               v = take_batch(ctx, n_tok, n_kv * d_head, false);
    const auto heads = take_batch(ctx, n_tok, n_head * d_head, any_blocked(w.out));
    rms_norm(ctx, residual, w.norm, 1e-5f, x);
    matmul(ctx, op::qkv, x, {{w.q, {}, &q}, {w.k, w.bias, &k}, {w.v, {}, &v}});
    rope_and_store(ctx, angles, q, k, v, cache, pos);
    attention(ctx, cache, q, n_head, pos, 0.2f, heads);
    quantize(ctx, heads);
    matmul_add(ctx, op::attn_out, heads, w.out, {}, residual);
    feed_forward(ctx, w.ffn, x, residual);
    const auto routed = route(ctx, gating::softmax_then_top_k{}, x, w.router, {}, n_active, {});
    expert_feed_forward(ctx, w.experts, routed, x, residual);
}

}  // namespace

TEST_SUITE("kernel.phantom") {

    TEST_CASE("phantom: reports the work of a real pass and counts its scratch") {
        for (const dtype type : {dtype::f32, dtype::q8_0})
            for (const dtype cache_type : {dtype::f16, dtype::q8_0})
                for (const std::size_t workers : {1u, 3u}) {
                    test::resident_set weights(1);
                    const auto m = [&](std::size_t rows, std::size_t cols) { return weights.add(type, rows, cols); };
                    const std::size_t ids[] = {m(n_vocab, d),         m(n_head * d_head, d),
                                               m(n_kv * d_head, d),   m(n_kv * d_head, d),
                                               m(d, n_head * d_head), weights.add(dtype::f32, n_expert, d)};
                    std::vector<std::array<std::size_t, 3>> networks;
                    for (std::size_t i = 0; i <= n_expert; ++i)
                        networks.push_back({m(d_ff, d), m(d_ff, d), m(d, d_ff)});
                    const auto norm = weights.add_vector(d), bias = weights.add_vector(n_kv * d_head);
                    weights.load(workers);
                    const auto make = [&](auto&& matrix, auto&& vector) {
                        layer l{matrix(ids[0]),
                                matrix(ids[1]),
                                matrix(ids[2]),
                                matrix(ids[3]),
                                matrix(ids[4]),
                                matrix(ids[5]),
                                {},
                                {},
                                vector(norm),
                                vector(bias)};
                        for (const auto& n : networks) l.experts.push_back({matrix(n[0]), matrix(n[1]), matrix(n[2])});
                        l.ffn = l.experts.back();
                        l.experts.pop_back();
                        return l;
                    };
                    const auto real = make([&](std::size_t i) { return weights.matrix(i); },
                                           [&](std::size_t i) { return weights.vector(i); });
                    const auto shapes = make([&](std::size_t i) { return weights.shape(i); },
                                             [&](std::size_t i) {
                                                 return resident_vector{nullptr, weights.vector(i).count};
                                             });
                    const kv_shape shape{cache_type, 1, n_kv, d_head, d_head, 4096 + score_block};
                    const kv_cache cache(shape), no_cache = kv_cache::phantom(shape);
                    const rope_frequencies rope({.d_rope = d_head}, {});

                    for (const std::size_t n_tok : {1u, 2u, 5u, 16u, 17u, 40u})
                        for (const std::size_t pos : {0u, 4096u}) {
                            // Every expert at work, or one token: then there is nothing to expect, and both know the routing.
                            const std::size_t n_active = n_tok == 1 ? 2 : n_expert;
                            CAPTURE(n_tok);
                            CAPTURE(pos);
                            CAPTURE(workers);
                            const recorder seen, expected;
                            test::rig r(simd::select(), workers, seen);
                            const std::vector<std::int32_t> tokens(n_tok, 7);
                            one_pass(r.ctx, real, cache.layer(0), rope, tokens, n_tok, pos, n_active);

                            scratch count;
                            meter<recorder> costs(expected);
                            exec::context<recorder, exec::phantom> ctx(workers, count, costs);
                            one_pass(ctx, shapes, no_cache.layer(0), rope, {}, n_tok, pos, n_active);

                            CHECK(count.peak() == r.memory.peak());
                            REQUIRE(seen.seen->size() == expected.seen->size());
                            CHECK(seen.seen->size() == 11);
                            for (std::size_t i = 0; i < seen.seen->size(); ++i) {
                                CAPTURE(to_string((*seen.seen)[i].kind));
                                CHECK(tied((*seen.seen)[i]) == tied((*expected.seen)[i]));
                            }
                        }
                }
    }
}

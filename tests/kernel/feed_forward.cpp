// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <wafer/kernel/feed_forward.hpp>

#include "kernel/rig.hpp"
#include "support/oracle.hpp"

using namespace wafer;
using test::d, test::d_ff;

namespace {

struct indices {
    std::size_t gate, up, down;
};

indices add_network(test::resident_set& weights, dtype type, std::size_t d, std::size_t d_ff) {
    return {weights.add(type, d_ff, d), weights.add(type, d_ff, d), weights.add(type, d, d_ff)};
}
feed_forward_weights views(const test::resident_set& weights, const indices& i) {
    return {weights.matrix(i.gate), weights.matrix(i.up), weights.matrix(i.down)};
}
test::row reference(const test::resident_set& weights, const indices& i, const simd::kernel_table& table, dtype type,
                    test::row x) {
    x = test::as_read(table, type, std::move(x));
    const auto h = test::swiglu(test::product(weights.values(i.gate), x), test::product(weights.values(i.up), x));
    return test::product(weights.values(i.down), test::as_read(table, type, h));
}

}  // namespace

TEST_SUITE("kernel.feed_forward") {

    TEST_CASE(
        "feed_forward: is down(silu(gate x) up x), and a token's bits do not depend on the batch or the workers") {
        for (const auto* table : simd::available_targets())
            for (const dtype type : {dtype::f32, dtype::bf16, dtype::q8_0, dtype::q4_0}) {
                std::vector<float> first;
                for (const std::size_t workers : {1u, 2u, 3u}) {
                    CAPTURE(table->features);
                    CAPTURE(to_string(type));
                    CAPTURE(workers);
                    const std::size_t n_tok = 19;
                    test::resident_set weights(1);
                    const auto i = add_network(weights, type, d, d_ff);
                    weights.load(workers);
                    test::rig r(*table, workers);
                    test::own_batch x(n_tok, d), before(n_tok, d, false), batch(n_tok, d, false),
                        alone(n_tok, d, false);
                    x.fill(weights.random, *table);
                    before.fill(weights.random, *table);
                    std::copy(before.x.begin(), before.x.end(), batch.x.begin());
                    std::copy(before.x.begin(), before.x.end(), alone.x.begin());
                    feed_forward(r.ctx, views(weights, i), x.view, batch.x.data());
                    for (std::size_t t = 0; t < n_tok; ++t)
                        feed_forward(r.ctx, views(weights, i), x.only(t), alone.view.row(t));
                    for (std::size_t t = 0; t < n_tok; ++t) {
                        auto want = test::exact(before.row(t));
                        test::add(want, reference(weights, i, *table, type, test::exact(x.row(t))));
                        CHECK(test::excess(batch.row(t), want) <= 1.0);
                        CHECK(test::same_bits(batch.row(t), alone.row(t)));
                        if (workers > 1) CHECK(test::same_bits(batch.row(t), std::span(first).subspan(t * d, d)));
                        else first.insert(first.end(), batch.row(t).begin(), batch.row(t).end());
                    }
                }
            }
    }

    TEST_CASE(
        "expert_feed_forward: adds each token's experts by their weights; one token and many give the same bits") {
        for (const auto* table : simd::available_targets())
            for (const dtype type : {dtype::f32, dtype::f16, dtype::q8_0}) {
                std::vector<float> first;
                for (const std::size_t workers : {1u, 2u, 3u}) {
                    CAPTURE(table->features);
                    CAPTURE(to_string(type));
                    CAPTURE(workers);
                    const std::size_t n_tok = 19, n_expert = 5, n_active = 2;
                    test::resident_set weights(2);
                    const auto gate = weights.add(dtype::f32, n_expert, d);
                    std::vector<indices> each;
                    for (std::size_t e = 0; e < n_expert; ++e) each.push_back(add_network(weights, type, d, d_ff));
                    weights.load(workers);
                    std::vector<feed_forward_weights> experts;
                    for (const auto& i : each) experts.push_back(views(weights, i));
                    test::rig r(*table, workers);
                    test::own_batch x(n_tok, d, !is_float(type)), before(n_tok, d, false), batch(n_tok, d, false),
                        alone(n_tok, d, false), cut(n_tok, d, false);
                    x.fill(weights.random, *table);
                    before.fill(weights.random, *table);
                    for (auto* to : {&batch, &alone, &cut}) std::copy(before.x.begin(), before.x.end(), to->x.begin());
                    const auto pass = [&](std::size_t t, std::size_t n, const test::own_batch& residual) {
                        const scratch::frame frame(r.memory);
                        const auto routed = route(r.ctx, gating::top_k_then_softmax{}, x.only(t, n),
                                                  weights.matrix(gate), {}, n_active, {});
                        expert_feed_forward(r.ctx, experts, routed, x.only(t, n), residual.view.row(t));
                        return std::vector<chosen_expert>(routed.chosen, routed.chosen + n * n_active);
                    };
                    const auto chosen = pass(0, n_tok, batch);
                    for (std::size_t t = 0; t < n_tok; ++t) pass(t, 1, alone);
                    pass(0, 2, cut);
                    pass(2, n_tok - 2, cut);
                    for (std::size_t t = 0; t < n_tok; ++t) {
                        CHECK(test::same_bits(batch.row(t), alone.row(t)));
                        CHECK(test::same_bits(batch.row(t), cut.row(t)));
                        if (workers > 1) CHECK(test::same_bits(batch.row(t), std::span(first).subspan(t * d, d)));
                        else first.insert(first.end(), batch.row(t).begin(), batch.row(t).end());
                        auto want = test::exact(before.row(t));
                        for (std::size_t i = 0; i < n_active; ++i) {
                            const auto& c = chosen[t * n_active + i];
                            test::add(want, reference(weights, each[c.expert], *table, type, test::exact(x.row(t))),
                                      {static_cast<double>(c.weight), 0});
                        }
                        CHECK(test::excess(batch.row(t), want) <= 1.0);
                    }
                }
            }
    }

    TEST_CASE("expert_work: counts the experts that were chosen; without a routing, those to be expected") {
        const resident_matrix in{dtype::f16, 32, 16, {}}, out{dtype::f16, 16, 32, {}};
        const std::vector<feed_forward_weights> experts(8, {in, in, out});
        std::uint32_t first[9] = {0, 3, 3, 3, 6, 6, 6, 6, 6};  // 3 tokens, all to experts 0 and 3
        const routing known{.first = first, .n_tok = 3, .n_expert = 8, .n_active = 2};
        const work w = detail::expert_work(op::ffn_up, known, experts, true);
        CHECK(w.weights == bytes(2 * 2 * 32 * 16 * 2));
        CHECK(w.resident == bytes(8 * 2 * 32 * 16 * 2));
        CHECK(w.arithmetic == flops(3 * 2 * 2 * 2 * 32 * 16));
        CHECK(w.imbalance == doctest::Approx(3.0 * 8 / 6));
        // One token needs no expectation: phantom and real agree.
        std::uint32_t one[9] = {0, 1, 1, 1, 2, 2, 2, 2, 2};
        const routing real{.first = one, .n_tok = 1, .n_expert = 8, .n_active = 2},
            phantom{.n_tok = 1, .n_expert = 8, .n_active = 2};
        const work a = detail::expert_work(op::ffn_down, real, experts, false),
                   b = detail::expert_work(op::ffn_down, phantom, experts, false);
        CHECK(a.weights == b.weights);
        CHECK(a.imbalance == b.imbalance);
    }
}

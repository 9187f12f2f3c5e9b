// SPDX-License-Identifier: MIT
#include <atomic>
#include <cstdint>
#include <limits>
#include <numeric>
#include <set>
#include <span>
#include <vector>

#include <doctest/doctest.h>

#include <wafer/kernel/route.hpp>

#include "kernel/rig.hpp"
#include "support/oracle.hpp"

using namespace wafer;

namespace {

template <class Rule>
std::vector<chosen_expert> gate(const Rule& rule, std::vector<float> logits, std::size_t k) {
    std::vector<chosen_expert> out(k);
    rule(std::span(logits), std::span(out));
    return out;
}

/// The k experts of highest score, by sorting.
std::vector<std::uint32_t> by_sorting(const std::vector<float>& logits, std::size_t k) {
    std::vector<std::uint32_t> order(logits.size());
    std::iota(order.begin(), order.end(), 0u);
    std::stable_sort(order.begin(), order.end(), [&](auto a, auto b) { return logits[a] > logits[b]; });
    order.resize(k);
    return order;
}

}  // namespace

TEST_SUITE("kernel.route") {

    TEST_CASE("gating: chooses by falling score, ties to the lower index") {
        test::random_bits random(1);
        for (int round = 0; round < 200; ++round) {
            const std::size_t n = 1 + random.next() % 20, k = 1 + random.next() % n;
            std::vector<float> logits(n);
            for (auto& l : logits) l = static_cast<float>(random.next() % 5) - 2;  // few values: many ties
            const auto want = by_sorting(logits, k);
            const auto a = gate(gating::softmax_then_top_k{}, logits, k),
                       b = gate(gating::top_k_then_softmax{}, logits, k);
            for (std::size_t i = 0; i < k; ++i) {
                CHECK(a[i].expert == want[i]);
                CHECK(b[i].expert == want[i]);
            }
        }
    }

    TEST_CASE("gating: weights are the softmax that each rule defines") {
        test::random_bits random(2);
        for (int round = 0; round < 50; ++round) {
            const std::size_t n = 2 + random.next() % 60, k = 1 + random.next() % n;
            std::vector<float> logits(n);
            for (auto& l : logits) l = random.uniform(-8, 8);
            double all = 0, chosen = 0;
            for (const float l : logits) all += std::exp(static_cast<double>(l));
            for (const auto e : by_sorting(logits, k)) chosen += std::exp(static_cast<double>(logits[e]));
            // A difference of logits is rounded once (16 eps at most), exponentials once, sums n times, above and below.
            const double tolerance = (2.0 * (16 + 2) + 2 * static_cast<double>(n)) * test::eps;
            const auto check = [&](const std::vector<chosen_expert>& out, double total) {
                for (const auto& c : out) {
                    const double want = std::exp(static_cast<double>(logits[c.expert])) / total;
                    CHECK(std::fabs(static_cast<double>(c.weight) - want) <= tolerance * want);
                }
            };
            check(gate(gating::softmax_then_top_k{false}, logits, k), all);
            check(gate(gating::softmax_then_top_k{true}, logits, k), chosen);
            check(gate(gating::top_k_then_softmax{}, logits, k), chosen);
        }
    }

    TEST_CASE("gating: large logits do not overflow, and whatever is not a number still names k distinct experts") {
        for (const auto& c : gate(gating::softmax_then_top_k{false}, {1e30f, 1e30f, -1e30f}, 2))
            CHECK(c.weight == 0.5f);
        constexpr float nan = std::numeric_limits<float>::quiet_NaN(), inf = std::numeric_limits<float>::infinity();
        for (const std::vector<float>& logits : {std::vector<float>{nan, nan, nan, nan},
                                                 {nan, 1, 2, 3},
                                                 {3, nan, 2, nan},
                                                 {inf, inf, -inf, 0},
                                                 {-inf, -inf, -inf, -inf}})
            for (std::size_t k = 1; k <= 4; ++k)
                for (const auto& out :
                     {gate(gating::softmax_then_top_k{}, logits, k), gate(gating::top_k_then_softmax{}, logits, k)}) {
                    std::set<std::uint32_t> distinct;
                    for (const auto& c : out) distinct.insert(c.expert);
                    CHECK(distinct.size() == k);
                    CHECK(*distinct.rbegin() < 4);
                }
    }

    TEST_CASE("route: its lists say the same as its choices, and the choices are those of the logits") {
        test::on_all([](const simd::kernel_table& table, std::size_t workers) {
            for (const std::size_t n_tok : {1u, 2u, 33u})
                for (const std::size_t n_active : {1u, 3u, 9u}) {
                    const std::size_t n_expert = 9, d = 64;
                    test::resident_set weights(3);
                    const auto w = weights.add(dtype::f32, n_expert, d);
                    weights.load(workers);
                    test::rig r(table, workers);
                    test::own_batch x(n_tok, d);
                    x.fill(weights.random, table);
                    std::vector<std::uint64_t> used(n_expert, 10);
                    const auto routed =
                        route(r.ctx, gating::softmax_then_top_k{}, x.view, weights.matrix(w), {}, n_active, used);
                    REQUIRE(routed.assignments() == n_tok * n_active);
                    CHECK(routed.first[0] == 0);
                    CHECK(routed.first[n_expert] == routed.assignments());
                    const auto numbers = weights.values(w);
                    std::size_t seen = 0;
                    for (std::size_t e = 0; e < n_expert; ++e) {
                        CHECK(used[e] == 10 + routed.load(e));
                        for (std::size_t a = routed.first[e]; a < routed.first[e + 1]; ++a, ++seen) {
                            if (a > routed.first[e]) CHECK(routed.token[a] > routed.token[a - 1]);
                            bool named = false;
                            for (std::size_t i = 0; i < n_active; ++i) {
                                const std::size_t at = routed.token[a] * n_active + i;
                                named = named || (routed.chosen[at].expert == e && routed.slot[at] == a);
                            }
                            CHECK(named);
                        }
                    }
                    CHECK(seen == routed.assignments());
                    for (std::size_t t = 0; t < n_tok; ++t) {
                        const auto logits = test::product(numbers, test::exact(x.row(t)));
                        double least = std::numeric_limits<double>::infinity(), total = 0;
                        for (std::size_t i = 0; i < n_active; ++i) {
                            const auto& c = routed.chosen[t * n_active + i];
                            if (i > 0) CHECK(c.expert > routed.chosen[t * n_active + i - 1].expert);
                            least = std::min(least, logits[c.expert].value + logits[c.expert].error);
                            total += static_cast<double>(c.weight);
                        }
                        std::size_t above = 0;
                        for (const auto& l : logits) above += l.value - l.error > least;
                        CHECK(above < n_active);
                        CHECK(std::fabs(total - 1) <= (static_cast<double>(n_active) + 2) * test::eps);
                    }
                }
        });
    }

    TEST_CASE("route: a stopped context routes nobody") {
        test::resident_set weights(3);
        const auto w = weights.add(dtype::f32, 4, 32);
        weights.load(1);
        thread_pool pool(1);
        scratch memory(bytes(1 << 20));
        meter<cost::none> costs;
        stop_signal stop;
        stop.request();
        exec::context<> ctx(pool, simd::select(), memory, costs, &stop);
        test::own_batch x(2, 32);
        const auto routed = route(ctx, gating::top_k_then_softmax{}, x.view, weights.matrix(w), {}, 2, {});
        for (std::size_t e = 0; e < 4; ++e) CHECK(routed.load(e) == 0);
    }

    TEST_CASE("route: a stop is heard between tokens, and nobody is counted") {
        test::resident_set weights(3);
        const auto w = weights.add(dtype::f32, 4, 32);
        weights.load(1);
        thread_pool pool(1);
        scratch memory(bytes(1 << 20));
        meter<cost::none> costs;
        stop_signal stop;
        exec::context<> ctx(pool, simd::select(), memory, costs, &stop);
        test::own_batch x(9, 32);
        int asked = 0;
        struct rule {
            stop_signal* stop;
            int* asked;
            void operator()(std::span<float> logits, std::span<chosen_expert> out) const noexcept {
                if (++*asked == 3) stop->request();
                gating::top_k_then_softmax{}(logits, out);
            }
        };
        std::vector<std::uint64_t> used(4);
        const auto routed = route(ctx, rule{&stop, &asked}, x.view, weights.matrix(w), {}, 2, used);
        CHECK(asked == 3);
        for (std::size_t e = 0; e < 4; ++e) CHECK(routed.load(e) == 0);
        CHECK(used == std::vector<std::uint64_t>(4));
    }
}

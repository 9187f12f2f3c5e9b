// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <wafer/kernel/matmul.hpp>

#include "kernel/rig.hpp"
#include "support/oracle.hpp"

using namespace wafer;
using test::on_all;

namespace {
// Types whose rows have no minimum to cancel: their error is that of the products. (All types: tests/simd.)
constexpr dtype types[] = {dtype::f32, dtype::f16, dtype::bf16, dtype::q8_0, dtype::q4_0, dtype::q6_k};
}  // namespace

TEST_SUITE("kernel.matmul") {

    TEST_CASE("matmul: several products with biases are within the roundings they make, for any workers and more tiles "
              "than workers") {
        on_all([](const simd::kernel_table& table, std::size_t workers) {
            CAPTURE(table.features);
            CAPTURE(workers);
            for (const dtype type : types)
                for (const std::size_t n_tok : {1u, 3u, 17u}) {
                    CAPTURE(to_string(type));
                    CAPTURE(n_tok);
                    const std::size_t k = 256, rows_a = 75,
                                      rows_b = 32;  // the last panel and the last grain are not full
                    test::resident_set weights(5);
                    const auto a = weights.add(type, rows_a, k), b = weights.add(type, rows_b, k);
                    const auto bias = weights.add_vector(rows_a);
                    weights.load(workers + 2);
                    test::rig r(table, workers);
                    test::own_batch x(n_tok, k), ya(n_tok, rows_a), yb(n_tok, rows_b);
                    x.fill(weights.random, table);
                    matmul(r.ctx, op::qkv, x.view,
                           {{weights.matrix(a), weights.vector(bias), &ya.view}, {weights.matrix(b), {}, &yb.view}});
                    const auto wa = weights.values(a), wb = weights.values(b);
                    for (std::size_t t = 0; t < n_tok; ++t) {
                        CHECK(
                            test::excess(ya.row(t), test::product(wa, test::as_read(table, type, test::exact(x.row(t))),
                                                                  weights.floats(bias))) <= 1.0);
                        CHECK(test::excess(yb.row(t), test::product(wb, test::as_read(table, type,
                                                                                      test::exact(x.row(t))))) <= 1.0);
                    }
                }
        });
    }

    TEST_CASE("matmul: a token's bits depend on neither its batch nor the workers nor the tiles") {
        for (const auto* table : simd::available_targets())
            for (const auto& d : dtypes) {
                CAPTURE(table->features);
                CAPTURE(d.name);
                const std::size_t n_tok = 21, k = is_float(d.type) ? 97 : 512, rows = 100;
                std::vector<float> first;
                for (const std::size_t workers : {1u, 2u, 3u}) {
                    test::resident_set weights(6);
                    const auto m = weights.add(d.type, rows, k);
                    weights.load(workers);
                    test::rig r(*table, workers);
                    test::own_batch x(n_tok, k), y(n_tok, rows), alone(n_tok, rows), cut(n_tok, rows);
                    x.fill(weights.random, *table);
                    matmul(r.ctx, op::head, x.view, {{weights.matrix(m), {}, &y.view}});
                    for (std::size_t t = 0; t < n_tok; ++t) {
                        const auto one = alone.only(t);
                        matmul(r.ctx, op::head, x.only(t), {{weights.matrix(m), {}, &one}});
                    }
                    for (const auto& [at, n] : {std::pair<std::size_t, std::size_t>{0, 5}, {5, 16}}) {
                        const auto some = cut.only(at, n);
                        matmul(r.ctx, op::head, x.only(at, n), {{weights.matrix(m), {}, &some}});
                    }
                    for (std::size_t t = 0; t < n_tok; ++t) {
                        CHECK(test::same_bits(y.row(t), alone.row(t)));
                        CHECK(test::same_bits(y.row(t), cut.row(t)));
                        if (workers > 1) CHECK(test::same_bits(y.row(t), std::span(first).subspan(t * rows, rows)));
                    }
                    if (workers == 1)
                        for (std::size_t t = 0; t < n_tok; ++t)
                            first.insert(first.end(), y.row(t).begin(), y.row(t).end());
                }
            }
    }

    TEST_CASE("matmul_add: adds to the residual, writes only its rows and gives its scratch back") {
        on_all([](const simd::kernel_table& table, std::size_t workers) {
            const std::size_t n_tok = 4, k = 64, rows = 70;
            test::resident_set weights(7);
            const auto m = weights.add(dtype::q8_0, rows, k);
            const auto bias = weights.add_vector(rows);
            weights.load(workers);
            test::rig r(table, workers);
            test::own_batch x(n_tok, k), before(n_tok, rows, false), after(n_tok, rows, false);
            x.fill(weights.random, table);
            before.fill(weights.random, table);
            after.x = before.x;
            after.view.x = after.x.data();
            const auto untouched = r.memory.take<float>(1);
            matmul_add(r.ctx, op::ffn_down, x.view, weights.matrix(m), weights.vector(bias), after.x.data());
            CHECK(r.memory.take<float>(1) == untouched + 16);
            for (std::size_t t = 0; t < n_tok; ++t) {
                auto want = test::exact(before.row(t));
                test::add(want, test::product(weights.values(m), test::quantised(test::exact(x.row(t))),
                                              weights.floats(bias)));
                CHECK(test::excess(after.row(t), want) <= 1.0);
                for (std::size_t i = rows; i < padded(rows); ++i) CHECK(std::isnan(after.view.row(t)[i]));
            }
        });
    }

    TEST_CASE("matmul: a stopped context computes nothing") {
        test::resident_set weights(8);
        const auto m = weights.add(dtype::f32, 32, 32);
        weights.load(1);
        thread_pool pool(2);
        scratch memory(bytes(1 << 20));
        meter<cost::none> costs;
        stop_signal stop;
        stop.request();
        exec::context<> ctx(pool, simd::select(), memory, costs, &stop);
        test::own_batch x(1, 32), y(1, 32);
        x.fill(weights.random, simd::select());
        matmul(ctx, op::head, x.view, {{weights.matrix(m), {}, &y.view}});
        for (const float v : y.row(0)) CHECK(std::isnan(v));
    }

    TEST_CASE("product_work: counts what the formats say, each weight once") {
        const resident_matrix a{dtype::q8_0, 64, 96, {}}, b{dtype::f16, 32, 96, {}};
        const resident_matrix both[] = {a, b};
        const work w = product_work(op::qkv, 5, both);
        CHECK(w.arithmetic == flops(2 * 5 * (64 + 32) * 96));
        CHECK(w.weights == bytes(64 * 96 / 32 * 34 + 32 * 96 * 2));
        CHECK(w.outputs == 96);
        CHECK(w.inputs == 96);
        CHECK(w.activations == bytes(5 * (96 + 96) * 4));
    }
}

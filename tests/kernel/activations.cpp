// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <wafer/kernel/activations.hpp>

#include "kernel/rig.hpp"
#include "support/oracle.hpp"

using namespace wafer;

TEST_SUITE("kernel.activations") {

    TEST_CASE("rms_norm: is the float64 norm within its roundings, for rows that fill no vector too") {
        test::on_all([](const simd::kernel_table& table, std::size_t workers) {
            for (const std::size_t d : {1u, 7u, 64u, 1000u})
                for (const std::size_t n_tok : {1u, 40u}) {
                    CAPTURE(table.features);
                    CAPTURE(d);
                    test::resident_set weights(1);
                    const auto w = weights.add_vector(d);
                    weights.load(1);
                    test::rig r(table, workers);
                    test::own_batch x(n_tok, d, false), y(n_tok, d);
                    x.fill(weights.random, table);
                    rms_norm(r.ctx, x.x.data(), weights.vector(w), 1e-5f, y.view);
                    for (std::size_t t = 0; t < n_tok; ++t) {
                        CHECK(test::excess(y.row(t), test::rms_norm(x.row(t), weights.floats(w), double{1e-5f})) <=
                              1.0);
                        // The quantised form is that of the floats beside it.
                        std::vector<float> back(d);
                        for (std::size_t i = 0; i < d; ++i)
                            back[i] = y.scale[(t * padded(d) + i) / 32] * static_cast<float>(y.q[t * padded(d) + i]);
                        CHECK(test::excess(back, test::quantised(test::exact(y.row(t)))) <= 1.0);
                    }
                }
        });
    }

    TEST_CASE("rms_norm: a token's bits do not depend on its batch or the workers") {
        for (const auto* table : simd::available_targets()) {
            const std::size_t d = 2048, n_tok = 37;
            test::resident_set weights(2);
            const auto w = weights.add_vector(d);
            weights.load(1);
            test::own_batch x(n_tok, d, false), alone(n_tok, d), y(n_tok, d);
            x.fill(weights.random, *table);
            test::rig one(*table, 1), three(*table, 3);
            rms_norm(three.ctx, x.x.data(), weights.vector(w), 1e-6f, y.view);
            for (std::size_t t = 0; t < n_tok; ++t) {
                rms_norm(one.ctx, x.view.row(t), weights.vector(w), 1e-6f, alone.only(t));
                CHECK(test::same_bits(y.row(t), alone.row(t)));
            }
            CHECK(y.q == alone.q);
            CHECK(y.scale == alone.scale);
            CHECK(y.sum == alone.sum);
        }
    }

    TEST_CASE("activation_batch: rows are whole grains apart, and quantising in pieces is quantising at once") {
        const auto& table = simd::select();
        test::random_bits random(3);
        test::own_batch whole(2, 70), pieces(2, 70);
        CHECK(whole.view.ld() == 96);
        CHECK(whole.view.row(1) == whole.view.x + 96);
        whole.fill(random, table);
        pieces.x = whole.x;
        pieces.view.x = pieces.x.data();
        for (std::size_t t = 0; t < 2; ++t) {
            pieces.view.quantize(table, t, 0, 32);
            pieces.view.quantize(table, t, 32, 70);
        }
        CHECK(pieces.q == whole.q);
        CHECK(pieces.scale == whole.scale);
        CHECK(pieces.sum == whole.sum);
    }

    TEST_CASE("any_blocked: absent matrices and float ones need no quantised activations") {
        const resident_matrix none, f{dtype::f16, 1, 1, {}}, q{dtype::q4_k, 1, 256, {}};
        CHECK_FALSE(any_blocked(none));
        CHECK_FALSE(any_blocked(f, none));
        CHECK(any_blocked(f, q));
    }
}

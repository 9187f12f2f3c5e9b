// SPDX-License-Identifier: MIT
#include <numeric>

#include <doctest/doctest.h>

#include <wafer/kernel/embed.hpp>

#include "kernel/rig.hpp"

using namespace wafer;

TEST_SUITE("kernel.embed") {

    TEST_CASE("embed: gives the very floats of the stored rows, whatever the type, the tiles and the workers") {
        test::on_all([](const simd::kernel_table& table, std::size_t workers) {
            for (const auto& d : dtypes) {
                CAPTURE(d.name);
                const std::size_t n_vocab = 203, k = is_float(d.type) ? 45 : 256;
                test::resident_set weights(4);
                const auto m = weights.add(d.type, n_vocab, k);
                weights.load(3);
                test::rig r(table, workers);
                std::vector<std::int32_t> tokens(n_vocab);
                std::iota(tokens.rbegin(), tokens.rend(), 0);  // every row, the last first
                test::own_batch x(n_vocab, k, false);
                embed(r.ctx, weights.matrix(m), tokens, n_vocab, x.x.data());
                const auto want = weights.values(m);
                bool same = true;
                for (std::size_t t = 0; t < n_vocab; ++t)
                    for (std::size_t i = 0; i < k; ++i)
                        same = same &&
                               static_cast<double>(x.row(t)[i]) == want[static_cast<std::size_t>(tokens[t]) * k + i];
                CHECK(same);
            }
        });
    }
}

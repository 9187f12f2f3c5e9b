// SPDX-License-Identifier: MIT
#include <complex>
#include <numbers>

#include <doctest/doctest.h>

#include <wafer/kernel/rope.hpp>

#include "kernel/rig.hpp"

using namespace wafer;

namespace {

/// Frequencies as the papers define them; the bounds of YaRN's ramp found by bisection, not by logarithms.
/// Su et al., eq. 15: theta_i = base^(-2i/d). Peng et al., section 3.2: a pair that turns more than beta_fast times in the
/// trained context keeps its frequency, one that turns less than beta_slow times is slowed by the factor, and in between (from
/// one whole pair number to another) the share falls linearly.
std::vector<double> frequencies_by_hand(const rope_config& c, std::span<const float> divisors) {
    const auto d = static_cast<double>(c.d_rope);
    const auto theta = [&](double i) { return std::exp(-2 * i / d * std::log(c.base)); };
    const auto pair_of = [&](double turns) {
        double low = -d, high = 2 * d;
        for (int step = 0; step < 200; ++step) {
            const double middle = (low + high) / 2;
            (c.original_context * theta(middle) / (2 * std::numbers::pi) > turns ? low : high) = middle;
        }
        return low;
    };
    std::vector<double> f;
    for (std::size_t i = 0; i < c.d_rope / 2; ++i) {
        double keep = theta(static_cast<double>(i));
        if (!divisors.empty()) keep /= static_cast<double>(divisors[i]);
        if (c.scaling == rope_scaling::none) {
            f.push_back(keep);
        } else if (c.scaling == rope_scaling::linear) {
            f.push_back(keep / c.factor);
        } else {
            const double first = std::max(std::floor(pair_of(c.beta_fast)), 0.0),
                         last = std::min(std::ceil(pair_of(c.beta_slow)), d - 1);
            const double slowed = std::clamp((static_cast<double>(i) - first) / (last - first), 0.0, 1.0);
            f.push_back(slowed * keep / c.factor + (1 - slowed) * keep);
        }
    }
    return f;
}

}  // namespace

TEST_SUITE("kernel.rope") {

    TEST_CASE("rope: rotates as complex numbers turn, in both pair styles and under every scaling") {
        const std::size_t d = 64;
        std::vector<float> divisors(d / 2);
        for (std::size_t i = 0; i < divisors.size(); ++i) divisors[i] = 1 + 7 * static_cast<float>(i) / 31;
        const rope_config configs[] = {
            {.d_rope = d},
            {.d_rope = d, .base = 500000},
            {.d_rope = d, .scaling = rope_scaling::linear, .factor = 4},
            {.d_rope = d, .base = 1e6, .scaling = rope_scaling::yarn, .factor = 4, .original_context = 32768},
            {.d_rope = d,
             .scaling = rope_scaling::yarn,
             .factor = 40,
             .original_context = 4096,
             .attention_factor = 0.7},
        };
        test::on_all([&](const simd::kernel_table& table, std::size_t workers) {
            for (auto c : configs)
                for (const auto pairs : {rope_pairs::interleaved, rope_pairs::half})
                    for (const bool divided : {false, true}) {
                        c.pairs = pairs;
                        const std::span<const float> by =
                            divided ? std::span<const float>(divisors) : std::span<const float>{};
                        const rope_frequencies rope(c, by);
                        const auto want = frequencies_by_hand(c, by);
                        const double magnitude =
                            c.scaling == rope_scaling::yarn ? c.attention_factor * (1 + 0.1 * std::log(c.factor)) : 1;
                        test::rig r(table, workers);
                        const std::size_t n_tok = 40, pos = 100000, width = d + 6;  // the last six are not rotated
                        const auto angles = take_angles(r.ctx, rope, pos, n_tok);
                        test::random_bits random(9);
                        test::own_batch x(n_tok, width, false), before(n_tok, width, false);
                        before.fill(random, table);
                        x.x = before.x;
                        x.view.x = x.x.data();
                        double worst = 0;
                        for (std::size_t t = 0; t < n_tok; ++t) {
                            angles.rotate(table, t, x.view.row(t));
                            for (std::size_t i = 0; i < d / 2; ++i) {
                                const std::size_t a = pairs == rope_pairs::half ? i : 2 * i,
                                                  b = pairs == rope_pairs::half ? i + d / 2 : 2 * i + 1;
                                const std::complex<double> z(static_cast<double>(before.row(t)[a]),
                                                             static_cast<double>(before.row(t)[b]));
                                const auto turned = z * std::polar(magnitude, static_cast<double>(pos + t) * want[i]);
                                const std::complex<double> got(static_cast<double>(x.row(t)[a]),
                                                               static_cast<double>(x.row(t)[b]));
                                // Per component: cosine and sine rounded, two products, one sum: 5 roundings of |z|; and the angle,
                                // 1e5 radians at most, to a few double roundings of itself.
                                worst = std::max(worst,
                                                 std::abs(got - turned) /
                                                     (std::abs(z) * magnitude * (std::sqrt(2.0) * 5 * 0x1p-24 + 1e-9)));
                            }
                            for (std::size_t i = d; i < width; ++i) CHECK(x.row(t)[i] == before.row(t)[i]);
                        }
                        CHECK(worst <= 1.0);
                    }
        });
    }

    TEST_CASE("rope: the ramp of YaRN keeps fast pairs and slows slow ones by the whole factor") {
        const rope_config c{.d_rope = 128, .scaling = rope_scaling::yarn, .factor = 8, .original_context = 4096};
        const rope_frequencies rope(c, {}), plain({.d_rope = 128}, {});
        const double m = 1 + 0.1 * std::log(8.0);
        // At the eighth of a turn of the fastest pair that is easy to read: position 1 of pair 0 is one radian.
        std::vector<float> cosines(64), sines(64), plain_c(64), plain_s(64);
        rope.angles(1, cosines.data(), sines.data());
        plain.angles(1, plain_c.data(), plain_s.data());
        CHECK(std::atan2(sines[0], cosines[0]) == doctest::Approx(1.0));
        CHECK(std::hypot(sines[0], cosines[0]) == doctest::Approx(m));
        CHECK(std::atan2(sines[63], cosines[63]) == doctest::Approx(std::atan2(plain_s[63], plain_c[63]) / 8));
    }

    TEST_CASE("rope: senseless parameters give senseless numbers, but no crash") {
        for (const double original : {0.0, 1e-300, 1e300})
            for (const double base : {1.0, 1e300}) {
                const rope_frequencies rope({.d_rope = 8,
                                             .base = base,
                                             .scaling = rope_scaling::yarn,
                                             .factor = 1e-300,
                                             .original_context = original},
                                            {});
                float c[4], s[4];
                rope.angles(~std::size_t{0}, c, s);
                CHECK(rope.n_pairs() == 4);
            }
        CHECK(rope_frequencies({.d_rope = 0}, {}).n_pairs() == 0);
    }
}

// SPDX-License-Identifier: MIT
#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include <wafer/simd/kernels.hpp>
#include <wafer/tensor/block.hpp>
#include <wafer/tensor/unpack.hpp>

#include "blocks.hpp"

using namespace wafer;
using simd::kernel_table;

namespace {

constexpr double eps = 0x1p-24;  // half an ulp of 1: the relative error of one rounding

/// What select() may choose from, and those of AVX-512 that this machine's own list hides behind a better one.
std::vector<const kernel_table*> tables() {
    std::vector<const kernel_table*> all;
    for (const auto* t : simd::available_targets()) all.push_back(t);
#if WAFER_DISPATCH
    if (simd::host_features().avx512_vnni) all.push_back(&simd::t_avx512::table);
    if (simd::host_features().avx512_bf16) all.push_back(&simd::t_avx512_vnni::table);
#endif
    return all;
}

/// Random activations of n_tok tokens in all forms.
struct batch {
    batch(const kernel_table& t, std::size_t n_tok, std::size_t k, test::random_bits& random)
        : ld((k + 31) / 32 * 32), x(n_tok * ld, std::numeric_limits<float>::quiet_NaN()), q(n_tok * ld),
          scale(n_tok * ld / 32), sum(n_tok * ld / 16) {
        for (std::size_t i = 0; i < n_tok; ++i) {
            for (std::size_t j = 0; j < k; ++j) x[i * ld + j] = random.uniform(-3, 3);
            t.quantize(x.data() + i * ld, k, q.data() + i * ld, scale.data() + i * ld / 32, sum.data() + i * ld / 16);
        }
    }
    simd::activations view(std::size_t first = 0) const {
        return {x.data() + first * ld, q.data() + first * ld, scale.data() + first * ld / 32,
                sum.data() + first * ld / 16, ld};
    }
    std::size_t ld;
    std::vector<float> x;
    std::vector<std::int8_t> q;
    std::vector<float> scale;
    std::vector<std::int32_t> sum;
};

struct packed {
    packed(dtype of, std::size_t n_rows, std::size_t n_columns, test::random_bits& random)
        : type(of), n(n_rows), k(n_columns), rows(test::random_rows(type, n, k, random)),
          store(n / 16 * simd::panel_bytes(type, k) + 64) {
        const auto at = reinterpret_cast<std::uintptr_t>(store.data());
        panels = store.data() + (64 - at % 64) % 64;
        const std::size_t stride = row_bytes(type, k);
        for (std::size_t p = 0; p < n / 16; ++p)
            pack_panel(type, rows.data() + 16 * p * stride, stride, 16, k, panels + p * simd::panel_bytes(type, k));
    }
    /// Weights, and for each the sum of the magnitudes that it is the difference of.
    void decode(std::size_t row, std::vector<double>& w, std::vector<double>& magnitude) const {
        const std::byte* src = rows.data() + row * row_bytes(type, k);
        std::vector<float> values(k);
        decode_row(type, src, k, values.data());
        w.assign(values.begin(), values.end());
        magnitude.resize(k);
        for (std::size_t i = 0; i < k; ++i) magnitude[i] = std::fabs(w[i]);
        visit_block_type(type, [&]<class Block>() {
            split_block b;
            for (std::size_t i = 0; i < k; ++i) {
                const std::size_t length = info(type).block_len;
                if (i % length == 0) split(load_le<Block>(src + i / length * sizeof(Block)), b);
                magnitude[i] += 2 * std::fabs(double(b.m) * b.minimum[i % length / 16]);
            }
        });
    }
    dtype type;
    std::size_t n, k;
    std::vector<std::byte> rows, store;
    std::byte* panels = nullptr;
};

std::size_t some_k(dtype type, std::size_t blocks) {
    return is_float(type) ? 137 * blocks + blocks % 2 : info(type).block_len * blocks;
}

/// Sets WAFER_TARGET; empty: takes it away.
void name_target(const std::string& name) {
#if defined(_WIN32)
    REQUIRE(::_putenv_s("WAFER_TARGET", name.c_str()) == 0);
#else
    REQUIRE((name.empty() ? ::unsetenv("WAFER_TARGET") : ::setenv("WAFER_TARGET", name.c_str(), 1)) == 0);
#endif
}

}  // namespace

TEST_SUITE("simd") {

    TEST_CASE("matmul: every type on every target is the exact sum within the roundings it makes") {
        for (const auto* t : tables()) {
            test::random_bits random(11);
            for (const auto& d : dtypes) {
                CAPTURE(t->features);
                CAPTURE(d.name);
                for (const std::size_t blocks : {1u, 2u, 3u, 9u}) {
                    for (const std::size_t n_tok : {1u, 2u, 5u, 19u}) {
                        const std::size_t k = some_k(d.type, blocks), n = 80;
                        const packed w(d.type, n, k, random);
                        const batch a(*t, n_tok, k, random);
                        const std::size_t ld_y = n + 3;
                        std::vector<float> y(n_tok * ld_y, -77.0f);
                        t->matmul[static_cast<std::size_t>(d.type)](w.panels, n / 16, k, a.view(), n_tok, y.data(),
                                                                    ld_y);
                        std::vector<double> weights, magnitude;
                        double worst = 0;
                        for (std::size_t r = 0; r < n; ++r) {
                            w.decode(r, weights, magnitude);
                            for (std::size_t i = 0; i < n_tok; ++i) {
                                double exact = 0, terms = 0;
                                for (std::size_t j = 0; j < k; ++j) {
                                    const float given = a.x[i * a.ld + j];
                                    const double x = test::rounds_activations(*t, d.type) ? double(float(bf16(given)))
                                                     : is_float(d.type)
                                                         ? double(given)
                                                         : double(a.scale[i * a.ld / 32 + j / 32]) * a.q[i * a.ld + j];
                                    exact += weights[j] * x;
                                    terms += magnitude[j] * std::fabs(x);
                                }
                                // Two roundings a product where there is no fma; blocked types: a scale and a sum for each
                                // 16 elements, and the same for a minimum.
                                const double steps = is_float(d.type) ? 2.0 * static_cast<double>(k)
                                                                      : static_cast<double>(k) / 16 * 4 + 4;
                                const double bound = steps * eps * terms * 1.01;
                                worst = std::max(worst, std::fabs(y[i * ld_y + r] - exact) - bound);
                            }
                        }
                        CHECK(worst <= 0);
                        for (std::size_t i = 0; i < n_tok; ++i)
                            for (std::size_t r = n; r < ld_y; ++r) CHECK(y[i * ld_y + r] == -77.0f);
                    }
                }
            }
        }
    }

    TEST_CASE("matmul: a token gets the same bits alone, in any batch, and with any number of panels") {
        for (const auto* t : tables()) {
            test::random_bits random(12);
            for (const auto& d : dtypes) {
                CAPTURE(t->features);
                CAPTURE(d.name);
                const auto matmul = t->matmul[static_cast<std::size_t>(d.type)];
                const std::size_t k = some_k(d.type, 3), n = 144, n_tok = 37;
                const packed w(d.type, n, k, random);
                const batch a(*t, n_tok, k, random);
                std::vector<float> together(n_tok * n), alone(n_tok * n), cut(n_tok * n);
                matmul(w.panels, n / 16, k, a.view(), n_tok, together.data(), n);
                for (std::size_t i = 0; i < n_tok; ++i)
                    matmul(w.panels, n / 16, k, a.view(i), 1, alone.data() + i * n, n);
                for (std::size_t p = 0; p < n / 16; ++p) {
                    const std::byte* panel = w.panels + p * simd::panel_bytes(d.type, k);
                    matmul(panel, 1, k, a.view(), 3, cut.data() + 16 * p, n);
                    matmul(panel, 1, k, a.view(3), n_tok - 3, cut.data() + 3 * n + 16 * p, n);
                }
                CHECK(std::memcmp(together.data(), alone.data(), together.size() * sizeof(float)) == 0);
                CHECK(std::memcmp(together.data(), cut.data(), together.size() * sizeof(float)) == 0);
            }
        }
    }

    TEST_CASE("matmul: integer sums are exact at the extremes of codes and activations") {
        for (const auto* t : tables()) {
            for (const auto& d : dtypes) {
                if (is_float(d.type)) continue;
                CAPTURE(t->features);
                CAPTURE(d.name);
                const std::size_t k = d.block_len;
                for (const int byte : {0x00, 0xff, 0x80, 0x7f}) {
                    for (const int sign : {-1, 1}) {
                        std::vector<std::byte> rows(16 * row_bytes(d.type, k), static_cast<std::byte>(byte));
                        for (std::size_t r = 0; r < 16; ++r) {
                            visit_block_type(d.type, [&]<class Block>() {
                                auto* p = rows.data() + r * sizeof(Block);
                                auto block = load_le<Block>(p);
                                if constexpr (requires { block.d; }) block.d = f16(1.0f);
                                if constexpr (requires { block.m; }) block.m = f16(-1.0f);
                                if constexpr (requires { block.dmin; }) block.dmin = f16(1.0f);
                                if constexpr (requires { block.exponent; }) block.exponent = 128;
                                std::memcpy(p, &block, sizeof block);
                            });
                        }
                        std::vector<std::byte> store(simd::panel_bytes(d.type, k) + 64);
                        const auto at = reinterpret_cast<std::uintptr_t>(store.data());
                        std::byte* panel = store.data() + (64 - at % 64) % 64;
                        pack_panel(d.type, rows.data(), row_bytes(d.type, k), 16, k, panel);
                        std::vector<std::int8_t> q(k, static_cast<std::int8_t>(127 * sign));
                        std::vector<float> scale(k / 32, 1.0f), w(k);
                        std::vector<std::int32_t> sum(k / 16, 16 * 127 * sign);
                        float y[16];
                        t->matmul[static_cast<std::size_t>(d.type)](
                            panel, 1, k, {nullptr, q.data(), scale.data(), sum.data(), k}, 1, y, 16);
                        decode_row(d.type, rows.data(), k, w.data());
                        double exact = 0, terms = 0;
                        for (const float v : w) {
                            exact += 127.0 * sign * v;
                            terms += 127.0 * (std::fabs(v) + 2 * 63);
                        }
                        // Whole numbers: exact as long as they stay below 2^24.
                        for (const float v : y)
                            CHECK(std::fabs(v - exact) <= (terms < 0x1p24 ? 0.0 : 64 * eps * terms));
                    }
                }
            }
        }
    }

    TEST_CASE("quantize: codes are within half a step, sums are theirs, zeros stay zero, nothing is undefined") {
        for (const auto* t : tables()) {
            CAPTURE(t->features);
            test::random_bits random(13);
            for (const std::size_t k : {1u, 31u, 32u, 33u, 64u, 100u, 256u}) {
                const std::size_t whole = (k + 31) / 32 * 32;
                std::vector<float> x(k), scale(whole / 32);
                std::vector<std::int8_t> q(whole, 99);
                std::vector<std::int32_t> sum(whole / 16, 99);
                for (auto& v : x) v = random.uniform(-5, 5);
                if (k >= 64) std::fill(x.begin() + 32, x.begin() + 64, 0.0f);
                t->quantize(x.data(), k, q.data(), scale.data(), sum.data());
                for (std::size_t b = 0; b < whole / 32; ++b) {
                    float top = 0;
                    for (std::size_t i = 32 * b; i < std::min(k, 32 * b + 32); ++i)
                        top = std::max(top, std::fabs(x[i]));
                    CHECK(std::fabs(scale[b] * 127 - top) <= 2 * eps * top);
                    std::int32_t sums[2] = {};
                    for (std::size_t i = 32 * b; i < 32 * b + 32; ++i) {
                        sums[i % 32 / 16] += q[i];
                        if (i >= k) CHECK(q[i] == 0);
                        else CHECK(std::fabs(double(scale[b]) * q[i] - x[i]) <= 0.5 * scale[b] * (1 + 127 * 8 * eps));
                    }
                    CHECK(sums[0] == sum[2 * b]);
                    CHECK(sums[1] == sum[2 * b + 1]);
                }
            }
            // 127 divides evenly: codes are the values themselves, halves go to even.
            std::vector<float> x(32, 0.0f);
            x[0] = 127.0f, x[1] = 0.5f, x[2] = 1.5f, x[3] = -0.5f, x[4] = -2.5f;
            std::int8_t q[32];
            float scale;
            std::int32_t sum[2];
            t->quantize(x.data(), 32, q, &scale, sum);
            CHECK((q[0] == 127 && q[1] == 0 && q[2] == 2 && q[3] == 0 && q[4] == -2));
            for (const float odd : {INFINITY, -INFINITY, NAN, 1e-44f, 3e38f}) {
                x[7] = odd;
                t->quantize(x.data(), 32, q, &scale, sum);
                for (const int v : q) CHECK((v >= -127 && v <= 127));
            }
            std::fill(x.begin(), x.end(), 1e-40f);
            t->quantize(x.data(), 32, q, &scale, sum);
            CHECK(scale == 0.0f);
            CHECK((q[0] == 0 && q[31] == 0 && sum[0] == 0));
        }
    }

    TEST_CASE("row operations: each is its equation within its roundings, at every length") {
        for (const auto* t : tables()) {
            CAPTURE(t->features);
            test::random_bits random(14);
            for (const std::size_t n : {1u, 2u, 7u, 8u, 15u, 16u, 17u, 63u, 64u, 65u, 200u}) {
                CAPTURE(n);
                std::vector<float> x(n), w(n), y(n + 1, -77.0f);
                const auto fill = [&](std::vector<float>& v) {
                    for (auto& e : v) e = random.uniform(-3, 3);
                };
                fill(x), fill(w);

                t->rms_norm(x.data(), w.data(), n, 1e-5f, y.data());
                double squares = 0;
                for (const float v : x) squares += double(v) * v;
                const double factor = 1 / std::sqrt(squares / static_cast<double>(n) + double(1e-5f));
                // The sum's terms are positive: at most n + 1 roundings, halved by the root; then five more.
                for (std::size_t i = 0; i < n; ++i) {
                    const double exact = x[i] * factor * w[i];
                    CHECK(std::fabs(y[i] - exact) <= (static_cast<double>(n + 1) / 2 + 6) * eps * std::fabs(exact));
                }
                CHECK(y[n] == -77.0f);
                std::vector<float> same = x;
                t->rms_norm(same.data(), w.data(), n, 1e-5f, same.data());
                CHECK(std::memcmp(same.data(), y.data(), n * sizeof(float)) == 0);

                std::vector<float> z(n + 1, -77.0f);
                std::copy(w.begin(), w.end(), z.begin());
                t->add(z.data(), x.data(), n);
                for (std::size_t i = 0; i < n; ++i) CHECK(z[i] == w[i] + x[i]);
                std::copy(w.begin(), w.end(), z.begin());
                t->add_scaled(z.data(), x.data(), 1.7f, n);
                for (std::size_t i = 0; i < n; ++i)
                    CHECK(std::fabs(z[i] - (w[i] + double(1.7f) * x[i])) <=
                          2 * eps * (std::fabs(w[i]) + 1.7 * std::fabs(x[i])));
                std::copy(w.begin(), w.end(), z.begin());
                t->scale(z.data(), 1.7f, n);
                for (std::size_t i = 0; i < n; ++i) CHECK(z[i] == 1.7f * w[i]);
                t->swiglu(x.data(), w.data(), n, z.data());
                for (std::size_t i = 0; i < n; ++i) {
                    const double exact = x[i] / (1 + std::exp(-double(x[i]))) * w[i];
                    CHECK(std::fabs(z[i] - exact) <= (2e-7 + 4 * eps) * std::fabs(exact));
                }
                CHECK(z[n] == -77.0f);

                CHECK(t->max(x.data(), n) == *std::max_element(x.begin(), x.end()));
                const float top = t->max(x.data(), n);
                std::copy(x.begin(), x.end(), z.begin());
                const float total = t->exp_sum(z.data(), n, top);
                double exact_total = 0;
                for (std::size_t i = 0; i < n; ++i) {
                    const double exact = std::exp(double(x[i]) - top);
                    exact_total += exact;
                    CHECK(std::fabs(z[i] - exact) <= (2e-7 + 6 * eps) * exact);  // |x - max| <= 6 is rounded once
                }
                CHECK(std::fabs(total - exact_total) <= (2e-7 + (6 + static_cast<double>(n)) * eps) * exact_total);
                CHECK(z[n] == -77.0f);
            }
        }
    }

    TEST_CASE("exp_sum: the exponential holds 2e-7 over its range, ends in zero and never decreases") {
        for (const auto* t : tables()) {
            CAPTURE(t->features);
            std::vector<float> x, e;
            for (int i = -87 * 512; i <= 0; ++i)
                x.push_back(static_cast<float>(i) / 512 + 0.0007f * static_cast<float>(i % 3));
            e = x;
            t->exp_sum(e.data(), e.size(), 0.0f);
            double worst = 0;
            for (std::size_t i = 0; i < x.size(); ++i)
                worst = std::max(worst, std::fabs(e[i] / std::exp(double(x[i])) - 1));
            CHECK(worst <= 2e-7);
            float ends[5] = {-INFINITY, -1e30f, -88.0f, 0.0f, NAN};
            t->exp_sum(ends, 5, 0.0f);
            CHECK((ends[0] == 0.0f && ends[1] == 0.0f && ends[2] == 0.0f && ends[3] == 1.0f));
            CHECK(std::isnan(ends[4]));
            // Large gates: silu(v) = v, silu(-v) = 0.
            float gate[4] = {88.0f, -88.0f, 500.0f, -500.0f}, up[4] = {1, 1, 1, 1}, out[4];
            t->swiglu(gate, up, 4, out);
            CHECK((out[0] == 88.0f && out[2] == 500.0f));
            CHECK((std::fabs(out[1]) < 1e-30f && std::fabs(out[3]) < 1e-30f));
        }
    }

    TEST_CASE("rope: both pairings rotate by the given angle") {
        for (const auto* t : tables()) {
            CAPTURE(t->features);
            test::random_bits random(15);
            for (const std::size_t pairs : {1u, 3u, 16u, 37u}) {
                std::vector<float> x(2 * pairs), c(pairs), s(pairs);
                for (auto& v : x) v = random.uniform(-2, 2);
                for (std::size_t i = 0; i < pairs; ++i) {
                    const float angle = random.uniform(-3, 3);
                    c[i] = std::cos(angle), s[i] = std::sin(angle);
                }
                for (const bool half : {false, true}) {
                    std::vector<float> y = x;
                    (half ? t->rope_half : t->rope_interleaved)(y.data(), c.data(), s.data(), pairs);
                    for (std::size_t i = 0; i < pairs; ++i) {
                        const std::size_t a = half ? i : 2 * i, b = half ? i + pairs : 2 * i + 1;
                        const double size = std::fabs(x[a]) + std::fabs(x[b]);
                        CHECK(std::fabs(y[a] - (double(x[a]) * c[i] - double(x[b]) * s[i])) <= 2 * eps * size);
                        CHECK(std::fabs(y[b] - (double(x[a]) * s[i] + double(x[b]) * c[i])) <= 2 * eps * size);
                    }
                }
            }
        }
    }

    TEST_CASE("store_row and weighted_rows: a cache's rows come back weighted, the same bits for one token and many") {
        for (const auto* t : tables()) {
            test::random_bits random(16);
            for (const auto& d : dtypes) {
                const auto store = t->store_row[static_cast<std::size_t>(d.type)];
                const auto weighted = t->weighted_rows[static_cast<std::size_t>(d.type)];
                const bool cache_type = is_float(d.type) || d.type == dtype::q8_0;
                REQUIRE((store != nullptr) == cache_type);
                REQUIRE((weighted != nullptr) == cache_type);
                if (!cache_type) continue;
                CAPTURE(t->features);
                CAPTURE(d.name);
                for (const std::size_t width : {32u, 64u, 96u, 13u, 40u, 63u}) {
                    if (d.type == dtype::q8_0 && width % 32 != 0) continue;
                    const std::size_t n = 11, n_tok = 7, stride = row_bytes(d.type, width) + 6, ld_p = n + 2,
                                      ld_out = width + 1;
                    std::vector<std::byte> v(n * stride);
                    std::vector<std::vector<float>> rows(n, std::vector<float>(width));
                    for (std::size_t i = 0; i < n; ++i) {
                        std::vector<float> x(width);
                        for (auto& e : x) e = random.uniform(-3, 3);
                        store(x.data(), width, v.data() + i * stride);
                        decode_row(d.type, v.data() + i * stride, width, rows[i].data());
                        for (std::size_t j = 0; j < width; ++j) {
                            if (d.type == dtype::f32) CHECK(rows[i][j] == x[j]);
                            if (d.type == dtype::f16) CHECK(rows[i][j] == float(f16(x[j])));
                            if (d.type == dtype::bf16) CHECK(rows[i][j] == float(bf16(x[j])));
                            if (d.type == dtype::q8_0)
                                CHECK(std::fabs(rows[i][j] - x[j]) <= 3.0f / 127 * (0.5f + 127 * 0x1p-11f) * 1.001f);
                        }
                    }
                    std::vector<float> p(n_tok * ld_p), out(n_tok * ld_out), one;
                    for (auto& e : p) e = random.uniform(0, 1);
                    for (auto& e : out) e = random.uniform(-1, 1);
                    const std::vector<float> before = out;
                    weighted(p.data(), ld_p, n_tok, v.data(), stride, n, width, out.data(), ld_out);
                    for (std::size_t i = 0; i < n_tok; ++i) {
                        one.assign(before.begin() + static_cast<std::ptrdiff_t>(i * ld_out),
                                   before.begin() + static_cast<std::ptrdiff_t>((i + 1) * ld_out));
                        weighted(p.data() + i * ld_p, ld_p, 1, v.data(), stride, n, width, one.data(), ld_out);
                        CHECK(std::memcmp(one.data(), out.data() + i * ld_out, ld_out * sizeof(float)) == 0);
                        for (std::size_t j = 0; j < width; ++j) {
                            double exact = before[i * ld_out + j], terms = std::fabs(exact);
                            for (std::size_t r = 0; r < n; ++r) {
                                exact += double(p[i * ld_p + r]) * rows[r][j];
                                terms += std::fabs(double(p[i * ld_p + r]) * rows[r][j]);
                            }
                            CHECK(std::fabs(out[i * ld_out + j] - exact) <=
                                  (2 * static_cast<double>(n) + 2) * eps * terms);
                        }
                    }
                }
            }
        }
    }

    TEST_CASE("table: a number that is no target is none of this machine's") {
        for (const int n : {3, 77, 255}) {
            const auto failed = error_of([&] { (void)simd::table(static_cast<simd::target>(n)); });
            REQUIRE(failed);
            CHECK(failed->code() == errc::target_unavailable);
        }
        CHECK(simd::table(simd::target::static_target).name == std::string("static"));
    }

    TEST_CASE("select: takes the best target, or the one that WAFER_TARGET names, or says which there are") {
        const char* before = std::getenv("WAFER_TARGET");
        const std::string saved = before != nullptr ? before : "";
        name_target("");
        const auto all = simd::available_targets();
        CHECK(&simd::select() == all.back());
        CHECK(all.front()->id == simd::target::static_target);
        for (const auto* t : all) {
            name_target(std::string(t->name));
            CHECK(&simd::select() == t);
            CHECK(&simd::table(t->id) == t);
        }
        name_target("avx1024");
        try {
            static_cast<void>(simd::select());
            FAIL("an unknown target was accepted");
        } catch (const error& e) {
            CHECK(e.code() == errc::target_unavailable);
            for (const auto* t : all) CHECK(std::string(e.what()).find(t->name) != std::string::npos);
        }
        name_target(saved);
    }
}

// SPDX-License-Identifier: MIT
#include <cmath>
#include <cstring>
#include <vector>

#include <doctest/doctest.h>

#include <wafer/tensor/unpack.hpp>

#include "../simd/blocks.hpp"

using namespace wafer;

namespace {

struct aligned_panels {
    explicit aligned_panels(std::size_t bytes) : store(bytes + 64, std::byte{0xa5}) {}
    std::byte* data() {
        const auto at = reinterpret_cast<std::uintptr_t>(store.data());
        return store.data() + (64 - at % 64) % 64;
    }
    std::vector<std::byte> store;
};

bool same_bits(const std::vector<float>& a, const std::vector<float>& b) {
    return std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0;
}

}  // namespace

TEST_SUITE("tensor") {

    TEST_CASE("pack_panel: unpack_row gives the bits that decode_row gives, for every type and number of rows") {
        test::random_bits random(7);
        for (const auto& d : dtypes) {
            CAPTURE(d.name);
            for (const std::size_t blocks : {1u, 2u, 3u, 9u}) {
                const std::size_t k = blocks * d.block_len;
                for (const std::size_t n_rows : {1u, 3u, 15u, 16u}) {
                    const std::size_t stride = row_bytes(d.type, k);
                    const auto rows = test::random_rows(d.type, n_rows, k, random);
                    const std::size_t bytes = simd::panel_bytes(d.type, k);
                    REQUIRE(bytes % 64 == 0);
                    aligned_panels panel(bytes);
                    pack_panel(d.type, rows.data(), stride, n_rows, k, panel.data());
                    for (std::size_t r = 0; r < 16; ++r) {
                        std::vector<float> expected(k, 0.0f), got(k);
                        unpack_row(d.type, panel.data(), r, k, got.data());
                        if (r < n_rows) {
                            decode_row(d.type, rows.data() + r * stride, k, expected.data());
                            CHECK(same_bits(expected, got));
                        } else {
                            for (float& x : got) x = std::fabs(x);  // an offset makes the zero negative
                            CHECK(same_bits(expected, got));
                        }
                    }
                    for (std::size_t i = bytes; i < panel.store.size() - 64; ++i)
                        CHECK(panel.data()[i] == std::byte{0xa5});
                }
            }
        }
    }

    TEST_CASE("pack_panel: a panel's bytes are a function of the rows alone") {
        test::random_bits random(8);
        for (const auto& d : dtypes) {
            CAPTURE(d.name);
            const std::size_t k = 3 * d.block_len, bytes = simd::panel_bytes(d.type, k);
            const auto rows = test::random_rows(d.type, 16, k, random);
            aligned_panels a(bytes), b(bytes);
            std::memset(b.data(), 0x3c, bytes);
            pack_panel(d.type, rows.data(), row_bytes(d.type, k), 16, k, a.data());
            pack_panel(d.type, rows.data(), row_bytes(d.type, k), 16, k, b.data());
            CHECK(std::memcmp(a.data(), b.data(), bytes) == 0);
        }
    }

    TEST_CASE("panel_bytes: residency costs little more than the file") {
        for (const auto& d : dtypes) {
            CAPTURE(d.name);
            const auto file = static_cast<double>(16 * row_bytes(d.type, 4096));
            const auto panel = static_cast<double>(simd::panel_bytes(d.type, 4096));
            if (d.type == dtype::tq1_0) CHECK(panel < 1.23 * file);  // five digits a byte become four codes a byte
            else CHECK(panel < 1.04 * file);
        }
    }

    TEST_CASE("store_in_panel: rows of a growing cache hold what was stored, rounded as the type rounds") {
        test::random_bits random(9);
        for (const dtype type : {dtype::f32, dtype::f16, dtype::bf16, dtype::q8_0}) {
            CAPTURE(to_string(type));
            for (const std::size_t k : {32u, 96u}) {
                aligned_panels panel(simd::panel_bytes(type, k));
                std::vector<std::vector<float>> rows;
                for (std::size_t r = 0; r < 16; ++r) {
                    std::vector<float> x(k);
                    for (auto& v : x) v = random.uniform(-4, 4);
                    if (r == 5) std::fill(x.begin(), x.end(), 0.0f);
                    rows.push_back(x);
                    store_in_panel(type, x.data(), k, panel.data(), r);
                }
                for (std::size_t r = 0; r < 16; ++r) {
                    std::vector<float> got(k);
                    unpack_row(type, panel.data(), r, k, got.data());
                    for (std::size_t i = 0; i < k; ++i) {
                        const float x = rows[r][i];
                        if (type == dtype::f32) CHECK(got[i] == x);
                        if (type == dtype::f16) CHECK(got[i] == float(f16(x)));
                        if (type == dtype::bf16) CHECK(got[i] == float(bf16(x)));
                        // half a step, and the scale's own rounding (2^-11) over up to 127 steps
                        if (type == dtype::q8_0)
                            CHECK(std::fabs(got[i] - x) <= 4.0f / 127 * (0.5f + 127 * 0x1p-11f) * 1.001f);
                    }
                }
            }
        }
    }

    TEST_CASE("store_in_panel: infinities and NaN give some code, not undefined behaviour") {
        std::vector<float> x(32, 1.0f);
        x[3] = INFINITY;
        x[4] = -INFINITY;
        x[5] = NAN;
        aligned_panels panel(simd::panel_bytes(dtype::q8_0, 32));
        store_in_panel(dtype::q8_0, x.data(), 32, panel.data(), 0);
        std::vector<float> got(32);
        unpack_row(dtype::q8_0, panel.data(), 0, 32, got.data());
        CHECK(!std::isfinite(got[3]));  // the scale is infinite
    }
}

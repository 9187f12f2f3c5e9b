// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <wafer/simd/panel.hpp>
#include <wafer/tensor/block_layout.hpp>

using namespace wafer;

TEST_SUITE("simd") {

    TEST_CASE("panel_bytes: whole cache lines for every type and length") {
        for (const auto& d : dtypes) {
            CAPTURE(d.name);
            CHECK(simd::panel_bytes(d.type, 0) == 0);
            for (std::size_t blocks = 1; blocks < 20; ++blocks) {
                const std::size_t k = blocks * d.block_len;
                CHECK(simd::panel_bytes(d.type, k) % 64 == 0);
                CHECK(simd::panel_bytes(d.type, k) >= 16 * row_bytes(d.type, k));
                CHECK(simd::panel_bytes(d.type, k) >= simd::panel_bytes(d.type, k - d.block_len));
            }
        }
    }

    TEST_CASE("panel_format_of: values of codes agree with the block formats, minus the offset") {
        for (const auto& d : dtypes) {
            CAPTURE(d.name);
            visit_block_type(d.type, [&]<class Block>() {
                constexpr auto f = simd::panel_format_of(Block::type);
                for (unsigned code = 0; code < 1u << (f.low_bits + f.high_bits); ++code) {
                    int value = static_cast<int>(code);
                    if (f.book == simd::codebook::iq4) value = simd::iq4_codebook[code];
                    if (f.book == simd::codebook::mxfp4) value = simd::mxfp4_codebook[code];
                    CHECK(value - f.offset == Block::value(code));
                    CHECK(value <= f.max_value);
                }
            });
        }
    }

    TEST_CASE("panel_bytes: sizes of a row of 256 elements, by hand") {
        using simd::panel_bytes;
        CHECK(panel_bytes(dtype::f32, 3) == 192);
        CHECK(panel_bytes(dtype::f16, 3) == 128);
        CHECK(panel_bytes(dtype::bf16, 3) == 128);
        CHECK(panel_bytes(dtype::q8_0, 32) == 64 + 512);
        CHECK(panel_bytes(dtype::q8_0, 256) == 8 * 32 + 8 * 512);
        CHECK(panel_bytes(dtype::q4_1, 256) == 8 * 64 + 8 * 256);
        CHECK(panel_bytes(dtype::mxfp4, 256) == 8 * 16 + 8 * 256);
        CHECK(panel_bytes(dtype::q2_k, 256) == 64 + 256 + 8 * 128);
        CHECK(panel_bytes(dtype::q3_k, 256) == 320 + 8 * 192);  // 32 + 256, padded
        CHECK(panel_bytes(dtype::q4_k, 256) == 64 + 256 + 8 * 256);
        CHECK(panel_bytes(dtype::q5_k, 256) == 64 + 256 + 8 * 320);
        CHECK(panel_bytes(dtype::q6_k, 256) == 320 + 8 * 384);
        CHECK(panel_bytes(dtype::iq4_xs, 256) == 192 + 8 * 256);  // 32 + 128, padded
        CHECK(panel_bytes(dtype::tq1_0, 256) == 64 + 8 * 128);
    }
}

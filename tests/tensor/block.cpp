// SPDX-License-Identifier: MIT
#include <algorithm>
#include <bit>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <fstream>
#include <sstream>
#include <string>
#include <support/quantize.hpp>
#include <vector>

#include <doctest/doctest.h>

#include <wafer/tensor/block.hpp>

namespace {

std::vector<std::byte> from_hex(const std::string& hex) {
    std::vector<std::byte> out(hex.size() / 2);
    for (std::size_t i = 0; i < out.size(); ++i) {
        unsigned byte = 0;
        std::from_chars(hex.data() + 2 * i, hex.data() + 2 * i + 2, byte, 16);
        out[i] = static_cast<std::byte>(byte);
    }
    return out;
}

std::vector<float> numbers(const std::string& line) {
    std::istringstream in(line.substr(line.find(' ')));
    std::vector<float> out;
    for (std::string text; in >> text;) out.push_back(std::stof(text));
    return out;
}

/// One format of the reference: ggml's bytes for the common input, and what ggml reads them as.
struct reference {
    wafer::dtype type;
    std::size_t block_len, block_bytes;
    std::vector<std::byte> blocks;
    std::vector<float> values;
};

/// The reference for every format that wafer reads; `input` receives what ggml quantised.
std::vector<reference> read_reference(std::vector<float>& input) {
    std::ifstream file(WAFER_TEST_DATA "/quants/blocks.txt");
    REQUIRE(file);
    std::vector<reference> all;
    for (std::string line; std::getline(file, line);) {
        if (line.starts_with("input ")) input = numbers(line);
        std::istringstream head(line);
        std::string word, name, blocks, values;
        std::uint32_t id = 0;
        std::size_t length = 0, size = 0;
        if (!(head >> word >> id >> name >> length >> size) || word != "type") continue;
        std::getline(file, blocks);
        std::getline(file, values);
        REQUIRE(blocks.starts_with("bytes "));
        REQUIRE(values.starts_with("values "));
        if (const auto type = wafer::dtype_from_gguf(id))
            all.push_back({*type, length, size, from_hex(blocks.substr(6)), numbers(values)});
    }
    return all;
}

std::uint32_t bits(float x) { return std::bit_cast<std::uint32_t>(x); }

}  // namespace

TEST_CASE("block: every known format decodes to ggml's floats, bit for bit") {
    std::vector<float> input;
    const auto references = read_reference(input);
    CHECK(references.size() == wafer::dtype_count - 1);  // f32 stands for itself
    for (const auto& want : references) {
        CAPTURE(std::string(to_string(want.type)));
        CHECK(wafer::info(want.type).block_len == want.block_len);
        CHECK(wafer::info(want.type).block_bytes == want.block_bytes);
        REQUIRE(want.values.size() == 512);
        REQUIRE(want.blocks.size() == wafer::row_bytes(want.type, 512));
        std::vector<std::byte> odd(want.blocks.size() + 1);  // rows need no alignment
        std::copy(want.blocks.begin(), want.blocks.end(), odd.begin() + 1);
        std::vector<float> got(512);
        wafer::decode_row(want.type, odd.data() + 1, got.size(), got.data());
        std::size_t wrong = 0;
        for (std::size_t i = 0; i < got.size(); ++i) wrong += bits(got[i]) != bits(want.values[i]);
        CHECK(wrong == 0);
    }
}

TEST_CASE("block: f32 rows are copied") {
    const std::vector<float> row{0.5f, -0.0f, 1e-40f};
    std::vector<float> got(3);
    wafer::decode_row(wafer::dtype::f32, reinterpret_cast<const std::byte*>(row.data()), 3, got.data());
    for (std::size_t i = 0; i < 3; ++i) CHECK(bits(got[i]) == bits(row[i]));
}

TEST_CASE("block: an mxfp4 scale is a power of two over the whole range of its exponent") {
    for (int e = 0; e < 256; ++e) {
        const wafer::mxfp4_block block{static_cast<std::uint8_t>(e), {}};
        CHECK(static_cast<double>(block.scale()) == std::ldexp(1.0, e - 128));
    }
}

TEST_CASE("block: a float's scale of a q8_0 row survives its smallest and largest values") {
    for (const std::uint16_t d : {std::uint16_t{0x0001}, std::uint16_t{0x7BFF}, std::uint16_t{0x8001}}) {
        wafer::q8_0_block block{wafer::f16::from_bits(d), {}};
        block.values[0] = -128;
        block.values[1] = 127;
        std::vector<float> got(32);
        wafer::decode_row(wafer::dtype::q8_0, reinterpret_cast<const std::byte*>(&block), 32, got.data());
        CHECK(got[0] == -128 * static_cast<float>(block.d));
        CHECK(got[1] == 127 * static_cast<float>(block.d));
    }
}

TEST_CASE("quantize: the test's quantisers give ggml's own blocks") {
    std::vector<float> input;
    for (const auto& want : read_reference(input)) {
        using enum wafer::dtype;
        if (want.type != q8_0 && want.type != f16 && want.type != bf16)
            continue;  // its q4_0 blocks minimise a weighted error
        CAPTURE(std::string(to_string(want.type)));
        CHECK(wafer_test::quantize(want.type, input) == want.blocks);
    }
}

TEST_CASE("quantize: q4_0 is off by half a step, or by one at the end that has no code") {
    std::vector<float> input;
    static_cast<void>(read_reference(input));
    const auto blocks = wafer_test::quantize(wafer::dtype::q4_0, input);
    std::vector<float> got(input.size());
    wafer::decode_row(wafer::dtype::q4_0, blocks.data(), got.size(), got.data());
    for (std::size_t i = 0; i < got.size(); ++i) {
        const auto block = wafer::load_le<wafer::q4_0_block>(blocks.data() + i / 32 * sizeof(wafer::q4_0_block));
        const auto step = static_cast<float>(block.d);
        const float slack = std::abs(step) * 8 * 0x1p-11f;  // d itself is rounded to 11 bits
        const bool last_code = got[i] == 7 * step;
        CHECK(std::abs(got[i] - input[i]) <= std::abs(step) * (last_code ? 1.0f : 0.5f) + slack);
    }
}

TEST_CASE("quantize: random blocks stand for small finite numbers") {
    for (const auto& format : wafer::dtypes) {
        CAPTURE(std::string(format.name));
        const auto blocks = wafer_test::random_blocks(format.type, 20, 7);
        CHECK(blocks == wafer_test::random_blocks(format.type, 20, 7));
        CHECK(blocks != wafer_test::random_blocks(format.type, 20, 8));
        std::vector<float> got(20 * format.block_len);
        REQUIRE(blocks.size() == wafer::row_bytes(format.type, got.size()));
        wafer::decode_row(format.type, blocks.data(), got.size(), got.data());
        float most = 0;
        for (const float x : got) {
            REQUIRE(std::isfinite(x));
            most = std::max(most, std::abs(x));
        }
        CHECK(most > 0.001f);
        CHECK(most < 100.0f);
    }
}

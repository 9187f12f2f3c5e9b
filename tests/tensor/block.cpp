// SPDX-License-Identifier: MIT
#include <bit>
#include <charconv>
#include <cstdint>
#include <fstream>
#include <set>
#include <sstream>
#include <string>
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

}  // namespace

TEST_CASE("block: every known format decodes to ggml's floats, bit for bit") {
    std::ifstream file(WAFER_TEST_DATA "/quants/blocks.txt");
    REQUIRE(file);
    std::set<wafer::dtype> seen;
    std::string line;
    while (std::getline(file, line)) {
        std::istringstream head(line);
        std::string word, name;
        std::uint32_t id = 0;
        std::size_t length = 0, size = 0;
        if (!(head >> word >> id >> name >> length >> size) || word != "type") continue;
        const auto type = wafer::dtype_from_gguf(id);
        if (!type) continue;  // a format of ggml that wafer does not read
        CAPTURE(name);
        CHECK(wafer::info(*type).block_len == length);
        CHECK(wafer::info(*type).block_bytes == size);

        std::string hex, values;
        std::getline(file, hex);
        std::getline(file, values);
        REQUIRE(hex.starts_with("bytes "));
        REQUIRE(values.starts_with("values "));
        const auto blocks = from_hex(hex.substr(6));
        std::vector<float> want;
        std::istringstream in(values.substr(7));
        for (std::string text; in >> text;) want.push_back(std::stof(text));
        REQUIRE(want.size() == 512);
        REQUIRE(blocks.size() == wafer::row_bytes(*type, want.size()));

        std::vector<std::byte> odd(blocks.size() + 1);  // rows need no alignment
        std::copy(blocks.begin(), blocks.end(), odd.begin() + 1);
        std::vector<float> got(want.size());
        wafer::decode_row(*type, odd.data() + 1, got.size(), got.data());
        std::size_t wrong = 0;
        for (std::size_t i = 0; i < got.size(); ++i) wrong += std::bit_cast<std::uint32_t>(got[i]) != std::bit_cast<std::uint32_t>(want[i]);
        CHECK(wrong == 0);
        seen.insert(*type);
    }
    CHECK(seen.size() == wafer::dtype_count - 1);  // f32 stands for itself
}

// SPDX-License-Identifier: MIT
// Test support: makes stored weights. Floats become simple formats as ggml's reference quantisers round them; random
// blocks are valid in every format, with small finite scales, so that decode_row is the reference for what they mean.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <random>
#include <span>
#include <stdexcept>
#include <vector>

#include <wafer/core/dtype.hpp>
#include <wafer/core/half.hpp>
#include <wafer/tensor/block_layout.hpp>

namespace wafer_test {

namespace detail {

template <class T>
void append(std::vector<std::byte>& out, const T& value) {
    const auto* first = reinterpret_cast<const std::byte*>(&value);
    out.insert(out.end(), first, first + sizeof value);
}

inline wafer::q8_0_block quantize_q8_0(const float* x) {
    float most = 0;
    for (std::size_t i = 0; i < 32; ++i) most = std::max(most, std::abs(x[i]));
    const float d = most / 127;
    const float inverse = d != 0 ? 1 / d : 0;
    wafer::q8_0_block block{wafer::f16{d}, {}};
    for (std::size_t i = 0; i < 32; ++i) block.values[i] = static_cast<std::int8_t>(std::round(x[i] * inverse));
    return block;
}

inline wafer::q4_0_block quantize_q4_0(const float* x) {
    float most = 0;  // with its sign, so that it becomes exactly -8 steps
    for (std::size_t i = 0; i < 32; ++i)
        if (std::abs(x[i]) > std::abs(most)) most = x[i];
    const float d = most / -8;
    const float inverse = d != 0 ? 1 / d : 0;
    const auto code = [&](std::size_t i) {
        const float scaled = x[i] * inverse;  // rounded before the sum, whatever the compiler may fuse
        return std::min(15, static_cast<int>(static_cast<double>(scaled) + 8.5));
    };
    wafer::q4_0_block block{wafer::f16{d}, {}};
    for (std::size_t i = 0; i < 16; ++i) block.low[i] = static_cast<std::uint8_t>(code(i) | code(i + 16) << 4);
    return block;
}

/// Gives every scale of a block of random bytes a small finite value: `draw` is a positive number of the order of 0.01.
template <class Block, class Draw>
void set_scales(Block& block, Draw&& draw) {
    if constexpr (requires { block.exponent; }) block.exponent = static_cast<std::uint8_t>(118 + block.exponent % 8);
    else block.d = wafer::f16{draw()};
    if constexpr (requires { block.m; }) block.m = wafer::f16{-8 * draw()};
    if constexpr (requires { block.dmin; }) block.dmin = wafer::f16{draw()};
}

}  // namespace detail

/// Floats as stored bytes. @pre type is f32, f16, bf16, q4_0 or q8_0; x holds whole blocks
[[nodiscard]] inline std::vector<std::byte> quantize(wafer::dtype type, std::span<const float> x) {
    std::vector<std::byte> out;
    out.reserve(wafer::row_bytes(type, x.size()));
    const std::size_t step = wafer::info(type).block_len;
    for (std::size_t i = 0; i < x.size(); i += step) {
        switch (type) {
            case wafer::dtype::f32: detail::append(out, x[i]); break;
            case wafer::dtype::f16: detail::append(out, wafer::f16{x[i]}); break;
            case wafer::dtype::bf16: detail::append(out, wafer::bf16{x[i]}); break;
            case wafer::dtype::q4_0: detail::append(out, detail::quantize_q4_0(&x[i])); break;
            case wafer::dtype::q8_0: detail::append(out, detail::quantize_q8_0(&x[i])); break;
            default: throw std::invalid_argument("no quantiser for this format");
        }
    }
    return out;
}

/// n_blocks valid blocks of any type (elements, for the float types), the same ones for the same seed.
[[nodiscard]] inline std::vector<std::byte> random_blocks(wafer::dtype type, std::size_t n_blocks, std::uint64_t seed) {
    std::mt19937_64 random(seed);
    const auto unit = [&] { return static_cast<float>(random() >> 40) / 16777216.0f; };
    const auto& format = wafer::info(type);
    std::vector<std::byte> out;
    out.reserve(n_blocks * format.block_bytes);
    if (wafer::is_float(type)) {
        for (std::size_t i = 0; i < n_blocks; ++i) {
            const float x = 2 * unit() - 1;
            const auto one = quantize(type, {&x, 1});
            out.insert(out.end(), one.begin(), one.end());
        }
        return out;
    }
    for (std::size_t i = 0; i < n_blocks * format.block_bytes; ++i)
        out.push_back(static_cast<std::byte>(random() & 0xFF));
    wafer::visit_block_type(type, [&]<class Block>() {
        for (std::size_t i = 0; i < n_blocks; ++i) {
            Block block;
            std::memcpy(&block, out.data() + i * sizeof block, sizeof block);
            detail::set_scales(block, [&] { return 0.01f * (0.5f + unit()); });
            std::memcpy(out.data() + i * sizeof block, &block, sizeof block);
        }
    });
    return out;
}

}  // namespace wafer_test

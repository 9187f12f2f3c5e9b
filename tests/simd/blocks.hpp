// SPDX-License-Identifier: MIT
// Random rows of every dtype: valid bytes whose scales are finite and small.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <vector>

#include <wafer/simd/kernel_table.hpp>
#include <wafer/tensor/block.hpp>

namespace wafer::test {

/// xorshift64*: a generator of its own, so that a seed means the same everywhere.
class random_bits {
public:
    explicit random_bits(std::uint64_t seed) : state_(seed * 2 + 1) {}
    std::uint32_t next() {
        state_ ^= state_ >> 12;
        state_ ^= state_ << 25;
        state_ ^= state_ >> 27;
        return static_cast<std::uint32_t>(state_ * 0x2545F4914F6CDD1Du >> 32);
    }
    float uniform(float low, float high) { return low + (high - low) * static_cast<float>(next() >> 8) * 0x1p-24f; }

private:
    std::uint64_t state_;
};

/// Whether weights of that type multiply with activations that this target rounds to bf16.
inline bool rounds_activations(const simd::kernel_table& table, dtype type) {
    return type == dtype::bf16 && table.features.ends_with("bf16");
}

/// n_rows rows of k elements.
inline std::vector<std::byte> random_rows(dtype type, std::size_t n_rows, std::size_t k, random_bits& random) {
    std::vector<std::byte> bytes(n_rows * row_bytes(type, k));
    for (auto& b : bytes) b = static_cast<std::byte>(random.next());
    const auto small = [&] { return f16(random.uniform(-0.05f, 0.05f)); };
    const std::size_t count = bytes.size() / info(type).block_bytes;
    for (std::size_t i = 0; i < count; ++i) {
        std::byte* p = bytes.data() + i * info(type).block_bytes;
        if (type == dtype::f32) {
            const float x = random.uniform(-1, 1);
            std::memcpy(p, &x, 4);
        } else if (type == dtype::f16) {
            const f16 x(random.uniform(-1, 1));
            std::memcpy(p, &x, 2);
        } else if (type == dtype::bf16) {
            const bf16 x(random.uniform(-1, 1));
            std::memcpy(p, &x, 2);
        } else {
            visit_block_type(type, [&]<class Block>() {
                auto block = load_le<Block>(p);
                if constexpr (requires { block.d; }) block.d = small();
                if constexpr (requires { block.m; }) block.m = small();
                if constexpr (requires { block.dmin; }) block.dmin = small();
                if constexpr (requires { block.exponent; })
                    block.exponent = static_cast<std::uint8_t>(115 + random.next() % 10);
                std::memcpy(p, &block, sizeof block);
            });
        }
    }
    return bytes;
}

}  // namespace wafer::test

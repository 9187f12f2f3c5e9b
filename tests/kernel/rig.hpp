// SPDX-License-Identifier: MIT
// What every kernel test needs: random weights made resident over some tiles, a context for a target and a number of workers,
// and batches that live as long as the test wants.
#pragma once

#include <cstddef>
#include <cstring>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <wafer/exec/context.hpp>
#include <wafer/kernel/activations.hpp>
#include <wafer/simd/kernels.hpp>
#include <wafer/sram/arena.hpp>

#include "simd/blocks.hpp"
#include "support/oracle.hpp"

namespace wafer::test {

inline constexpr std::size_t d = 64, d_ff = 96;  // of small layers

/// Weights with the bytes they came from. add() all, then load(); `tiles` owners, each with its share of every matrix.
class resident_set {
public:
    explicit resident_set(std::uint64_t seed) : random(seed) {}

    std::size_t add(dtype type, std::size_t rows, std::size_t cols) {
        const std::size_t i = plan_.add_matrix(
            {.name = "m" + std::to_string(plan_.matrices().size()), .type = type, .rows = rows, .cols = cols});
        source_[plan_.matrices()[i].name] = random_rows(type, rows, cols, random);
        return i;
    }
    std::size_t add_vector(std::size_t n) {
        const std::size_t i =
            plan_.add_vector({.name = "v" + std::to_string(plan_.vectors().size()), .type = dtype::f32, .size = n});
        source_[plan_.vectors()[i].name] = random_rows(dtype::f32, 1, n, random);
        return i;
    }
    void load(std::size_t tiles) {
        plan_.place(placements::spread{}, sram::mesh::host(tiles));
        arena_ = resident_arena(plan_);
        thread_pool one(1);
        arena_.load({[this](const std::string& name) { return std::span<const std::byte>(source_.at(name)); }}, one);
    }

    resident_matrix matrix(std::size_t i) const { return arena_.matrix(i); }
    resident_vector vector(std::size_t i) const { return arena_.vector(i); }
    std::span<const float> floats(std::size_t i) const { return {vector(i).data(), vector(i).count}; }
    /// The matrix as numbers, row by row.
    std::vector<double> values(std::size_t i) const {
        const auto& m = plan_.matrices()[i];
        std::vector<float> x(m.rows * m.cols);
        for (std::size_t r = 0; r < m.rows; ++r)
            decode_row(m.type, source_.at(m.name).data() + r * row_bytes(m.type, m.cols), m.cols,
                       x.data() + r * m.cols);
        return {x.begin(), x.end()};
    }
    /// Shapes without bytes, as a phantom sees them.
    resident_matrix shape(std::size_t i) const {
        const auto& m = plan_.matrices()[i];
        return {m.type, m.rows, m.cols, {}};
    }

    random_bits random;

private:
    arena_plan plan_;
    std::map<std::string, std::vector<std::byte>> source_;
    resident_arena arena_;
};

/// A context with all that it refers to.
template <cost_policy Policy = cost::none>
struct rig {
    rig(const simd::kernel_table& table, std::size_t workers, Policy policy = {})
        : pool(workers), memory(bytes(std::uint64_t{256} << 20)), costs(std::move(policy)),
          ctx(pool, table, memory, costs) {}

    thread_pool pool;
    scratch memory;
    meter<Policy> costs;
    exec::context<Policy> ctx;
};

/// A batch whose memory is a test's. Begins as all NaN, so that reading what nobody wrote shows.
struct own_batch {
    own_batch(std::size_t n_tok, std::size_t width, bool quantised = true)
        : x(n_tok * padded(width), std::numeric_limits<float>::quiet_NaN()), q(x.size()), scale(x.size() / 32),
          sum(x.size() / 16), view{x.data(), quantised ? q.data() : nullptr, scale.data(), sum.data(), n_tok, width} {}
    own_batch(const own_batch&) = delete;
    own_batch& operator=(const own_batch&) = delete;

    void fill(random_bits& random, const simd::kernel_table& table, float size = 2) {
        for (std::size_t t = 0; t < view.n_tok; ++t) {
            for (std::size_t i = 0; i < view.width; ++i) view.row(t)[i] = random.uniform(-size, size);
            if (view.q != nullptr) view.quantize(table, t, 0, view.width);
        }
    }
    std::span<const float> row(std::size_t t) const { return {view.row(t), view.width}; }
    /// Token t alone, as a batch of one.
    activation_batch only(std::size_t t, std::size_t n = 1) const {
        const auto a = view.from(t);
        return {view.row(t),
                const_cast<std::int8_t*>(a.q),
                const_cast<float*>(a.scale),
                const_cast<std::int32_t*>(a.sum),
                n,
                view.width};
    }

    std::vector<float> x;
    std::vector<std::int8_t> q;
    std::vector<float> scale;
    std::vector<std::int32_t> sum;
    activation_batch view;
};

/// x as this target's kernels read it to multiply it with weights of that type.
inline row as_read(const simd::kernel_table& table, dtype type, row x) {
    if (!is_float(type)) return quantised(std::move(x));
    return rounds_activations(table, type) ? as_bf16(std::move(x)) : x;
}

inline bool same_bits(std::span<const float> a, std::span<const float> b) {
    return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size_bytes()) == 0;
}

/// test(table, workers) on every target of this machine, alone and shared.
inline void on_all(const std::function<void(const simd::kernel_table&, std::size_t)>& test) {
    for (const auto* table : simd::available_targets())
        for (const std::size_t workers : {1u, 2u, 3u}) test(*table, workers);
}

}  // namespace wafer::test

// SPDX-License-Identifier: MIT
// L4 cost: GPUs with tensor parallelism. Weights come from HBM again for every pass; each kernel has a fixed price;
// partial sums are brought together after every attention and feed-forward block. Constants are in devices.hpp.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include <wafer/core/config.hpp>
#include <wafer/core/error.hpp>
#include <wafer/core/units.hpp>
#include <wafer/cost/policy.hpp>
#include <wafer/cost/work.hpp>

namespace wafer::inline WAFER_ABI::cost {

/// One GPU and the links to its neighbours.
struct gpu_spec {
    std::string_view name;
    std::string_view basis;  // in a few words: which constants are measured, fitted, assumed
    bytes memory{};
    bytes_per_second bandwidth{};     // HBM, as sold
    flops_per_second peak{};          // dense, 16 bit, as sold
    bytes_per_second link{};          // to the other GPUs of its box, one way, as sold
    double memory_efficiency = 1;     // of bandwidth, when one kernel streams a weight matrix
    double compute_efficiency = 1;    // of peak, in long matrix products
    seconds product_kernel{};         // launch, ramp and tail of a kernel that streams weights or cache
    seconds small_kernel{};           // the same for norms, rotations, gating
    std::array<seconds, 3> reduce{};  // an all-reduce of little data over 2, 4, 8 GPUs
    seconds host{};                   // each pass: sampling, scheduling
};

/// n GPUs that share every matrix by rows or columns (Megatron-style tensor parallelism).
///   operation = max(bytes / (n e BW), flops / (n u peak)) + t_kernel + all-reduce
///   all-reduce (after attn_out and ffn_down, n > 1) = t(n) + 2 (n - 1) / n bytes / link
/// Norms, rotations, gating and embedding run on all GPUs alike, not shared. Activations count at 16 bits.
/// A batch of one is bound by streaming weights, by kernels' fixed prices and by reductions; the constants' sources are
/// in devices.hpp.
/// @cite Williams, Waterman, Patterson 2009 (roofline); Shoeybi et al. 2019 (Megatron-LM); Patarasuk, Yuan 2009 (ring
/// all-reduce)
class gpu {
public:
    /// @throws error{errc::invalid_argument} if there is no GPU
    constexpr explicit gpu(const gpu_spec& spec, std::uint32_t count = 1) : spec_(spec), count_(count) {
        if (count == 0) raise(errc::invalid_argument, "cost::gpu needs at least one GPU");
    }

    /// "h100" for one, "h100x8" for eight.
    [[nodiscard]] std::string name() const {
        std::string text(spec_.name);
        if (count_ > 1) text.append("x").append(std::to_string(count_));
        return text;
    }
    /// Which constants are measured, fitted and assumed, in one line.
    [[nodiscard]] std::string basis() const { return "modelled; " + std::string(spec_.basis); }
    /// Memory of all GPUs together.
    [[nodiscard]] constexpr bytes capacity() const noexcept { return spec_.memory * std::uint64_t{count_}; }
    /// One GPU.
    [[nodiscard]] constexpr const gpu_spec& spec() const noexcept { return spec_; }
    /// How many.
    [[nodiscard]] constexpr std::uint32_t count() const noexcept { return count_; }

    /// One operation, as above; network is its all-reduce, latency its launch. No work takes no time.
    [[nodiscard]] constexpr charge price(const work& w, const pass&) const noexcept {
        charge c;
        const double activations = w.activations.value() / 2;  // kernels report them as f32
        const double moved = w.weights.value() + w.cache.value() + activations;
        if (moved == 0 && w.arithmetic == flops{}) return c;
        const double share = is_shared(w.kind) ? count_ : 1;
        c[bound::memory] = seconds(moved / (share * spec_.memory_efficiency * spec_.bandwidth.count));
        c[bound::compute] = seconds(w.arithmetic.value() / (share * spec_.compute_efficiency * spec_.peak.count));
        c[bound::latency] = is_shared(w.kind) ? spec_.product_kernel : spec_.small_kernel;
        if (count_ > 1 && (w.kind == op::attn_out || w.kind == op::ffn_down))
            c[bound::network] = all_reduce(static_cast<double>(w.n_tok) * static_cast<double>(w.outputs) * 2);
        c.total = std::max(c[bound::memory], c[bound::compute]) + c[bound::latency] + c[bound::network];
        return c;
    }

    /// The host's time for each pass.
    [[nodiscard]] constexpr charge overhead(const pass& whole) const noexcept {
        charge c;
        if (whole.n_tok != 0) c.total = c[bound::latency] = spec_.host;
        return c;
    }

private:
    static constexpr std::uint32_t box = 8;         // GPUs whose links are NVLink
    static constexpr seconds between_boxes{25e-6};  // measured: NCCL floor over a network, NVIDIA/nccl issue 1453
    static constexpr bytes_per_second network_link{50e9};  // assumed: 400 Gb/s for each GPU
    static constexpr double link_efficiency = 0.8;         // assumed

    [[nodiscard]] static constexpr bool is_shared(op kind) noexcept {
        return kind == op::qkv || kind == op::attention || kind == op::attn_out || kind == op::ffn_up ||
               kind == op::ffn_down || kind == op::head;
    }
    [[nodiscard]] constexpr seconds all_reduce(double n_bytes) const noexcept {
        seconds latency = spec_.reduce[count_ <= 2 ? 0 : count_ <= 4 ? 1 : 2];
        for (std::uint64_t boxed = box; boxed < count_; boxed *= 2) latency += between_boxes;
        const double rate = link_efficiency * (count_ > box ? std::min(spec_.link, network_link) : spec_.link).count;
        return latency + seconds(2.0 * (count_ - 1) / count_ * n_bytes / rate);
    }

    gpu_spec spec_;
    std::uint32_t count_;
};

static_assert(device_model<gpu>);

}  // namespace wafer::inline WAFER_ABI::cost

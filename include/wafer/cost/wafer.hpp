// SPDX-License-Identifier: MIT
// L4 cost: wafer-scale engines. Weights stay in SRAM beside the arithmetic; what costs is bringing partial sums
// together across the mesh, a fixed price for each such reduction, and the arithmetic itself. Constants are in
// devices.hpp.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <string>
#include <string_view>

#include <wafer/core/bits.hpp>
#include <wafer/core/config.hpp>
#include <wafer/core/error.hpp>
#include <wafer/core/units.hpp>
#include <wafer/cost/policy.hpp>
#include <wafer/cost/work.hpp>
#include <wafer/sram/mesh.hpp>
#include <wafer/sram/tile.hpp>

namespace wafer::inline WAFER_ABI::cost {

/// One wafer. Cycles are those of its cores' clock.
struct wafer_spec {
    std::string_view name;
    std::string_view basis;  // in a few words: which constants are measured, fitted, assumed
    sram::tile_spec tile{};
    std::uint32_t columns = 0, rows = 0;
    double mac_cycles = 1;         // a core, for one multiply-add of a matrix x vector product
    double hop_cycles = 1;         // one reduction, for each core along the region's side
    double reduce_cycles = 0;      // one reduction, whatever its region: launch, tree stages, payload
    double batch_mac_cycles = 1;   // a core, for one multiply-add of a matrix x matrix product
    double batch_step_cycles = 0;  // one matrix x matrix product, for each core along the region's side
    bytes_per_second link{};       // to the next wafer
    seconds crossing{};            // latency of that link, protocol included
};

/// How a model lies on its wafers.
struct wafer_layout {
    std::uint32_t side = 0;  // P, the side of a layer's region; 0: the best one for each pass
    bool pack_experts =
        false;  // each expert on cores of its own, so that idle experts leave them idle; false: all spread evenly
};

/// n wafers with the layers in a chain over them, each layer on a square region of P x P cores.
///   one token:    operation = max(MAC c / P^2, SRAM) + n_reduce (h P + s)
///   many tokens:  operation = max(MAC c' / P^2, SRAM) + n_product s' P, or token by token if that is faster
///   pass:         each wafer in use adds a crossing
/// P is the best side for the width of the model: c MAC / P^2 falls with it and h P grows, so that
///   P = (2 c MAC / (h n_reduce))^(1/3), with MAC = 13 d_model^2 a layer and token (a SwiGLU block with grouped
///   queries).
/// Arithmetic and reading SRAM overlap; reductions wait for both. Packed experts multiply both by the work's imbalance.
/// @cite "WaferLLM: Large Language Model Inference at Wafer Scale" (OSDI 2025, arXiv 2502.04563), tables 3 and 4, and
/// the CSL code published with it: its measured decode and prefill are what the constants are fitted to, in devices.hpp
class wafer {
public:
    /// @throws error{errc::invalid_argument} if there is no wafer, or the side is longer than the wafer's
    constexpr explicit wafer(const wafer_spec& spec, std::uint32_t count = 1, wafer_layout layout = {})
        : spec_(spec), count_(count), layout_(layout) {
        if (count == 0) raise(errc::invalid_argument, "cost::wafer needs at least one wafer");
        static_cast<void>(mesh());  // refuses more tiles than have a number
        if (layout.side > longest_side())
            raise(errc::invalid_argument, "a region of " + std::to_string(layout.side) +
                                              " cores a side is larger than the wafer, whose shorter side has " +
                                              std::to_string(longest_side()));
    }

    /// "wse3x4@660-packed": the wafer, how many, the side and the layout, as make_device() reads them.
    [[nodiscard]] std::string name() const {
        std::string text(spec_.name);
        if (count_ > 1) text.append("x").append(std::to_string(count_));
        if (layout_.side != 0) text.append("@").append(std::to_string(layout_.side));
        if (layout_.pack_experts) text.append("-packed");
        return text;
    }
    /// Which constants are measured, fitted and assumed, in one line.
    [[nodiscard]] std::string basis() const { return "modelled; " + std::string(spec_.basis); }
    /// SRAM that tensors may fill, on all wafers together.
    [[nodiscard]] constexpr bytes capacity() const noexcept { return mesh().capacity(); }
    /// Its cores as tiles, for placements.
    [[nodiscard]] constexpr sram::mesh mesh() const {
        return sram::mesh(spec_.tile, spec_.columns, spec_.rows, count_);
    }
    /// One wafer.
    [[nodiscard]] constexpr const wafer_spec& spec() const noexcept { return spec_; }
    /// How many.
    [[nodiscard]] constexpr std::uint32_t count() const noexcept { return count_; }
    /// How models lie on them.
    [[nodiscard]] constexpr const wafer_layout& layout() const noexcept { return layout_; }

    /// One operation, as above: whichever of "one token" and "many tokens" is faster. No work takes no time.
    [[nodiscard]] charge price(const work& w, const pass& whole) const noexcept {
        if (w.arithmetic == flops{} && w.weights == bytes{} && w.cache == bytes{} && w.activations == bytes{})
            return {};
        const charge one_by_one = vector_price(w, whole);
        if (is_elementwise(w.kind)) return one_by_one;
        const charge together = matrix_price(w, whole);
        return together.total < one_by_one.total ? together : one_by_one;
    }

    /// Activations enter the first wafer and travel from each to the next; as many wafers as hold the model.
    [[nodiscard]] constexpr charge overhead(const pass& whole) const noexcept {
        charge c;
        if (whole.n_tok == 0) return c;
        const double used = static_cast<double>(wafers_used(whole.weights + whole.cache));
        c[bound::latency] = seconds(used * spec_.crossing.count);
        c[bound::network] = seconds(used * 2 * static_cast<double>(whole.n_tok) * static_cast<double>(whole.d_model) /
                                    spec_.link.count);
        c.total = c[bound::latency] + c[bound::network];
        return c;
    }

    /// P for a pass's reductions one token at a time, and for its products of all tokens at once.
    [[nodiscard]] double side_for_vectors(const pass& whole) const noexcept {
        return best_side(spec_.mac_cycles, spec_.hop_cycles * reductions_per_layer, 1, whole);
    }
    [[nodiscard]] double side_for_matrices(const pass& whole) const noexcept {
        return best_side(spec_.batch_mac_cycles, spec_.batch_step_cycles * products_per_layer, whole.n_tok, whole);
    }

private:
    // Of the reductions that WaferLLM's decoder makes in a layer (its decode.csl): two norms, QKV, four in attention
    // (scores, maximum, sum, values), O, gate and up, down. Its prefill multiplies six matrices: QKV, scores, values,
    // O, gate and up, down.
    static constexpr double reductions_per_layer = 10;
    static constexpr double products_per_layer = 6;
    [[nodiscard]] static constexpr double reductions(op kind) noexcept {
        switch (kind) {
            case op::rope: return 0;  // rotations stay on their core
            case op::attention: return 4;
            case op::head: return 2;  // the product, and the choice among its rows
            default: return 1;
        }
    }
    [[nodiscard]] static constexpr double products(op kind) noexcept { return kind == op::attention ? 2 : 1; }
    [[nodiscard]] static constexpr bool is_elementwise(op kind) noexcept {
        return kind == op::embed || kind == op::norm || kind == op::rope || kind == op::route;
    }

    [[nodiscard]] constexpr std::uint32_t longest_side() const noexcept { return std::min(spec_.columns, spec_.rows); }
    [[nodiscard]] double best_side(double mac, double step, std::uint64_t n_tok, const pass& whole) const noexcept {
        const double longest = longest_side();
        if (layout_.side != 0) return layout_.side;
        if (whole.d_model == 0) return longest;
        const double d = static_cast<double>(whole.d_model);
        return std::clamp(std::cbrt(2 * mac * 13 * d * d * static_cast<double>(n_tok) / step), 1.0, longest);
    }
    // A region must hold what its operation may touch. Where that needs a longer side, sums travel further; that more
    // cores then share the arithmetic is not counted, so that more weights never take less time.
    [[nodiscard]] double side_to_travel(double side, const work& w) const noexcept {
        const double holds = std::sqrt(w.resident.value() / spec_.tile.usable().value());
        return std::max(side, std::min<double>(holds, longest_side()));
    }
    [[nodiscard]] constexpr std::uint64_t wafers_used(bytes n) const noexcept {
        const std::uint64_t each = mesh().wafer_capacity().count;
        return std::clamp<std::uint64_t>(ceil_div(n.count, each), 1, count_);
    }
    [[nodiscard]] seconds cycles(double n) const noexcept { return seconds(n / spec_.tile.clock.count); }

    // What the region's cores do by themselves, each its share.
    [[nodiscard]] charge local(const work& w, double side, double mac_cycles) const noexcept {
        const double share = (layout_.pack_experts ? std::max(w.imbalance, 1.0) : 1.0) / (side * side);
        charge c;
        c[bound::compute] = cycles(w.arithmetic.value() / 2 * mac_cycles * share);
        c[bound::memory] = seconds((w.weights.value() + w.cache.value()) * share / spec_.tile.bandwidth.count);
        c.total = std::max(c[bound::compute], c[bound::memory]);
        return c;
    }
    [[nodiscard]] charge vector_price(const work& w, const pass& whole) const noexcept {
        const double side = side_for_vectors(whole);
        charge c = local(w, side, spec_.mac_cycles);
        // Element-wise steps reduce all tokens in one sweep; products reduce token by token.
        const double sweeps =
            reductions(w.kind) * (is_elementwise(w.kind) ? 1.0 : std::max(static_cast<double>(w.n_tok), 1.0));
        c[bound::network] = cycles(sweeps * spec_.hop_cycles * side_to_travel(side, w));
        c[bound::latency] = cycles(sweeps * spec_.reduce_cycles);
        c.total += c[bound::network] + c[bound::latency];
        return c;
    }
    [[nodiscard]] charge matrix_price(const work& w, const pass& whole) const noexcept {
        const double side = side_for_matrices(whole);
        charge c = local(w, side, spec_.batch_mac_cycles);
        c[bound::network] = cycles(products(w.kind) * spec_.batch_step_cycles * side_to_travel(side, w));
        c.total += c[bound::network];
        return c;
    }

    wafer_spec spec_;
    std::uint32_t count_;
    wafer_layout layout_;
};

static_assert(device_model<wafer>);

}  // namespace wafer::inline WAFER_ABI::cost

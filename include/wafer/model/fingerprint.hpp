// SPDX-License-Identifier: MIT
// L7 model: tells resident networks apart, so that what one of them computed is not taken for another's.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>

#include <wafer/core/config.hpp>
#include <wafer/core/hash.hpp>
#include <wafer/model/config.hpp>
#include <wafer/simd/panel.hpp>
#include <wafer/sram/arena.hpp>

namespace wafer::inline WAFER_ABI {

/// A hash of everything that decides a network's answers: architecture and configuration (without its name), name, type and
/// shape of every tensor, all of its vectors, and of each matrix 16 panels of 16 rows from its first to its last: 64 bytes from
/// the front and 64 from the middle of each. A model that was trained on differs in all of them; one edited by hand in a few
/// weights may not. The same for every number of threads.  @cost a few thousand cache misses
[[nodiscard]] inline std::uint64_t fingerprint(const model_config& c, const resident_arena& arena) {
    hash64 hash;
    hash.add(c.architecture);
    for (const std::size_t n : {c.n_layer, c.n_vocab, c.n_context, c.d_model, c.n_head, c.n_kv, c.d_head, c.d_value,
                                c.d_ff, c.n_expert, c.n_active, c.d_ff_expert, c.rope.d_rope})
        hash.add(std::uint64_t{n});
    hash.add(c.rms_eps).add(c.rope.pairs).add(c.rope.scaling);
    for (const double x : {c.rope.base, c.rope.factor, c.rope.original_context, c.rope.beta_fast, c.rope.beta_slow,
                           c.rope.attention_factor})
        hash.add(x);

    const auto& plan = arena.plan();
    for (std::size_t i = 0; i < plan.vectors().size(); ++i) {
        const auto view = arena.vector(i);
        hash.add(plan.vectors()[i].name).add(std::as_bytes(std::span(view.data(), view.count)));
    }
    for (std::size_t i = 0; i < plan.matrices().size(); ++i) {
        const auto& m = plan.matrices()[i];
        hash.add(m.name).add(m.type).add(std::uint64_t{m.rows}).add(std::uint64_t{m.cols});
        const std::size_t size = simd::panel_bytes(m.type, m.cols), n_panels = ceil_div(m.rows, simd::panel_rows);
        constexpr std::size_t piece = 64, most = 16;
        const std::size_t n = std::min(n_panels, most);
        for (std::size_t s = 0; s < n; ++s) {
            const std::size_t row = (n == 1 ? 0 : s * (n_panels - 1) / (n - 1)) * simd::panel_rows;
            for (const auto& part : arena.matrix(i).parts) {
                if (row < part.first_row || row >= part.first_row + part.n_rows) continue;
                const std::byte* const panel = part.panels + (row - part.first_row) / simd::panel_rows * size;
                hash.add(std::span(panel, piece)).add(std::span(panel + size / (2 * piece) * piece, piece));
            }
        }
    }
    return hash.value();
}

}  // namespace wafer::inline WAFER_ABI

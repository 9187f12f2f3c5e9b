// SPDX-License-Identifier: MIT
// L6 kernel: token ids to rows of the embedding, gathered from the same packed copy that a tied head multiplies with.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include <wafer/core/config.hpp>
#include <wafer/exec/context.hpp>
#include <wafer/kernel/activations.hpp>
#include <wafer/sram/resident.hpp>
#include <wafer/tensor/unpack.hpp>

namespace wafer::inline WAFER_ABI {

/// x[t, :] = E[tokens[t], :], decoded exactly.
/// Shapes: E (n_vocab, d_model), x (n_tok, d_model) with stride padded(d_model). @pre 0 <= tokens[t] < n_vocab.
template <class Context>
void embed(Context& ctx, const resident_matrix& embedding, std::span<const std::int32_t> tokens, std::size_t n_tok,
           float* x) noexcept {
    [[maybe_unused]] const auto metered = ctx.measure([&] {
        const std::uint64_t row = row_bytes(embedding.type, embedding.cols);
        return work{.kind = op::embed,
                    .n_tok = n_tok,
                    .weights = bytes(n_tok * row),
                    .activations = bytes(n_tok * embedding.cols * sizeof(float)),
                    .outputs = embedding.cols,
                    .resident = embedding.stored()};
    });
    if constexpr (Context::computes) {
        const std::size_t panel = simd::panel_bytes(embedding.type, embedding.cols);
        ctx.split(n_tok, embedding.cols * 4, [&](std::size_t begin, std::size_t end) {
            for (std::size_t t = begin; t < end; ++t) {
                const auto row = static_cast<std::size_t>(tokens[t]);
                for (const auto& part : embedding.parts) {
                    if (row < part.first_row || row >= part.first_row + part.n_rows) continue;
                    const std::size_t local = row - part.first_row;
                    unpack_row(embedding.type, part.panels + local / simd::panel_rows * panel, local % simd::panel_rows,
                               embedding.cols, x + t * padded(embedding.cols));
                }
            }
        });
    }
}

}  // namespace wafer::inline WAFER_ABI

// SPDX-License-Identifier: MIT
// L4 cost: what a kernel did, counted. Knows no device: a policy turns work into time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include <wafer/core/config.hpp>
#include <wafer/core/enum_name.hpp>
#include <wafer/core/error.hpp>
#include <wafer/core/units.hpp>

namespace wafer::inline WAFER_ABI {

namespace detail {

// Whether a number that may have been cast is one of so many enumerators.
template <class Enum>
[[nodiscard]] constexpr bool is_one_of(Enum e, std::size_t count) noexcept {
    return static_cast<std::size_t>(e) < count;
}
// Where an enumerator's entry is in a list of all. @throws error{errc::invalid_argument} for a number that is none
template <class Enum>
[[nodiscard]] constexpr std::size_t place_of(Enum e, std::size_t count) {
    if (!is_one_of(e, count)) raise(errc::invalid_argument, "a number that names no operation, no stage and no cause");
    return static_cast<std::size_t>(e);
}

}  // namespace detail

/// The part of the network that an operation belongs to: one row of a report, and what a policy may charge apart
/// (a tensor-parallel GPU, for instance, sums partial results after attn_out and ffn_down).
enum class op : std::uint8_t {
    embed,      // token ids -> rows of the embedding
    norm,       // RMS norms, and quantising activations behind them
    qkv,        // query, key and value projections, with biases
    rope,       // rotations and writing the KV cache
    attention,  // scores, softmax, weighted values
    attn_out,   // output projection, added to the residual stream
    route,      // expert gating
    ffn_up,     // gate and up projections with their activation; experts too
    ffn_down,   // down projection, added to the residual stream; experts too
    head,       // projection to the vocabulary
};
inline constexpr std::size_t op_count = 10;

/// The enumerator's name, as tables and JSON show it; "unknown" for a number that is none.
[[nodiscard]] constexpr std::string_view to_string(op kind) noexcept {
    constexpr std::string_view names[op_count] = {"embed",    "norm",  "qkv",    "rope",     "attention",
                                                  "attn_out", "route", "ffn_up", "ffn_down", "head"};
    return detail::name_in(names, kind);
}

/// One operation's work over a batch of n_tok tokens. Bytes are those of the model's own formats, before any padding.
struct work {
    op kind{};
    std::uint64_t n_tok = 0;    // tokens that share this operation
    flops arithmetic{};         // a multiply-add counts as two
    bytes weights{};            // weights touched, each once, however many tokens share them
    bytes cache{};              // KV cache read and written
    bytes activations{};        // activations read and written
    std::uint64_t outputs = 0;  // elements each token gets (rows of a product): what a reduction must bring together
    std::uint64_t inputs = 0;   // elements each token gives (columns of a product)
    double imbalance = 1;       // busiest part over mean part, as with experts of unequal load
    bytes resident{};           // weights that this operation may touch: all experts, not only the chosen
};

/// Whether a pass reads a prompt or makes one more token.
enum class stage : std::uint8_t { prefill, decode };
inline constexpr std::size_t stage_count = 2;
/// The enumerator's name.
[[nodiscard]] constexpr std::string_view to_string(stage s) noexcept {
    constexpr std::string_view names[stage_count] = {"prefill", "decode"};
    return detail::name_in(names, s);
}

/// One forward pass as a whole.
struct pass {
    stage at{};
    std::uint64_t n_tok = 0;   // tokens in this pass
    std::uint64_t n_past = 0;  // positions in the cache before it
    std::uint64_t n_layer = 0;
    std::uint64_t d_model = 0;
    bytes weights{};  // all weights of the model
    bytes cache{};    // KV cache in use after it
};

}  // namespace wafer::inline WAFER_ABI

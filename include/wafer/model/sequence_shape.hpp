// SPDX-License-Identifier: MIT
// L7 model: how a sequence runs, and what it may ask for: checked once, for plans and sequences alike.
#pragma once

#include <algorithm>
#include <cstddef>
#include <initializer_list>
#include <string>

#include <wafer/core/bits.hpp>
#include <wafer/core/config.hpp>
#include <wafer/core/dtype.hpp>
#include <wafer/core/error.hpp>
#include <wafer/model/config.hpp>
#include <wafer/model/kv_cache.hpp>

namespace wafer::inline WAFER_ABI {

/// How a sequence runs: what decides its memory besides the weights.
struct sequence_shape {
    std::size_t n_context = 0;      // positions; 0: what the model was trained for, 4096 at most
    std::size_t n_batch = 256;      // tokens of a prompt that go through the network together; 65536 at most
    std::size_t n_output = 1;       // tokens of a batch whose logits are wanted, at most
    dtype cache_type = dtype::f16;  // f32, f16, bf16 or q8_0
};

/// The cache of such a sequence. @pre the shape is checked
[[nodiscard]] inline kv_shape cache_shape(const sequence_shape& s, const model_config& c) noexcept {
    return {s.cache_type, c.n_layer, c.n_kv, c.d_head, c.d_value, round_up(s.n_context, score_block)};
}
/// Floats for the logits of such a sequence. @pre the shape is checked
[[nodiscard]] inline std::size_t logits_size(const sequence_shape& s, const model_config& c) noexcept {
    return s.n_output * padded(c.n_vocab);
}

/// What to tell whoever asks for such a context; empty where there is nothing to tell.
[[nodiscard]] inline std::string warning_of(std::size_t n_context, const model_config& c) {
    if (n_context <= c.n_context) return {};
    return "a context of " + std::to_string(n_context) + " positions is longer than the " +
           std::to_string(c.n_context) + " that the model was made for: answers go wrong beyond those";
}

/// The shape with the context filled in, and batch and output cut to what can be of use, so that no size overflows.
/// @throws error{errc::invalid_argument} for one that no sequence of this network can have
[[nodiscard]] inline sequence_shape checked(sequence_shape s, const model_config& c) {
    constexpr std::size_t most_batch = 65536;
    if (s.n_batch == 0 || s.n_output == 0)
        raise(errc::invalid_argument, "a sequence needs batches and outputs of at least one token");
    if (s.n_context == 0) s.n_context = std::min<std::size_t>(c.n_context, 4096);
    s.n_batch = std::min({s.n_batch, s.n_context, most_batch});
    s.n_output = std::min(s.n_output, s.n_batch);
    const auto refuse_beyond_memory = [](const char* what, std::size_t n, const char* of,
                                         std::initializer_list<std::size_t> factors) {
        double size = sizeof(float) * static_cast<double>(n);
        for (const std::size_t f : factors) size *= static_cast<double>(f);
        if (size > 1e15)
            raise(errc::invalid_argument, std::string(what) + " of " + std::to_string(n) + " " + of +
                                              " needs more than a petabyte: use a smaller one");
    };
    refuse_beyond_memory("a context", s.n_context, "positions", {c.n_layer, c.n_kv, c.d_head + c.d_value});
    refuse_beyond_memory("an output", s.n_output, "tokens", {c.n_vocab});
    cache_shape(s, c).check();
    return s;
}

}  // namespace wafer::inline WAFER_ABI

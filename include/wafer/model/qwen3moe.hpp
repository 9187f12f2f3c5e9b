// SPDX-License-Identifier: MIT
// L7 model: Qwen3 with experts. GGUF architecture "qwen3moe".
#pragma once

#include <cstddef>
#include <string_view>

#include <wafer/model/blocks.hpp>

namespace wafer::inline WAFER_ABI {

struct qwen3moe_layer {
    attention_weights attention;
    expert_weights experts;

    void list(weight_list& to, const model_config& c, std::size_t i) {
        attention.list(to, c, i, presence::required);
        experts.list(to, c, i);
    }
    template <class Context>
    void forward(const forward_pass<Context>& pass, std::size_t i) const noexcept {
        attention_block(pass, attention, i);
        expert_block(pass, experts, gating::softmax_then_top_k{}, i);
    }
};

/// Qwen3 with a mixture of experts in every layer: softmax over all, the best n_active renormalised.
/// @cite Yang et al. 2025 (Qwen3), section 2
struct qwen3moe : decoder<qwen3moe_layer> {
    static constexpr std::string_view name = "qwen3moe";
    static constexpr rope_pairs pairs = rope_pairs::half;
};

}  // namespace wafer::inline WAFER_ABI

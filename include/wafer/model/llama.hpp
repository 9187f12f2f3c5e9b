// SPDX-License-Identifier: MIT
// L7 model: Llama 2 and 3, and Mixtral, which is Llama with experts. GGUF architecture "llama".
#pragma once

#include <cstddef>
#include <string_view>

#include <wafer/model/blocks.hpp>

namespace wafer::inline WAFER_ABI {

struct llama_layer {
    attention_weights attention;
    dense_weights dense;     // without experts
    expert_weights experts;  // with them

    void list(weight_list& to, const model_config& c, std::size_t i) {
        attention.list(to, c, i, presence::optional);
        if (c.n_expert == 0) dense.list(to, c, i);
        else experts.list(to, c, i);
    }
    template <class Context>
    void forward(const forward_pass<Context>& pass, std::size_t i) const noexcept {
        attention_block(pass, attention, i);
        if (pass.config.n_expert == 0) dense_block(pass, dense);
        else expert_block(pass, experts, gating::top_k_then_softmax{}, i);
    }
};

/// @cite Touvron et al. 2023 (Llama 2); Dubey et al. 2024 (Llama 3), section 3.2; Jiang et al. 2024 (Mixtral)
struct llama : decoder<llama_layer> {
    static constexpr std::string_view name = "llama";
    static constexpr rope_pairs pairs = rope_pairs::interleaved;  // converters permute q and k to make it so
};

}  // namespace wafer::inline WAFER_ABI

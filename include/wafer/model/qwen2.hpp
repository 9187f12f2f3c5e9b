// SPDX-License-Identifier: MIT
// L7 model: Qwen2 and Qwen2.5, and DeepSeek-R1's Qwen distillations. GGUF architecture "qwen2".
#pragma once

#include <cstddef>
#include <string_view>

#include <wafer/model/blocks.hpp>

namespace wafer::inline WAFER_ABI {

struct qwen2_layer {
    attention_weights attention;
    dense_weights dense;

    void list(weight_list& to, const model_config& c, std::size_t i) {
        attention.list(to, c, i, presence::optional);
        dense.list(to, c, i);
    }
    template <class Context>
    void forward(const forward_pass<Context>& pass, std::size_t i) const noexcept {
        attention_block(pass, attention, i);
        dense_block(pass, dense);
    }
};

/// Llama with half-split rotation, and biases on queries, keys and values.  @cite Yang et al. 2024 (Qwen2), section 2.2
struct qwen2 : decoder<qwen2_layer> {
    static constexpr std::string_view name = "qwen2";
    static constexpr rope_pairs pairs = rope_pairs::half;
};

}  // namespace wafer::inline WAFER_ABI

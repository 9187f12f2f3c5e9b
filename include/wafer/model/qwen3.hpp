// SPDX-License-Identifier: MIT
// L7 model: Qwen3, dense. GGUF architecture "qwen3".
#pragma once

#include <cstddef>
#include <string_view>

#include <wafer/model/blocks.hpp>

namespace wafer::inline WAFER_ABI {

struct qwen3_layer {
    attention_weights attention;
    dense_weights dense;

    void list(weight_list& to, const model_config& c, std::size_t i) {
        attention.list(to, c, i, presence::required);
        dense.list(to, c, i);
    }
    template <class Context>
    void forward(const forward_pass<Context>& pass, std::size_t i) const noexcept {
        attention_block(pass, attention, i);
        dense_block(pass, dense);
    }
};

/// Qwen2 without biases, with a norm on every query and key head before rotation.  @cite Yang et al. 2025 (Qwen3), section 2
struct qwen3 : decoder<qwen3_layer> {
    static constexpr std::string_view name = "qwen3";
    static constexpr rope_pairs pairs = rope_pairs::half;
};

}  // namespace wafer::inline WAFER_ABI

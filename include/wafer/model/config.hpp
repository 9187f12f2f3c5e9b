// SPDX-License-Identifier: MIT
// L7 model: the sizes and constants of a network, read from a checkpoint's metadata and checked. Knows no tensors.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>

#include <wafer/core/config.hpp>
#include <wafer/core/error.hpp>
#include <wafer/io/checkpoint.hpp>
#include <wafer/kernel/rope.hpp>
#include <wafer/model/hyperparameters.hpp>

namespace wafer::inline WAFER_ABI {

/// What a decoder-only transformer is made of, in the words of the shape lexicon (fwd.hpp).
struct model_config {
    std::string architecture;  // general.architecture
    std::string name;          // general.name, may be empty
    std::size_t n_layer = 0;
    std::size_t n_nextn = 0;    // blocks behind the layers that draft further tokens; not used
    std::size_t n_vocab = 0;    // rows of the embedding
    std::size_t n_context = 0;  // positions it was trained for
    std::size_t d_model = 0;
    std::size_t n_head = 0, n_kv = 0;
    std::size_t d_head = 0;    // of queries and keys
    std::size_t d_value = 0;   // of values
    std::size_t d_ff = 0;      // dense feed-forward width
    std::size_t n_expert = 0;  // 0: dense
    std::size_t n_active = 0;  // experts per token
    std::size_t d_ff_expert = 0;
    float rms_eps = 1e-5f;
    rope_config rope;

    friend bool operator==(const model_config&, const model_config&) = default;
};

/// Reads the keys common to all architectures.
/// @throws error{errc::missing_key, errc::wrong_type, errc::corrupt, errc::unsupported_key}
/// @cite GGUF specification, "Standardized key-value pairs"
[[nodiscard]] inline model_config read_config(hyperparameters& keys, const checkpoint& file) {
    model_config c;
    c.architecture = keys.architecture();
    c.name = file.metadata().find<std::string>("general.name").value_or("");

    c.n_layer = keys.size("block_count", {}, 1, 1024);
    c.n_nextn = keys.size("nextn_predict_layers", 0, 0, c.n_layer - 1);  // counted in block_count
    c.n_layer -= c.n_nextn;
    c.n_context = keys.size("context_length", {}, 1, std::uint64_t{1} << 28);
    c.d_model = keys.size("embedding_length", {}, 1, 1 << 20);
    static_cast<void>(keys.size("embedding_length_out", c.d_model, c.d_model, c.d_model));
    c.n_head = keys.size("attention.head_count", {}, 1, 1 << 14);
    c.n_kv = keys.size("attention.head_count_kv", c.n_head, 1, 1 << 14);
    if (c.n_head % c.n_kv != 0)
        keys.refuse(errc::corrupt, "attention.head_count_kv",
                    std::to_string(c.n_head) + " heads cannot share " + std::to_string(c.n_kv) + " key/value heads");
    c.d_head = keys.size("attention.key_length", c.d_model / c.n_head, 1, 1 << 14);
    c.d_value = keys.size("attention.value_length", c.d_head, 1, 1 << 14);
    const double scale = keys.find<double>("attention.scale").value_or(0) * std::sqrt(static_cast<double>(c.d_head));
    if (scale != 0 && !(std::abs(scale - 1) < 1e-5))
        keys.refuse(errc::unsupported_key, "attention.scale", "scores other than by 1/sqrt(d_head) are not supported");
    const auto window = keys.find<std::uint64_t>("attention.sliding_window").value_or(0);
    if (window != 0 && window < c.n_context)
        keys.refuse(errc::unsupported_key, "attention.sliding_window",
                    "attention to the last " + std::to_string(window) + " positions alone is not supported");
    c.d_ff = keys.size("feed_forward_length", 0, 0, 1 << 22);
    const auto activation = keys.find<std::string>("hidden_activation").value_or("silu");
    if (activation != "silu" && activation != "swish")
        keys.refuse(errc::unsupported_key, "hidden_activation", "activation '" + activation + "' is not supported");
    c.n_expert = keys.size("expert_count", 0, 0, 4096);
    if (c.n_layer * c.n_expert > 1 << 17)
        keys.refuse(errc::corrupt, "expert_count",
                    std::to_string(c.n_layer) + " layers of " + std::to_string(c.n_expert) + " experts are too many");
    c.n_active = keys.size("expert_used_count", 0, 0, c.n_expert);
    if ((c.n_expert == 0) != (c.n_active == 0))
        keys.refuse(errc::corrupt, "expert_used_count", "a mixture of experts needs both a count and a used count");
    c.d_ff_expert = keys.size("expert_feed_forward_length", c.d_ff, 0, 1 << 22);
    const double eps = keys.number("attention.layer_norm_rms_epsilon", 1e-5, 0);
    if (eps < double{std::numeric_limits<float>::min()} || eps > double{std::numeric_limits<float>::max()})
        keys.refuse(errc::corrupt, "attention.layer_norm_rms_epsilon", "value is too small or too large for a float");
    c.rms_eps = static_cast<float>(eps);

    auto& r = c.rope;
    r.d_rope = keys.size("rope.dimension_count", c.d_head, 2, c.d_head);
    if (r.d_rope % 2 != 0) keys.refuse(errc::corrupt, "rope.dimension_count", "rotated elements come in pairs");
    r.base = keys.number("rope.freq_base", 10000, 1);
    const auto kind = keys.find<std::string>("rope.scaling.type");
    // Files from before 2023-08 have the factor under another name and no type.
    r.factor = keys.number("rope.scaling.factor", keys.number("rope.scale_linear", 1, 0), 0);
    if (!kind || *kind == "linear") r.scaling = r.factor == 1 ? rope_scaling::none : rope_scaling::linear;
    else if (*kind == "yarn") r.scaling = rope_scaling::yarn;
    else if (*kind != "none")
        keys.refuse(errc::unsupported_key, "rope.scaling.type",
                    "unknown scaling '" + *kind + "': this release knows none, linear and yarn");
    r.original_context = keys.number("rope.scaling.original_context_length", static_cast<double>(c.n_context), 0);
    r.beta_fast = keys.number("rope.scaling.yarn_beta_fast", 32, 0);
    r.beta_slow = keys.number("rope.scaling.yarn_beta_slow", 1, 0);
    r.attention_factor = keys.number("rope.scaling.attn_factor", 1, 0);
    return c;
}

}  // namespace wafer::inline WAFER_ABI

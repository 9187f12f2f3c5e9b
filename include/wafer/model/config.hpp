// SPDX-License-Identifier: MIT
// L7 model: the sizes and constants of a network, read from a checkpoint's metadata and checked. Knows no tensors.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include <wafer/core/config.hpp>
#include <wafer/core/error.hpp>
#include <wafer/core/human.hpp>
#include <wafer/io/checkpoint.hpp>
#include <wafer/kernel/rope.hpp>

namespace wafer::inline WAFER_ABI {

/// What a decoder-only transformer is made of, in the words of the shape lexicon (fwd.hpp).
struct model_config {
    std::string architecture;  // general.architecture
    std::string name;          // general.name, may be empty
    std::size_t n_layer = 0;
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

/// Reads the keys common to all architectures; keys are prefixed with the architecture's name, as GGUF does.
/// @throws error{errc::missing_key, errc::wrong_type, errc::corrupt}
/// @cite GGUF specification, "Standardized key-value pairs"
[[nodiscard]] inline model_config read_config(const checkpoint& file) {
    const auto& meta = file.metadata();
    model_config c;
    c.architecture = meta.template require<std::string>("general.architecture");
    c.name = meta.template find<std::string>("general.name").value_or("");
    const auto key = [&](std::string_view rest) { return c.architecture + "." + std::string(rest); };
    // Every size lies in a range that real models stay far inside of, so that no later product can overflow.
    const auto size = [&](std::string_view rest, std::optional<std::uint64_t> otherwise, std::uint64_t least,
                          std::uint64_t most) {
        const auto name = key(rest);
        const auto found = meta.template find<std::uint64_t>(name);
        if (!found && !otherwise) raise(errc::missing_key, "the model needs this key", {file.path(), {}, name});
        const auto value = found.value_or(otherwise.value_or(0));
        if (value < least || value > most)
            raise(errc::corrupt,
                  "value " + std::to_string(value) + " is outside " + std::to_string(least) + ".." +
                      std::to_string(most),
                  {file.path(), {}, name});
        return static_cast<std::size_t>(value);
    };
    const auto number = [&](std::string_view rest, double otherwise, double above) {
        const auto name = key(rest);
        const double value = meta.template find<double>(name).value_or(otherwise);
        if (!(value > above) || !std::isfinite(value))
            raise(errc::corrupt, "value must be a finite number above " + fixed(above, 0), {file.path(), {}, name});
        return value;
    };

    c.n_layer = size("block_count", {}, 1, 1024);
    c.n_context = size("context_length", {}, 1, std::uint64_t{1} << 28);
    c.d_model = size("embedding_length", {}, 1, 1 << 20);
    c.n_head = size("attention.head_count", {}, 1, 1 << 14);
    c.n_kv = size("attention.head_count_kv", c.n_head, 1, 1 << 14);
    if (c.n_head % c.n_kv != 0)
        raise(errc::corrupt,
              std::to_string(c.n_head) + " heads cannot share " + std::to_string(c.n_kv) + " key/value heads",
              {file.path(), {}, key("attention.head_count_kv")});
    c.d_head = size("attention.key_length", c.d_model / c.n_head, 1, 1 << 14);
    c.d_value = size("attention.value_length", c.d_head, 1, 1 << 14);
    c.d_ff = size("feed_forward_length", 0, 0, 1 << 22);
    c.n_expert = size("expert_count", 0, 0, 4096);
    if (c.n_layer * c.n_expert > 1 << 17)
        raise(errc::corrupt,
              std::to_string(c.n_layer) + " layers of " + std::to_string(c.n_expert) + " experts are too many",
              {file.path(), {}, key("expert_count")});
    c.n_active = size("expert_used_count", 0, 0, c.n_expert);
    if ((c.n_expert == 0) != (c.n_active == 0))
        raise(errc::corrupt, "a mixture of experts needs both a count and a used count",
              {file.path(), {}, key("expert_used_count")});
    c.d_ff_expert = size("expert_feed_forward_length", c.d_ff, 0, 1 << 22);
    c.rms_eps = static_cast<float>(number("attention.layer_norm_rms_epsilon", 1e-5, 0));

    auto& r = c.rope;
    r.d_rope = size("rope.dimension_count", c.d_head, 2, c.d_head);
    if (r.d_rope % 2 != 0)
        raise(errc::corrupt, "rotated elements come in pairs", {file.path(), {}, key("rope.dimension_count")});
    r.base = number("rope.freq_base", 10000, 1);
    const auto kind = meta.template find<std::string>(key("rope.scaling.type"));
    // Files from before 2023-08 have the factor under another name and no type.
    r.factor = number("rope.scaling.factor", number("rope.scale_linear", 1, 0), 0);
    if (!kind || *kind == "linear") r.scaling = r.factor == 1 ? rope_scaling::none : rope_scaling::linear;
    else if (*kind == "yarn") r.scaling = rope_scaling::yarn;
    else if (*kind != "none")
        raise(errc::corrupt, "unknown scaling '" + *kind + "': this release knows none, linear and yarn",
              {file.path(), {}, key("rope.scaling.type")});
    r.original_context = number("rope.scaling.original_context_length", static_cast<double>(c.n_context), 0);
    r.beta_fast = number("rope.scaling.yarn_beta_fast", 32, 0);
    r.beta_slow = number("rope.scaling.yarn_beta_slow", 1, 0);
    r.attention_factor = number("rope.scaling.attn_factor", 1, 0);
    return c;
}

}  // namespace wafer::inline WAFER_ABI

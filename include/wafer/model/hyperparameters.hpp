// SPDX-License-Identifier: MIT
// L7 model: an architecture's keys in a checkpoint's metadata, read with bounds; what nobody reads must change nothing.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include <wafer/core/config.hpp>
#include <wafer/core/error.hpp>
#include <wafer/core/human.hpp>
#include <wafer/core/printable.hpp>
#include <wafer/io/checkpoint.hpp>

namespace wafer::inline WAFER_ABI {

/// A key that changes what a model computes, and up to three values with which it does not.
struct neutral_key {
    std::string_view name;
    double values[3];
    constexpr neutral_key(std::string_view key, double a, double b, double c) noexcept : name(key), values{a, b, c} {}
    constexpr neutral_key(std::string_view key, double a, double b) noexcept : neutral_key(key, a, b, b) {}
    constexpr neutral_key(std::string_view key, double a) noexcept : neutral_key(key, a, a) {}
};

/// What a checkpoint may ask of architectures that know it. One that does not reads the neutral values alone.
/// @cite llama.cpp, src/llama-arch.cpp (names), src/llama-hparams.h (defaults)
inline constexpr neutral_key neutral_keys[] = {
    {"embedding_scale", 0, 1},
    {"residual_scale", 0, 1},
    {"logit_scale", 0, 1},
    {"attn_logit_softcapping", 0},
    {"final_logit_softcapping", 0},
    {"router_logit_softcapping", 0},
    {"pooling_type", 0},  // anything else: a model that gives embeddings or ranks, not tokens
    {"use_parallel_residual", 0},
    {"swin_norm", 0},
    {"num_loops", 0, 1},
    {"full_attention_interval", 0, 1},
    {"embedding_length_per_layer_input", 0},
    {"hyper_connection.count", 0, 1},
    {"attention.causal", 1},
    {"attention.clamp_kqv", 0},
    {"attention.max_alibi_bias", 0},
    {"attention.output_scale", 0, 1},
    {"attention.value_scale", 1},
    {"attention.temperature_length", 0},
    {"attention.temperature_scale", 0},
    {"attention.q_lora_rank", 0},
    {"attention.kv_lora_rank", 0},
    {"attention.key_length_mla", 0},
    {"attention.value_length_mla", 0},
    {"attention.indexer.top_k", 0},
    {"attention.shared_kv_layers", 0},
    {"attention.recurrent_layers", 0},
    {"attention.rope_pattern", 1},
    {"rope.scaling.alpha", 0},
    {"rope.scaling.yarn_log_multiplier", 0},
    {"rope.scaling.yarn_ext_factor", 1, -1},
    {"rope.scaling.yarn_attn_factor", 1},
    {"leading_dense_block_count", 0},
    {"interleave_moe_layer_step", 0, 1},
    {"moe_every_n_layers", 0, 1},
    {"moe_latent_size", 0},
    {"expert_latent_length", 0},
    {"expert_shared_count", 0},
    {"expert_shared_feed_forward_length", 0},
    {"expert_chunk_feed_forward_length", 0},
    {"expert_group_count", 0, 1},
    {"expert_group_scale", 0, 1},
    {"expert_weights_scale", 0, 1},
    {"expert_weights_norm", 1},
    {"expert_gating_func", 0, 1, 3},  // not said; softmax; softmax of the chosen: the same where weights are normalised
    {"swiglu_clamp_exp", 0},
    {"swiglu_clamp_shexp", 0},
    {"ssm.inner_size", 0},
    {"ssm.state_size", 0},
    {"shortconv.l_cache", 0},
    {"kda.head_dim", 0},
    {"wkv.head_size", 0},
    {"adapters.count", 0},
};

/// Keys that change nothing by themselves, whatever their value.
inline constexpr std::string_view harmless_keys[] = {
    "attention.sliding_window_pattern",  // of a window, whose size is a key of its own
    "attention.key_length_swa",
    "attention.value_length_swa",
    "rope.freq_base_swa",
    "rope.dimension_count_swa",
    "rope.dimension_sections",       // all axes of a text's positions are the same
    "rope.scaling.finetuned",        // how it was trained
    "expert_group_used_count",       // of groups, whose number is a key of its own
    "attention.layer_norm_epsilon",  // of the norms with a mean, which are tensors of their own
    "tensor_data_layout",            // where a converter had it from
};

/// Reads keys, named without their prefix "ARCHITECTURE.", and remembers which.
class hyperparameters {
public:
    /// @throws error: missing_key, wrong_type (general.architecture)
    explicit hyperparameters(const checkpoint& file)
        : file_(file), architecture_(file.metadata().require<std::string>("general.architecture")) {}

    /// The prefix: general.architecture.
    [[nodiscard]] const std::string& architecture() const noexcept { return architecture_; }

    /// The value, or nothing if the file has no such key. @throws error{errc::wrong_type}
    template <class T>
    [[nodiscard]] std::optional<T> find(std::string_view name) {
        read_.emplace_back(name);
        return file_.metadata().find<T>(key(name));
    }
    /// A size in [least, most], so that no later product can overflow: real models stay far inside.
    /// @throws error: missing_key where there is no other value; corrupt, wrong_type
    [[nodiscard]] std::size_t size(std::string_view name, std::optional<std::uint64_t> otherwise, std::uint64_t least,
                                   std::uint64_t most) {
        const auto found = find<std::uint64_t>(name);
        if (!found && !otherwise) refuse(errc::missing_key, name, "the model needs this key");
        const auto value = found.value_or(otherwise.value_or(0));
        if (value < least || value > most)
            refuse(errc::corrupt, name,
                   "value " + std::to_string(value) + " is outside " + std::to_string(least) + ".." +
                       std::to_string(most));
        return static_cast<std::size_t>(value);
    }
    /// A finite number above a bound. @throws error: corrupt, wrong_type
    [[nodiscard]] double number(std::string_view name, double otherwise, double above) {
        const double value = find<double>(name).value_or(otherwise);
        if (!(value > above) || !std::isfinite(value))
            refuse(errc::corrupt, name, "value must be a finite number above " + fixed(above, 0));
        return value;
    }

    [[noreturn]] void refuse(errc code, std::string_view name, const std::string& why) const {
        raise(code, why, {file_.path(), {}, key(name)});
    }

    /// To be called when all that the architecture knows was read: a line for each other key of its prefix that is not
    /// known to be harmless.
    /// @throws error{errc::unsupported_key} for one that changes what the model computes
    [[nodiscard]] std::vector<std::string> check_others() const {
        std::vector<std::string> unknown;
        for (const auto& [whole, value] : file_.metadata().entries()) {
            if (!whole.starts_with(architecture_) || !whole.substr(architecture_.size()).starts_with('.')) continue;
            const std::string_view name = whole.substr(architecture_.size() + 1);
            if (among(read_, name) || among(harmless_keys, name)) continue;
            const auto* known = std::find_if(std::begin(neutral_keys), std::end(neutral_keys),
                                             [&](const neutral_key& k) { return k.name == name; });
            if (known == std::end(neutral_keys))
                unknown.push_back("key " + printable(whole) + " is not known and was not used");
            else if (!is_neutral(value, *known))
                refuse(errc::unsupported_key, name,
                       "the model asks for what this release does not do for architecture '" + architecture_ +
                           "': the key is " + metadata::describe(value));
        }
        return unknown;
    }

private:
    [[nodiscard]] std::string key(std::string_view name) const { return architecture_ + "." + std::string(name); }

    template <class Names>
    [[nodiscard]] static bool among(const Names& names, std::string_view name) noexcept {
        return std::find(std::begin(names), std::end(names), name) != std::end(names);
    }
    // Of an array, each element; texts never are.
    [[nodiscard]] static bool is_neutral(const metadata_value& value, const neutral_key& known) {
        const auto each = [&](auto x) {
            const auto number = static_cast<double>(x);
            return std::find(std::begin(known.values), std::end(known.values), number) != std::end(known.values);
        };
        if (const auto* b = std::get_if<bool>(&value)) return each(*b);
        if (const auto* u = std::get_if<std::uint64_t>(&value)) return each(*u);
        if (const auto* i = std::get_if<std::int64_t>(&value)) return each(*i);
        if (const auto* d = std::get_if<double>(&value)) return each(*d);
        if (const auto* b = std::get_if<std::vector<bool>>(&value)) return std::all_of(b->begin(), b->end(), each);
        if (const auto* u = std::get_if<std::vector<std::uint64_t>>(&value))
            return std::all_of(u->begin(), u->end(), each);
        if (const auto* i = std::get_if<std::vector<std::int64_t>>(&value))
            return std::all_of(i->begin(), i->end(), each);
        if (const auto* d = std::get_if<std::vector<double>>(&value)) return std::all_of(d->begin(), d->end(), each);
        return false;
    }

    const checkpoint& file_;
    std::string architecture_;
    std::vector<std::string> read_;
};

}  // namespace wafer::inline WAFER_ABI

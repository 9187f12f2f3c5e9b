// SPDX-License-Identifier: MIT
// L8 gen: a tokenizer's vocabulary out of a checkpoint's metadata.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <wafer/core/config.hpp>
#include <wafer/core/error.hpp>
#include <wafer/io/checkpoint.hpp>
#include <wafer/text/pretokenize.hpp>
#include <wafer/text/vocabulary.hpp>

namespace wafer::inline WAFER_ABI {

/// The vocabulary that a checkpoint describes, not yet checked (tokenizer does that); nothing if it has none.
/// @throws error{errc::wrong_type, errc::missing_key}
/// @cite GGUF specification, "tokenizer.ggml"; what files do not say is as in llama.cpp.
[[nodiscard]] inline std::optional<vocabulary> read_vocabulary(const checkpoint& file) {
    const auto& meta = file.metadata();
    const auto key = [](std::string_view rest) { return "tokenizer.ggml." + std::string(rest); };
    vocabulary v;
    v.model = meta.find<std::string>(key("model")).value_or("none");
    if (v.model == "no_vocab" || v.model == "none") return std::nullopt;
    v.pre = meta.find<std::string>(key("pre")).value_or("default");
    v.tokens = meta.require<std::vector<std::string>>(key("tokens"));
    for (const auto& merge : meta.find<std::vector<std::string>>(key("merges")).value_or(std::vector<std::string>{}))
        v.merges.push_back(split_merge(merge));
    for (const double s : meta.find<std::vector<double>>(key("scores")).value_or(std::vector<double>{}))
        v.scores.push_back(static_cast<float>(s));
    for (const std::int64_t t :
         meta.find<std::vector<std::int64_t>>(key("token_type")).value_or(std::vector<std::int64_t>{}))
        v.types.push_back(t < 1 || t > 6 ? token_type::normal : static_cast<token_type>(t));  // undefined ones
    // An id that no token has is as good as none.
    const auto id = [&](std::string_view rest, token_id otherwise = -1) -> std::optional<token_id> {
        const auto value = meta.find<std::int64_t>(key(rest));
        const auto exists = [&](std::int64_t i) { return i >= 0 && static_cast<std::uint64_t>(i) < v.tokens.size(); };
        if (value && exists(*value)) return static_cast<token_id>(*value);
        if (value)
            v.warn("key " + key(rest) + " names token " + std::to_string(*value) +
                   ", which is outside the vocabulary of " + std::to_string(v.tokens.size()) + " tokens");
        return !value && exists(otherwise) ? std::optional(otherwise) : std::nullopt;
    };
    const bool sentencepiece = v.model == "llama";
    v.bos = id("bos_token_id", sentencepiece ? 1 : -1);
    v.eos = id("eos_token_id", sentencepiece ? 2 : -1);
    v.eot = id("eot_token_id");
    v.eom = id("eom_token_id");
    v.unknown = id("unknown_token_id", sentencepiece ? 0 : -1);
    v.add_space_prefix = meta.find<bool>(key("add_space_prefix"));
    v.remove_extra_whitespaces = meta.find<bool>(key("remove_extra_whitespaces")).value_or(false);
    const pretokenizer* pre = find_pretokenizer(v.pre);
    v.add_bos = meta.find<bool>(key("add_bos_token")).value_or(sentencepiece || (pre != nullptr && pre->bos));
    v.add_eos = meta.find<bool>(key("add_eos_token")).value_or(false);
    if (meta.contains(key("suppress_tokens")))
        v.warn("key " + key("suppress_tokens") + " is not honoured: those tokens may be drawn");
    return v;
}

}  // namespace wafer::inline WAFER_ABI

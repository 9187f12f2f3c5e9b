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
#include <wafer/text/vocabulary.hpp>

namespace wafer::inline WAFER_ABI {

/// The vocabulary that a checkpoint describes, not yet checked (tokenizer does that); nothing if it has none.
/// @throws error{errc::wrong_type, errc::missing_key, errc::bad_vocabulary}  @cite GGUF specification, "tokenizer.ggml"
[[nodiscard]] inline std::optional<vocabulary> read_vocabulary(const checkpoint& file) {
    const auto& meta = file.metadata();
    const auto key = [](std::string_view rest) { return "tokenizer.ggml." + std::string(rest); };
    vocabulary v;
    v.model = meta.find<std::string>(key("model")).value_or("no_vocab");
    if (v.model == "no_vocab") return std::nullopt;
    v.pre = meta.find<std::string>(key("pre")).value_or("default");
    v.tokens = meta.require<std::vector<std::string>>(key("tokens"));
    v.merges = meta.find<std::vector<std::string>>(key("merges")).value_or(std::vector<std::string>{});
    for (const double s : meta.find<std::vector<double>>(key("scores")).value_or(std::vector<double>{}))
        v.scores.push_back(static_cast<float>(s));
    for (const std::int64_t t :
         meta.find<std::vector<std::int64_t>>(key("token_type")).value_or(std::vector<std::int64_t>{})) {
        if (t < 0 || t > 6)
            raise(errc::bad_vocabulary, "token type " + std::to_string(t) + " is unknown",
                  {file.path(), {}, key("token_type")});
        v.types.push_back(t == 0 ? token_type::normal : static_cast<token_type>(t));
    }
    const auto id = [&](std::string_view rest) -> std::optional<token_id> {
        const auto value = meta.find<std::uint64_t>(key(rest));
        if (!value) return std::nullopt;
        if (*value >= v.tokens.size())
            raise(errc::bad_vocabulary,
                  "token " + std::to_string(*value) + " is outside the vocabulary of " +
                      std::to_string(v.tokens.size()),
                  {file.path(), {}, key(rest)});
        return static_cast<token_id>(*value);
    };
    v.bos = id("bos_token_id");
    v.eos = id("eos_token_id");
    v.eot = id("eot_token_id");
    v.eom = id("eom_token_id");
    v.unknown = id("unknown_token_id");
    v.padding = id("padding_token_id");
    v.add_space_prefix = meta.find<bool>(key("add_space_prefix"));
    // Files that do not say: SentencePiece and byte-level vocabularies of the Llama 3 family begin with BOS.
    v.add_bos = meta.find<bool>(key("add_bos_token"))
                    .value_or(v.model == "llama" || v.pre == "llama-bpe" || v.pre == "llama3" || v.pre == "llama-v3");
    v.add_eos = meta.find<bool>(key("add_eos_token")).value_or(false);
    return v;
}

}  // namespace wafer::inline WAFER_ABI

// SPDX-License-Identifier: MIT
// L1 text: a vocabulary as files describe it, before anything is checked. Loaders fill it; tokenizer validates it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <wafer/core/config.hpp>

namespace wafer::inline WAFER_ABI {

/// Position of a token in its vocabulary; a row of the embedding.
using token_id = std::int32_t;

/// What a token stands for. @cite GGUF specification, tokenizer.ggml.token_type.
enum class token_type : std::int32_t {
    normal = 1,
    unknown = 2,
    control = 3,       // steers the model; no text of the conversation
    user_defined = 4,  // text that is never split
    unused = 5,
    byte = 6,  // "<0xNN>": one raw byte
};

/// How a token that is written out in a text is found, as tokenizer.json says it; tokens without such an entry are
/// found anywhere, as they are.
struct added_token {
    token_id id = 0;
    bool single_word = false;        // only where no letter, digit or mark is next to it
    bool lstrip = false;             // the white space before it goes
    bool rstrip = false;             // the white space after it goes
    bool after_normalizing = false;  // found in the normalized text that the others leave
};

/// Plain data, named as the keys of `tokenizer.ggml.*`.
struct vocabulary {
    std::string model;                // "gpt2" (byte-level BPE) or "llama" (SentencePiece)
    std::string pre;                  // how text is split before merging: "llama-bpe", "qwen2", ...
    std::vector<std::string> tokens;  // as stored: byte-level ones in the printable alphabet of GPT-2
    std::vector<token_type> types;    // one per token, or empty: all normal
    std::vector<float> scores;        // one per token, or empty (SentencePiece)
    std::vector<std::string> merges;  // "left right", best first (BPE)
    std::optional<token_id> bos, eos, eot, eom, unknown, padding;
    bool add_bos = false, add_eos = false;
    std::vector<added_token> added;
    std::optional<bool> ignore_merges, nfc;  // override what the pre-tokenizer's name implies (BPE)
    std::optional<bool> add_space_prefix;    // text begins with a space (SentencePiece, where it is the rule)
};

}  // namespace wafer::inline WAFER_ABI

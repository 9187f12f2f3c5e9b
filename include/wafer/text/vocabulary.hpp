// SPDX-License-Identifier: MIT
// L1 text: a vocabulary as files describe it, before anything is checked. Loaders fill it; tokenizer validates it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
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

/// How spaces are read where tokenizer.json has a Metaspace: a space is put only before a text that does not begin with one.
/// @cite Hugging Face tokenizers, pre_tokenizers/metaspace.rs
struct metaspace {
    bool first_only = false;  // and not after special tokens
    bool split = true;        // no token has a space behind its first character
};

/// Plain data, named as the keys of `tokenizer.ggml.*`.
struct vocabulary {
    std::string model;                // "gpt2" (byte-level BPE) or "llama" (SentencePiece)
    std::string pre;                  // how text is split before merging: "llama-bpe", "qwen2", ...
    std::vector<std::string> tokens;  // as stored: byte-level ones in the printable alphabet of GPT-2
    std::vector<token_type> types;    // one per token, or empty: all normal
    std::vector<float> scores;        // one per token, or empty (SentencePiece)
    std::vector<std::pair<std::string, std::string>> merges;  // left and right, best first (BPE)
    std::optional<token_id> bos, eos, eot, eom, unknown;
    bool add_bos = false, add_eos = false;
    std::vector<added_token> added;
    std::optional<bool> ignore_merges, nfc;  // override what the pre-tokenizer's name implies (BPE)
    std::optional<bool> add_space_prefix;    // text begins with a space (SentencePiece, where it is the rule)
    std::optional<metaspace> spaces;         // by the rules of tokenizer.json (SentencePiece)
    bool remove_extra_whitespaces = false;   // of spaces side by side one counts, at the ends none (SentencePiece)
    std::vector<std::string> warnings;       // what its file says that was passed over, a line each

    /// Adds a warning, up to so many that somebody may read them.
    void warn(std::string line) {
        constexpr std::size_t most = 16;
        if (warnings.size() < most) warnings.push_back(std::move(line));
        else if (warnings.size() == most) warnings.emplace_back("and more of that kind");
    }
};

/// The two tokens of a merge that is written as one text, "left right"; a text without a space is all left.
[[nodiscard]] inline std::pair<std::string, std::string> split_merge(std::string_view merge) {
    const std::size_t space = merge.find(' ', 1);  // a stored token holds none
    if (space == merge.npos) return {std::string(merge), {}};
    return {std::string(merge.substr(0, space)), std::string(merge.substr(space + 1))};
}

/// The byte that "<0xNN>" stands for, or nothing for another text.
[[nodiscard]] constexpr std::optional<unsigned char> byte_of_name(std::string_view stored) noexcept {
    const auto digit = [&](std::size_t i) -> unsigned {
        const char c = stored[i];
        return static_cast<unsigned>(c >= '0' && c <= '9'   ? c - '0'
                                     : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                     : c >= 'a' && c <= 'f' ? c - 'a' + 10
                                                            : 16);
    };
    if (stored.size() != 6 || !stored.starts_with("<0x") || stored[5] != '>' || digit(3) > 15 || digit(4) > 15)
        return std::nullopt;
    return static_cast<unsigned char>(digit(3) * 16 + digit(4));
}

}  // namespace wafer::inline WAFER_ABI

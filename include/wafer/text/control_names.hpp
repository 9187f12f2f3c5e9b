// SPDX-License-Identifier: MIT
// L1 text: the names that chat formats give to tokens which steer the model, for files that do not say what these are.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include <wafer/core/config.hpp>
#include <wafer/text/vocabulary.hpp>

namespace wafer::inline WAFER_ABI {

/// A name that no text of a conversation has.
struct control_name {
    std::string_view text;
    bool ends = false;  // an answer
};

/// Every name but "</s>", which may be HTML: where that is no control token by its type, it is text.
/// @cite llama.cpp, src/llama-vocab.cpp, "control-looking token"
inline constexpr control_name control_names[] = {
    {"<|im_start|>"},
    {"<|im_end|>", true},
    {"<|begin_of_text|>"},
    {"<|start_header_id|>"},
    {"<|end_header_id|>"},
    {"<|eot_id|>", true},
    {"<|eom_id|>", true},
    {"<|eot|>", true},
    {"<|end_of_text|>", true},
    {"<|endoftext|>", true},
    {"<|system|>"},
    {"<|user|>"},
    {"<|assistant|>"},
    {"<|end|>", true},  // but in harmony, where it ends a message
    {"<|return|>", true},
    {"<|call|>", true},
    {"<start_of_turn>"},
    {"<end_of_turn>", true},
    {"<|turn>"},
    {"<turn|>", true},
    {"<end_of_utterance>", true},
    {"<EOT>", true},
    {"[EOT]", true},
    {"[EOS]", true},
    {"<eos>", true},
    {"</s>", true},
    {"<\xEF\xBD\x9C"
     "end\xE2\x96\x81of\xE2\x96\x81sentence\xEF\xBD\x9C>",
     true},
};

/// The entry of a token's text, or null.
[[nodiscard]] constexpr const control_name* find_control_name(std::string_view text) noexcept {
    for (const control_name& name : control_names)
        if (name.text == text) return &name;
    return nullptr;
}

/// Makes control tokens of those that have such a name and another type, and tells.
inline void correct_types(vocabulary& v) {
    if (!v.types.empty() && v.types.size() != v.tokens.size()) return;  // for others to refuse
    for (std::size_t i = 0; i < v.tokens.size(); ++i) {
        const auto type = v.types.empty() ? token_type::normal : v.types[i];
        if (type == token_type::control || type == token_type::unknown || type == token_type::byte) continue;
        const control_name* name = find_control_name(v.tokens[i]);
        if (name == nullptr || name->text == "</s>") continue;
        if (v.types.empty()) v.types.assign(v.tokens.size(), token_type::normal);
        v.types[i] = token_type::control;
        v.warn("token " + std::to_string(i) + " \"" + v.tokens[i] +
               "\" is not typed as a control token, and is taken for one");
    }
}

}  // namespace wafer::inline WAFER_ABI

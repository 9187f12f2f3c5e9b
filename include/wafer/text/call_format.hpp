// SPDX-License-Identifier: MIT
// L1 text: how families of models write calls of tools. A new one is a name, an entry and perhaps a function.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include <wafer/core/config.hpp>
#include <wafer/text/channel_header.hpp>

namespace wafer::inline WAFER_ABI {

/// Whose way of writing calls.
enum class call_dialect : std::uint8_t { none, llama, hermes, deepseek, mistral, harmony, qwen_coder, mistral_args };

/// One dialect. The JSON names the function, or the name stands before the JSON and a separator, or all of it is in tags.
struct call_format {
    call_dialect dialect{};
    std::string_view name{};             // the dialect's name
    std::string_view sign{};             // what only templates of these models contain
    std::string_view token{};            // what only their vocabularies contain, as a special token; may be empty
    std::string_view open{}, close{};    // around one call; close may be empty
    std::string_view other_closes[2]{};  // what else may close one
    std::string_view separator{};        // before the arguments, where the name is outside the JSON
    std::string_view id_mark{};          // before it, where an id follows the name
    std::string_view block_open{}, block_close{};  // around all calls
    std::string_view other_block_opens[4]{};       // what else may open them
    std::string_view bare_open{};                  // begins a call among others whose opening marker was left out
    bool tagged = false;                           // arguments are in tags of their own: @see tagged_call
    bool bare = false;                             // JSON alone is a call where an answer or another call would begin
    std::string_view lead = " \t\r\n";             // may stand between the opening marker and the JSON
    std::string_view trail = " \t\r\n";            // may stand between the JSON and the closing marker
    std::string_view between = " \t\r\n";          // may stand between calls
    /// The function's name in what stands before the separator and between it and the JSON: empty if that is malformed, or
    /// holds what would be lost.
    std::string (*find_name)(std::string_view before, std::string_view after) = nullptr;
};

namespace detail {

inline std::string_view without_blanks(std::string_view text) noexcept {
    constexpr std::string_view blanks = " \t\r\n";
    text.remove_prefix(std::min(text.find_first_not_of(blanks), text.size()));
    return text.substr(0, text.find_last_not_of(blanks) + 1);  // npos + 1 is 0
}

[[nodiscard]] inline bool is_one_word(std::string_view text) noexcept {
    return text.find_first_of(" \t\r\n") == text.npos;
}

// V3: function <sep> NAME, then a fenced block. V3.1: NAME <sep>. Other words would be lost.
inline std::string deepseek_name(std::string_view before, std::string_view after) {
    before = without_blanks(before);
    after = without_blanks(after);
    const std::string_view fence = after.ends_with("```json") ? "```json" : after.ends_with("```") ? "```" : "";
    after = without_blanks(after.substr(0, after.size() - fence.size()));
    if (!after.empty()) return std::string(before == "function" && is_one_word(after) ? after : "");
    return std::string(is_one_word(before) ? before : "");
}

// NAME, or NAME [CALL_ID] id.
inline std::string mistral_name(std::string_view before, std::string_view after) {
    constexpr std::string_view mark = "[CALL_ID]";
    const std::size_t id = before.find(mark);
    const bool reads = without_blanks(after).empty() &&
                       (id == before.npos || is_one_word(without_blanks(before.substr(id + mark.size()))));
    return std::string(reads ? without_blanks(before.substr(0, id)) : "");
}

// The header of a message of gpt-oss; its content must begin with the JSON.
inline std::string harmony_name(std::string_view before, std::string_view after) {
    const std::string text = std::string(before) + std::string(channel_header::message);
    const channel_header header = read_channel_header(text);
    if (header.size != text.size() || !without_blanks(after).empty()) return std::string();
    std::string_view name = header.recipient;
    if (name.starts_with("functions.")) name.remove_prefix(10);
    return std::string(name);
}

}  // namespace detail

/// The dialects, those with the plainest signs first. DeepSeek's markers have U+FF5C for bars and U+2581 for spaces, here in
/// octal; R1 spells the block's in several ways and leaves out that of a call.  @cite llama.cpp, common/chat.cpp
inline constexpr call_format call_formats[] = {
    {.dialect = call_dialect::harmony,
     .name = "harmony",
     .sign = "<|channel|>",
     .token = "<|channel|>",
     .close = "<|call|>",  // what opens one is told by channel_splitter
     .other_closes = {"<|end|>", "<|return|>"},
     .separator = "<|message|>",
     .find_name = detail::harmony_name},
    {.dialect = call_dialect::deepseek,
     .name = "deepseek",
     .sign = "<\357\275\234tool\342\226\201call\342\226\201begin\357\275\234>",
     .token = "<\357\275\234tool\342\226\201call\342\226\201begin\357\275\234>",
     .open = "<\357\275\234tool\342\226\201call\342\226\201begin\357\275\234>",
     .close = "<\357\275\234tool\342\226\201call\342\226\201end\357\275\234>",
     .separator = "<\357\275\234tool\342\226\201sep\357\275\234>",
     .block_open = "<\357\275\234tool\342\226\201calls\342\226\201begin\357\275\234>",
     .block_close = "<\357\275\234tool\342\226\201calls\342\226\201end\357\275\234>",
     .other_block_opens = {"<\357\275\234tool_calls_begin\357\275\234>", "<\357\275\234tool calls begin\357\275\234>",
                           "<\357\275\234tool\\_calls\\_begin\357\275\234>",
                           "<\357\275\234tool\342\226\201calls\357\275\234>"},
     .bare_open = "function<\357\275\234tool\342\226\201sep\357\275\234>",
     .trail = " \t\r\n`",
     .find_name = detail::deepseek_name},
    {.dialect = call_dialect::qwen_coder,
     .name = "qwen-coder",
     .sign = "<parameter=",
     .open = "<function=",
     .close = "</function>",
     .block_open = "<tool_call>",  // around each call, but often forgotten
     .block_close = "</tool_call>",
     .tagged = true},
    {.dialect = call_dialect::hermes,
     .name = "hermes",
     .sign = "<tool_call>",
     .token = "<tool_call>",
     .open = "<tool_call>",
     .close = "</tool_call>"},
    {.dialect = call_dialect::mistral_args,  // Mistral Small 3.2, Devstral, Ministral 3
     .name = "mistral-args",
     .sign = "[ARGS]",
     .token = "[ARGS]",
     .open = "[TOOL_CALLS]",
     .separator = "[ARGS]",
     .id_mark = "[CALL_ID]",
     .find_name = detail::mistral_name},
    {.dialect = call_dialect::mistral,
     .name = "mistral",
     .sign = "[TOOL_CALLS]",
     .token = "[TOOL_CALLS]",
     .open = "[TOOL_CALLS]",
     .block_close = "]",
     .bare = true,
     .lead = " \t\r\n[",
     .between = " \t\r\n,"},
    {.dialect = call_dialect::llama,
     .name = "llama",
     .sign = "<|start_header_id|>ipython",
     .token = "<|python_tag|>",
     .open = "<|python_tag|>",
     .bare = true,
     .between = " \t\r\n;,"},
};

/// The entry of that dialect; an empty one for none.
[[nodiscard]] constexpr call_format format_of(call_dialect dialect) noexcept {
    for (const call_format& format : call_formats)
        if (format.dialect == dialect) return format;
    return {};
}

/// The markers that begin a call or several; some are empty.
[[nodiscard]] constexpr std::array<std::string_view, 6> opening_markers(const call_format& format) noexcept {
    const auto& also = format.other_block_opens;
    return {format.open, format.block_open, also[0], also[1], also[2], also[3]};
}

/// "hermes" and the like; "none" for none, "unknown" for a number that is no dialect's.
[[nodiscard]] constexpr std::string_view to_string(call_dialect dialect) noexcept {
    const std::string_view name = format_of(dialect).name;
    return !name.empty() ? name : dialect == call_dialect::none ? "none" : "unknown";
}

/// The dialect that a model with this chat template speaks.
[[nodiscard]] constexpr call_dialect dialect_of_template(std::string_view source) noexcept {
    for (const call_format& format : call_formats)
        if (source.find(format.sign) != source.npos) return format.dialect;
    return call_dialect::none;
}

/// The same for a model whose special tokens are known: has(text) tells whether there is one of that text.
template <class Has>
[[nodiscard]] constexpr call_dialect dialect_of_tokens(const Has& has) {
    for (const call_format& format : call_formats)
        if (!format.token.empty() && has(format.token)) return format.dialect;
    return call_dialect::none;
}

}  // namespace wafer::inline WAFER_ABI

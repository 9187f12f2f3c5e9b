// SPDX-License-Identifier: MIT
// L1 text: how text is cut into pieces before BPE merges inside each. One function and one list entry per known
// splitter.
#pragma once

#include <cstddef>
#include <string_view>

#include <wafer/core/config.hpp>
#include <wafer/text/char_class.hpp>
#include <wafer/text/pretokenize_deepseek.hpp>

namespace wafer::inline WAFER_ABI {

namespace detail {

inline constexpr std::string_view gpt2_pattern =
    R"re('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)re";

// SingleDigits: numbers are cut out first, each character alone; this is what splits the text between them.
template <bool SingleDigits>
std::size_t split_gpt2(std::string_view text, std::size_t from) noexcept {
    const class_reader in{text};
    if (const std::size_t end = in.contraction(from, false); end != from) return end;
    if (SingleDigits && in.is(from, cc_number)) return in.skip(from, cc_number, 1);
    constexpr class_set apart = SingleDigits ? cc_number : cc_end;
    const std::size_t word = text[from] == ' ' ? from + 1 : from;
    for (const class_set kinds : {cc_letter, cc_number & ~apart, cc_sign})
        if (in.is(word, kinds)) return in.skip(word, kinds);
    return in.blanks(from, ~apart);
}

// llama.cpp's own, for files that name none:  [\p{P}$+<=>^~|]+  then that of GPT-2, then  \p{N}+  then  [0-9][0-9][0-9]
constexpr class_set classify_default(char32_t code) noexcept {
    return std::u32string_view(U"$+<=>^~|").find(code) != std::u32string_view::npos ? cc_punctuation : classify(code);
}

inline std::size_t split_default(std::string_view text, std::size_t from) noexcept {
    const basic_class_reader<classify_default> in{text};
    const class_set first = in.at(from).kind;
    if (first == cc_punctuation) return in.skip(from, cc_punctuation);
    if (first == cc_number) {  // up to three ASCII digits in a row, or those
        const auto is_digit = [&](std::size_t i) { return i < text.size() && text[i] >= '0' && text[i] <= '9'; };
        std::size_t end = from;
        for (; in.is(end, cc_number); end = utf8_next(text, end))
            if (is_digit(end) && is_digit(end + 1) && is_digit(end + 2)) return end == from ? from + 3 : end;
        return end;
    }
    const std::size_t word = text[from] == ' ' ? from + 1 : from;
    for (const class_set kinds : {cc_letter, cc_sign & ~cc_punctuation})
        if (in.is(word, kinds)) return in.skip(word, kinds);
    return in.blanks(from, ~cc_punctuation);
}

inline constexpr std::string_view llama3_pattern =
    R"re((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3})re"
    R"re(| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)re";
inline constexpr std::string_view qwen2_pattern = R"re((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N})re"
                                                  R"re(| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)re";

template <std::size_t MaxDigits>
std::size_t split_cl100k(std::string_view text, std::size_t from) noexcept {
    const class_reader in{text};
    if (const std::size_t end = in.contraction(from, true); end != from) return end;
    const classed_char first = in.at(from);
    if (first.kind == cc_number) return in.skip(from, cc_number, MaxDigits);
    const std::size_t second = from + first.length;
    if ((first.kind & cc_letter) != 0 || (first.kind != cc_newline && in.is(second, cc_letter)))
        return in.skip(second, cc_letter);
    const std::size_t sign = text[from] == ' ' ? second : from;
    if (in.is(sign, cc_sign)) return in.skip(in.skip(sign, cc_sign), cc_newline);
    if (const std::size_t end = in.blanks_to_newline(from); end != from) return end;
    return in.blanks(from);
}

inline constexpr std::string_view gpt4o_pattern =
    R"re([^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?)re"
    R"re(|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?)re"
    R"re(|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+)re";

// Mistral's: the same without contractions, digit by digit.
inline constexpr std::string_view tekken_pattern =
    R"re([^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+)re"
    R"re(|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*)re"
    R"re(|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+)re";

// The ends of the two kinds of words that begin at `from`, or `from` where there is none: those with a lower-case
// tail, and those in capitals. A caseless letter serves as either.
struct gpt4o_words {
    std::size_t lower, capitals;
};
inline gpt4o_words find_gpt4o_words(const class_reader& in, std::size_t from) noexcept {
    constexpr class_set either = cc_caseless | cc_mark;
    std::size_t capitals = from, tail = from;
    while (in.is(capitals, cc_upper | either)) {
        const classed_char c = in.at(capitals);
        capitals += c.length;
        if ((c.kind & either) != 0) tail = capitals;
    }
    const std::size_t lower = in.skip(capitals, cc_lower | either);
    return {lower != capitals ? lower : tail, lower};
}

template <std::size_t MaxDigits, bool Contractions>
std::size_t split_gpt4o(std::string_view text, std::size_t from) noexcept {
    const class_reader in{text};
    const auto word = [&](std::size_t end) { return Contractions ? in.contraction(end, true) : end; };
    const classed_char first = in.at(from);
    const std::size_t second = from + first.length;
    const bool prefix = (first.kind & (cc_newline | cc_letter | cc_number)) == 0;
    const gpt4o_words later = prefix ? find_gpt4o_words(in, second) : gpt4o_words{second, second};
    if (later.lower != second) return word(later.lower);
    const gpt4o_words here = find_gpt4o_words(in, from);
    if (here.lower != from) return word(here.lower);
    if (later.capitals != second) return word(later.capitals);
    if (here.capitals != from) return word(here.capitals);
    if (first.kind == cc_number) return in.skip(from, cc_number, MaxDigits);
    const std::size_t sign = text[from] == ' ' ? second : from;
    if (in.is(sign, cc_sign)) {
        std::size_t end = in.skip(sign, cc_sign);
        while (end < text.size() && (text[end] == '\n' || text[end] == '\r' || text[end] == '/')) ++end;
        return end;
    }
    if (const std::size_t end = in.blanks_to_newline(from); end != from) return end;
    return in.blanks(from);
}

}  // namespace detail

/// A way to cut text into pieces, as named by `tokenizer.ggml.pre`.
struct pretokenizer {
    std::string_view name;
    /// Where the piece that begins at `from` ends, always past `from`. @pre text is UTF-8, from < text.size().
    /// @cost linear in the text when called piece by piece, whatever the text.
    std::size_t (*next)(std::string_view text, std::size_t from) noexcept;
    bool ignore_merges = false;  // a piece that is a token as a whole is that token
    bool nfc = false;            // text is brought to normalization form C first
    bool bos = false;            // files that do not say otherwise begin texts with BOS
};

/// The list of known pre-tokenizers. A new one is a function above and an entry here.
inline constexpr pretokenizer pretokenizers[] = {
    {"gpt-2", detail::split_gpt2<false>},
    {"gpt2", detail::split_gpt2<false>},
    {"a.x-4.0", detail::split_gpt2<false>},
    {"mellum", detail::split_gpt2<false>},
    {"trillion", detail::split_gpt2<false>},
    {"smollm", detail::split_gpt2<true>},
    {"refact", detail::split_gpt2<true>},
    {"minerva-7b", detail::split_gpt2<true>},
    {"default", detail::split_default},
    {.name = "llama-bpe", .next = detail::split_cl100k<3>, .ignore_merges = true, .bos = true},
    {.name = "llama3", .next = detail::split_cl100k<3>, .ignore_merges = true, .bos = true},
    {.name = "llama-v3", .next = detail::split_cl100k<3>, .ignore_merges = true, .bos = true},
    {.name = "falcon3", .next = detail::split_cl100k<3>, .ignore_merges = true, .bos = true},
    {.name = "midm-2.0", .next = detail::split_cl100k<3>, .ignore_merges = true, .bos = true},
    {"smaug-bpe", detail::split_cl100k<3>},
    {.name = "qwen2", .next = detail::split_cl100k<1>, .nfc = true},
    {.name = "deepseek-r1-qwen", .next = detail::split_cl100k<1>, .nfc = true},
    {"deepseek-llm", detail::split_deepseek_llm},
    {"deepseek-coder", detail::split_deepseek_coder},
    {"deepseek-v3", detail::split_deepseek_v3},
    {"gpt-4o", detail::split_gpt4o<3, true>},
    {"llama4", detail::split_gpt4o<3, true>},
    {.name = "tekken", .next = detail::split_gpt4o<1, false>, .ignore_merges = true, .bos = true},
};

/// The pre-tokenizer of that name, or nullptr. An empty name is "default".
[[nodiscard]] constexpr const pretokenizer* find_pretokenizer(std::string_view name) noexcept {
    for (const auto& known : pretokenizers)
        if (known.name == (name.empty() ? "default" : name)) return &known;
    return nullptr;
}

}  // namespace wafer::inline WAFER_ABI

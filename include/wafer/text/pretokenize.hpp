// SPDX-License-Identifier: MIT
// L1 text: how text is cut into pieces before BPE merges inside each. One function and one list entry per known splitter.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include <wafer/core/config.hpp>
#include <wafer/core/utf8.hpp>
#include <wafer/text/unicode.hpp>

namespace wafer::inline WAFER_ABI {

namespace detail {

// The classes that the published patterns distinguish. `end` is past the text, so that loops need no second test.
enum class char_class : std::uint8_t { end, letter, number, space, newline, other };

struct classed_char {
    char_class kind;
    std::uint8_t length;
};

constexpr char_class classify(char32_t code) noexcept {
    if (code == '\n' || code == '\r') return char_class::newline;
    if (is_white_space(code)) return char_class::space;
    const general_category c = category(code);
    return is_letter(c) ? char_class::letter : is_number(c) ? char_class::number : char_class::other;
}

inline constexpr auto ascii_classes = [] {
    std::array<char_class, 128> classes{};
    for (char32_t code = 0; code < 128; ++code) classes[code] = classify(code);
    return classes;
}();

// A text and what its characters are. Each method reads forward from `at` and answers with the offset where it stopped.
struct class_reader {
    std::string_view text;

    [[nodiscard]] classed_char at(std::size_t from) const noexcept {
        if (from >= text.size()) return {char_class::end, 0};
        if (const auto byte = static_cast<unsigned char>(text[from]); byte < 128) return {ascii_classes[byte], 1};
        const utf8_step step = decode_utf8(text, from);
        return {classify(step.code), step.length};
    }
    [[nodiscard]] std::size_t skip(std::size_t from, char_class kind, std::size_t at_most = SIZE_MAX) const noexcept {
        for (; at_most > 0; --at_most) {
            const classed_char c = at(from);
            if (c.kind != kind) break;
            from += c.length;
        }
        return from;
    }
    [[nodiscard]] bool is_blank(std::size_t from) const noexcept {
        const char_class kind = at(from).kind;
        return kind == char_class::space || kind == char_class::newline;
    }
    // Alternatives  \s+(?!\S) | \s+ : a run of white space leaves its last character to the word that follows.
    [[nodiscard]] std::size_t blanks(std::size_t from) const noexcept {
        std::size_t last = from, end = from;
        while (is_blank(end)) {
            last = end;
            end += at(end).length;
        }
        return end == text.size() || last == from ? end : last;
    }
    // Alternative  \s*[\r\n]+ : up to the last line break of a run of white space, or `from` where it has none.
    [[nodiscard]] std::size_t blanks_to_newline(std::size_t from) const noexcept {
        std::size_t end = from;
        for (std::size_t i = from; is_blank(i);) {
            const classed_char c = at(i);
            i += c.length;
            if (c.kind == char_class::newline) end = i;
        }
        return end;
    }
    // Alternative  's|'t|'re|'ve|'m|'ll|'d , or `from` where none is there.
    [[nodiscard]] std::size_t contraction(std::size_t from, bool any_case) const noexcept {
        if (text[from] != '\'') return from;
        const auto letter = [&](std::size_t i) {
            const char c = i < text.size() ? text[i] : '\0';
            return any_case && c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
        };
        const char first = letter(from + 1), second = letter(from + 2);
        if (first == 's' || first == 't' || first == 'm' || first == 'd') return from + 2;
        if (((first == 'r' || first == 'v') && second == 'e') || (first == 'l' && second == 'l')) return from + 3;
        return from;
    }
};

// 's|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+
inline std::size_t split_gpt2(std::string_view text, std::size_t from) noexcept {
    const class_reader in{text};
    if (const std::size_t end = in.contraction(from, false); end != from) return end;
    const std::size_t word = text[from] == ' ' ? from + 1 : from;
    const char_class kind = in.at(word).kind;
    if (kind == char_class::letter || kind == char_class::number || kind == char_class::other)
        return in.skip(word, kind);
    return in.blanks(from);
}

// (?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,MaxDigits}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+
template <std::size_t MaxDigits>
std::size_t split_cl100k(std::string_view text, std::size_t from) noexcept {
    const class_reader in{text};
    if (const std::size_t end = in.contraction(from, true); end != from) return end;
    const classed_char first = in.at(from);
    if (first.kind == char_class::number) return in.skip(from, char_class::number, MaxDigits);
    const std::size_t second = from + first.length;
    if (first.kind == char_class::letter ||
        (first.kind != char_class::newline && in.at(second).kind == char_class::letter))
        return in.skip(second, char_class::letter);
    const std::size_t mark = text[from] == ' ' ? second : from;
    if (in.at(mark).kind == char_class::other) return in.skip(in.skip(mark, char_class::other), char_class::newline);
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
};

/// The list of known pre-tokenizers. A new one is a function above and an entry here.
inline constexpr pretokenizer pretokenizers[] = {
    {"gpt-2", detail::split_gpt2},
    {"gpt2", detail::split_gpt2},
    {"default", detail::split_gpt2},
    {"llama-bpe", detail::split_cl100k<3>, true},
    {"llama3", detail::split_cl100k<3>, true},
    {"llama-v3", detail::split_cl100k<3>, true},
    {"qwen2", detail::split_cl100k<1>},
    {"deepseek-r1-qwen", detail::split_cl100k<1>},
};

/// The pre-tokenizer of that name, or nullptr. An empty name is "default".
[[nodiscard]] constexpr const pretokenizer* find_pretokenizer(std::string_view name) noexcept {
    for (const auto& known : pretokenizers)
        if (known.name == (name.empty() ? "default" : name)) return &known;
    return nullptr;
}

}  // namespace wafer::inline WAFER_ABI

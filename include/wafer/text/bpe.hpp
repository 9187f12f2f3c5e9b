// SPDX-License-Identifier: MIT
// L1 text: byte-level byte-pair encoding, as GPT-2, Llama 3, Qwen and DeepSeek use it. Knows nothing of special tokens.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <wafer/core/config.hpp>
#include <wafer/core/error.hpp>
#include <wafer/core/utf8.hpp>
#include <wafer/text/pair_merge.hpp>
#include <wafer/text/piece_cache.hpp>
#include <wafer/text/pretokenize.hpp>
#include <wafer/text/token_table.hpp>
#include <wafer/text/vocabulary.hpp>

namespace wafer::inline WAFER_ABI {

/// The printable stand-in of every byte in stored byte-level vocabularies: itself where it is a visible Latin-1
/// character, else the next free code point from U+0100 on. @cite Radford et al. 2019 (GPT-2), encoder.py.
inline constexpr auto byte_level_alphabet = [] {
    std::array<char16_t, 256> alphabet{};
    char16_t next = 0x100;
    for (unsigned byte = 0; byte < 256; ++byte) {
        const bool visible = (byte > 0x20 && byte < 0x7F) || (byte > 0xA0 && byte != 0xAD);
        alphabet[byte] = visible ? static_cast<char16_t>(byte) : next++;
    }
    return alphabet;
}();

/// The bytes that a stored byte-level token stands for. Characters outside the alphabet stand for themselves.
[[nodiscard]] inline std::string byte_level_decode(std::string_view stored) {
    static constexpr auto original = [] {
        std::array<std::int16_t, 0x144> inverse{};
        inverse.fill(-1);
        for (std::int16_t byte = 0; byte < 256; ++byte)
            inverse[byte_level_alphabet[static_cast<std::size_t>(byte)]] = byte;
        return inverse;
    }();
    std::string out;
    for (std::size_t at = 0; at < stored.size();) {
        const utf8_step step = decode_utf8(stored, at);
        const bool known = step.status == utf8_status::ok && step.code < original.size() && original[step.code] >= 0;
        if (known) out.push_back(static_cast<char>(original[step.code]));
        else out.append(stored, at, step.length);
        at += step.length;
    }
    return out;
}

/// Byte-level BPE over one vocabulary. Const and shared by threads; the pieces live in the tokenizer that owns it.
class byte_level_bpe {
public:
    /// The bytes of a token of this model, from its stored form.
    [[nodiscard]] static std::string piece(std::string_view stored) { return byte_level_decode(stored); }

    /// Warns of tokens that are the same text.
    /// @throws error{errc::unsupported_tokenizer} for an unknown pre-tokenizer, with the list of known ones;
    ///         error{errc::bad_vocabulary} for merges of unknown tokens, or bytes without a token.
    byte_level_bpe(vocabulary& source, const token_pieces& pieces) : index_(pieces.size()) {
        const pretokenizer* pre = find_pretokenizer(source.pre);
        if (pre == nullptr) raise(errc::unsupported_tokenizer, unknown_pretokenizer(source.pre));
        next_piece_ = pre->next;
        ignore_merges_ = source.ignore_merges.value_or(pre->ignore_merges);
        index_tokens(source, pieces);
        index_bytes(source, pieces);
        rules_ = read_merges(source, pieces, index_, byte_level_decode);
    }

    /// Whether encode() puts a space before each text.
    [[nodiscard]] static bool adds_space(bool) noexcept { return false; }

    /// Appends the tokens of a text without special tokens. Of control characters and characters above U+3FFFF, bytes
    /// that have no token are left out where no unknown token stands for them.  @pre text is UTF-8.
    /// @cost O(n log n) for a text of n bytes that is one piece, near linear in text made of words.
    void encode(std::string_view text, const token_pieces& pieces, piece_cache& cache,
                std::vector<token_id>& out) const {
        for (std::size_t at = 0; at < text.size() && !cache.stopped();) {
            const std::size_t end = next_piece_(text, at);
            if (end - at == 1) {
                if (const token_id id = byte_ids_[static_cast<unsigned char>(text[at])]; id != none) out.push_back(id);
            } else {
                cache.append(text.substr(at, end - at), out, [&](std::string_view piece) {
                    if (const auto whole = ignore_merges_ ? index_.find(pieces, piece) : std::nullopt)
                        out.push_back(*whole);
                    else merge(piece, cache, out);
                });
            }
            at = end;
        }
    }

    /// The token that these bytes are as a whole.
    [[nodiscard]] std::optional<token_id> find(const token_pieces& pieces, std::string_view raw) const noexcept {
        return index_.find(pieces, raw);
    }

private:
    static constexpr token_id none = -1;

    static std::string unknown_pretokenizer(std::string_view name) {
        std::string message = "unknown pre-tokenizer \"" + std::string(name) + "\"; known are";
        for (const auto& known : pretokenizers)
            message += (&known == pretokenizers ? " " : ", ") + std::string(known.name);
        return message;
    }

    void index_tokens(vocabulary& source, const token_pieces& pieces) {
        for (std::size_t i = 0; i < pieces.size(); ++i) {
            if (!source.types.empty() && source.types[i] != token_type::normal) continue;
            insert_last(index_, pieces, static_cast<token_id>(i), source);
        }
    }

    void index_bytes(const vocabulary& source, const token_pieces& pieces) {
        const std::optional<token_id> unknown = unknown_of(source);
        for (unsigned byte = 0; byte < 256; ++byte) {
            const char c = static_cast<char>(byte);
            const auto id = index_.find(pieces, std::string_view(&c, 1));
            require_byte(byte, id || is_seldom(byte), unknown.has_value());
            byte_ids_[byte] = id.value_or(unknown.value_or(none));
        }
    }
    // Published vocabularies lack some of these, as those of SmolLM do.
    static constexpr bool is_seldom(unsigned byte) noexcept {
        return (byte < ' ' && byte != '\t' && byte != '\n' && byte != '\r') || byte == 0x7F || byte > 0xF0;
    }

    void merge(std::string_view piece, piece_cache& cache, std::vector<token_id>& out) const {
        pair_merger& merger = cache.merger;
        merger.clear(piece.size());
        for (std::size_t i = 0; i < piece.size() && !cache.stopped(); ++i)
            if (const token_id id = byte_ids_[static_cast<unsigned char>(piece[i])]; id != none)
                merger.add(id, static_cast<std::uint32_t>(i));
        merger.run(rules_, cache.stopped);
        merger.each(cache.stopped, [&](token_id id, std::uint32_t) { out.push_back(id); });
    }

    token_index index_;
    pair_table rules_;
    std::array<token_id, 256> byte_ids_{};
    std::size_t (*next_piece_)(std::string_view, std::size_t) noexcept = nullptr;
    bool ignore_merges_ = false;
};

}  // namespace wafer::inline WAFER_ABI

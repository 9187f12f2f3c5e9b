// SPDX-License-Identifier: MIT
// L1 text: SentencePiece BPE with byte fallback, as Llama 2 and Mistral 7B use it. Knows nothing of special tokens.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <wafer/core/config.hpp>
#include <wafer/core/error.hpp>
#include <wafer/core/utf8.hpp>
#include <wafer/text/pair_merge.hpp>
#include <wafer/text/piece_cache.hpp>
#include <wafer/text/token_table.hpp>
#include <wafer/text/vocabulary.hpp>

namespace wafer::inline WAFER_ABI {

/// What SentencePiece stores for a space: U+2581.
inline constexpr std::string_view visible_space = "\xE2\x96\x81";

/// A text with every `from` in it replaced. @pre from is not empty. @cost linear.
[[nodiscard]] inline std::string replace_all(std::string_view text, std::string_view from, std::string_view to) {
    std::string out;
    std::size_t at = 0;
    for (std::size_t found; (found = text.find(from, at)) != text.npos; at = found + from.size())
        out.append(text, at, found - at) += to;
    return out.append(text, at);
}

/// Merges characters into tokens, the best score first and leftmost of equals; what is then no token becomes bytes.
/// Const and shared by threads; the pieces live in the tokenizer that owns it.
/// @cite Kudo and Richardson 2018 (SentencePiece); merges by score as in llama.cpp.
class sentencepiece {
public:
    /// The bytes of a token of this model, from its stored form.
    [[nodiscard]] static std::string piece(std::string_view stored) { return replace_all(stored, visible_space, " "); }

    /// Merges are the file's where it lists some, else every split of a token into two tokens, at its score. Warns of tokens
    /// that are the same text.
    /// @throws error{errc::bad_vocabulary} for neither scores nor merges, merges of unknown tokens,
    ///         bytes without a token, or tokens too long to be merged.
    sentencepiece(vocabulary& source, const token_pieces& pieces)
        : index_(pieces.size()), add_space_prefix_(source.add_space_prefix.value_or(true)),
          remove_extra_whitespaces_(source.remove_extra_whitespaces), spaces_(source.spaces) {
        index_tokens(source, pieces);
        index_bytes(source, pieces);
        if (source.merges.empty()) derive_merges(source, pieces);
        else rules_ = read_merges(source, pieces, index_, piece);
    }

    /// Whether encode() puts a space before a text, or before what follows a special token.
    [[nodiscard]] bool adds_space(bool after_special) const noexcept {
        return add_space_prefix_ && !(after_special && spaces_ && spaces_->first_only);
    }

    /// Appends the tokens of a text without special tokens, which begins a text if there are none before.
    /// @pre text is UTF-8.
    /// @cost O(n log n) for a text of n bytes that is one piece, near linear in text made of words.
    void encode(std::string_view text, const token_pieces& pieces, piece_cache& cache,
                std::vector<token_id>& out) const {
        const bool has_one = spaces_ && (text.starts_with(' ') || text.starts_with(visible_space));
        std::string whole(adds_space(!out.empty()) && !has_one ? " " : "");
        whole += text;
        if (text.find(visible_space) != text.npos) whole = piece(whole);
        if (remove_extra_whitespaces_) whole = single_spaced(whole);
        for (std::size_t at = 0; at < whole.size() && !cache.stopped();) {
            const std::size_t end = next_piece(whole, at);
            cache.append(std::string_view(whole).substr(at, end - at), out,
                         [&](std::string_view word) { merge(word, pieces, cache, out); });
            at = end;
        }
    }

    /// The token that these bytes are as a whole.
    [[nodiscard]] std::optional<token_id> find(const token_pieces& pieces, std::string_view raw) const noexcept {
        return index_.find(pieces, raw);
    }

private:
    static constexpr token_id none = -1;
    static constexpr std::size_t longest_merged = 256;  // bytes; bounds the splits of a token

    static bool is_normal(const vocabulary& source, std::size_t i) noexcept {
        return source.types.empty() || source.types[i] == token_type::normal;
    }
    // Without the spaces that do not count; that of the prefix does.
    [[nodiscard]] std::string single_spaced(std::string_view text) const {
        std::string out(add_space_prefix_ ? " " : "");
        for (std::size_t at = 0; (at = text.find_first_not_of(' ', at)) != text.npos;) {
            const std::size_t end = std::min(text.find(' ', at), text.size());
            if (!out.empty() && out != " ") out += ' ';
            out.append(text, at, end - at);
            at = end;
        }
        return out == " " ? std::string{} : out;
    }

    void index_tokens(vocabulary& source, const token_pieces& pieces) {
        for (std::size_t i = 0; i < pieces.size(); ++i) {
            // A stored plain space is never met: those of a text are U+2581 to the file, so that it would be a twin.
            if (!is_normal(source, i) || source.tokens[i].find(' ') != std::string::npos) continue;
            const auto id = static_cast<token_id>(i);
            insert_last(index_, pieces, id, source);
            const std::string_view text = pieces[id];
            const std::size_t word = text.find_first_not_of(' ');
            if (word != text.npos && text.find(' ', word) != text.npos) words_stay_apart_ = false;
        }
    }

    void index_bytes(const vocabulary& source, const token_pieces& pieces) {
        bytes_.fill(none);
        unknown_ = unknown_of(source);
        for (std::size_t i = 0; i < source.types.size(); ++i) {
            if (source.types[i] != token_type::byte) continue;
            token_id& id = bytes_[static_cast<unsigned char>(pieces[static_cast<token_id>(i)].front())];
            if (id == none) id = static_cast<token_id>(i);
        }
        for (unsigned byte = 0; byte < 256; ++byte) require_byte(byte, bytes_[byte] != none, unknown_.has_value());
        for (unsigned char c = 0; c < 128; ++c) {
            const char text = static_cast<char>(c);
            ascii_[c] = index_.find(pieces, std::string_view(&text, 1)).value_or(none);
        }
    }

    void derive_merges(const vocabulary& source, const token_pieces& pieces) {
        if (source.scores.size() != pieces.size())
            raise(errc::bad_vocabulary, "a SentencePiece vocabulary needs a score for every token, or merges");
        const auto score = [&](token_id id) {  // not a number: last
            const float s = source.scores[static_cast<std::size_t>(id)];
            return std::isnan(s) ? -std::numeric_limits<float>::infinity() : s;
        };
        std::vector<float> order;
        for (std::size_t i = 0; i < pieces.size(); ++i) order.push_back(score(static_cast<token_id>(i)));
        std::sort(order.begin(), order.end(), std::greater<>{});

        std::array<bool, longest_merged + 1> lengths{};  // of tokens: hashing what none can be is most of the work
        for (std::size_t i = 0; i < pieces.size(); ++i)
            lengths[std::min(pieces[static_cast<token_id>(i)].size(), longest_merged)] = true;
        struct split {
            token_id left, right, merged;
        };
        std::vector<split> splits;
        const std::size_t most = pieces.size() * 16 + 65536;  // real vocabularies have about two a token
        for (std::size_t i = 0; i < pieces.size(); ++i) {
            const auto id = static_cast<token_id>(i);
            const std::string_view text = pieces[id];
            if (!is_normal(source, i) || text.empty() || index_.find(pieces, text) != id) continue;
            if (text.size() > longest_merged)
                raise(errc::bad_vocabulary, "token " + std::to_string(i) + " has " + std::to_string(text.size()) +
                                                " bytes; at most " + std::to_string(longest_merged) + " are supported");
            for (std::size_t at = utf8_next(text, 0); at < text.size(); at = utf8_next(text, at)) {
                if (!lengths[at] || !lengths[text.size() - at]) continue;
                const auto left = index_.find(pieces, text.substr(0, at));
                const auto right = left ? index_.find(pieces, text.substr(at)) : std::nullopt;
                if (right) splits.push_back({*left, *right, id});
            }
            if (splits.size() > most)
                raise(errc::bad_vocabulary, "tokens are made of others in more than " + std::to_string(most) + " ways");
        }
        rules_ = pair_table(splits.size());
        for (const split& s : splits) {
            const auto rank = std::lower_bound(order.begin(), order.end(), score(s.merged), std::greater<>{});
            rules_.insert(s.left, s.right, {static_cast<std::uint32_t>(rank - order.begin()), s.merged});
        }
    }

    // Where nothing can be merged across: before the spaces that follow a word, unless a token spans words.
    [[nodiscard]] std::size_t next_piece(std::string_view text, std::size_t from) const noexcept {
        if (spaces_ && spaces_->split) return std::min(text.find(' ', from + 1), text.size());
        if (!words_stay_apart_) return text.size();
        return std::min(text.find(' ', std::min(text.find_first_not_of(' ', from), text.size())), text.size());
    }

    void merge(std::string_view text, const token_pieces& pieces, piece_cache& cache,
               std::vector<token_id>& out) const {
        pair_merger& merger = cache.merger;
        merger.clear(text.size());
        for (std::size_t at = 0; at < text.size() && !cache.stopped();) {
            const std::size_t end = utf8_next(text, at);
            const auto byte = static_cast<unsigned char>(text[at]);
            merger.add(byte < 128 ? ascii_[byte] : index_.find(pieces, text.substr(at, end - at)).value_or(none),
                       static_cast<std::uint32_t>(at));
            at = end;
        }
        merger.run(rules_, cache.stopped);
        bool unknown = false;
        merger.each(cache.stopped, [&](token_id id, std::uint32_t begin) {
            if (id != none) {
                out.push_back(id);
                unknown = false;
                return;
            }
            const std::string_view c =
                text[begin] == ' ' ? visible_space : text.substr(begin, utf8_next(text, begin) - begin);
            const auto id_of = [&](char byte) { return bytes_[static_cast<unsigned char>(byte)]; };
            if (std::any_of(c.begin(), c.end(), [&](char byte) { return id_of(byte) == none; })) {
                if (!unknown) out.push_back(unknown_.value_or(0));  // one for a run of such characters
                unknown = true;
                return;
            }
            for (const char byte : c) out.push_back(id_of(byte));
            unknown = false;
        });
    }

    token_index index_;
    pair_table rules_;
    std::array<token_id, 256> bytes_{};
    std::array<token_id, 128> ascii_{};  // of characters that are tokens
    std::optional<token_id> unknown_;
    bool add_space_prefix_, remove_extra_whitespaces_;
    std::optional<metaspace> spaces_;
    bool words_stay_apart_ = true;
};

}  // namespace wafer::inline WAFER_ABI

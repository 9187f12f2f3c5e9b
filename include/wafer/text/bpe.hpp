// SPDX-License-Identifier: MIT
// L1 text: byte-level byte-pair encoding, as GPT-2, Llama 3, Qwen and DeepSeek use it. Knows nothing of special tokens.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <wafer/core/config.hpp>
#include <wafer/core/error.hpp>
#include <wafer/core/utf8.hpp>
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

    /// @throws error{errc::unsupported_tokenizer} for an unknown pre-tokenizer, with the list of known ones;
    ///         error{errc::bad_vocabulary} for duplicate tokens, merges of unknown tokens, or bytes without a token.
    byte_level_bpe(const vocabulary& source, const token_pieces& pieces)
        : index_(pieces.size()), pairs_(source.merges.size()) {
        const pretokenizer* pre = find_pretokenizer(source.pre);
        if (pre == nullptr) raise(errc::unsupported_tokenizer, unknown_pretokenizer(source.pre));
        next_piece_ = pre->next;
        ignore_merges_ = source.ignore_merges.value_or(pre->ignore_merges);
        index_tokens(source, pieces);
        index_bytes(source, pieces);
        for (std::size_t rank = 0; rank < source.merges.size(); ++rank) add_merge(source.merges[rank], rank, pieces);
    }

    /// Appends the tokens of a text without special tokens. @pre text is UTF-8.
    /// @cost O(n log n) for a text of n bytes that is one piece, near linear in text made of words.
    void encode(std::string_view text, const token_pieces& pieces, std::vector<token_id>& out) const {
        std::vector<symbol> symbols;
        std::vector<std::uint64_t> heap;
        for (std::size_t at = 0; at < text.size();) {
            const std::size_t end = next_piece_(text, at);
            const std::string_view piece = text.substr(at, end - at);
            at = end;
            if (piece.size() == 1) {
                out.push_back(byte_ids_[static_cast<unsigned char>(piece[0])]);
            } else if (const auto whole = ignore_merges_ ? index_.find(pieces, piece) : std::nullopt) {
                out.push_back(*whole);
            } else {
                merge(piece, symbols, heap, out);
            }
        }
    }

    /// The token that these bytes are as a whole.
    [[nodiscard]] std::optional<token_id> find(const token_pieces& pieces, std::string_view raw) const noexcept {
        return index_.find(pieces, raw);
    }

private:
    static constexpr std::uint32_t no_rank = UINT32_MAX;

    struct merge_rule {
        std::uint64_t key;  // left << 32 | right
        std::uint32_t rank = no_rank;
        token_id merged = 0;
    };

    // Open addressing from a pair of tokens to the rule that joins them.
    class pair_table {
    public:
        explicit pair_table(std::size_t count)
            : slots_(std::bit_ceil(count * 2 + 1), merge_rule{empty}), shift_(64 - std::countr_zero(slots_.size())) {}
        static std::uint64_t key(token_id left, token_id right) noexcept {
            return std::uint64_t{static_cast<std::uint32_t>(left)} << 32 | static_cast<std::uint32_t>(right);
        }
        [[nodiscard]] const merge_rule& find(token_id left, token_id right) const noexcept {
            return slots_[find_slot(key(left, right))];
        }
        void insert(const merge_rule& rule) noexcept {
            merge_rule& slot = slots_[find_slot(rule.key)];
            if (slot.rank == no_rank) slot = rule;
        }

    private:
        static constexpr std::uint64_t empty = UINT64_MAX;

        [[nodiscard]] std::size_t find_slot(std::uint64_t key) const noexcept {
            const std::size_t mask = slots_.size() - 1;
            std::size_t slot = mask == 0 ? 0 : static_cast<std::size_t>((key * 0x9E3779B97F4A7C15u) >> shift_);
            while (slots_[slot].key != key && slots_[slot].key != empty) slot = (slot + 1) & mask;
            return slot;
        }

        std::vector<merge_rule> slots_;
        int shift_;
    };

    // A token of the piece being merged, in a list linked by index. `rank` is that of joining it with its successor.
    struct symbol {
        token_id id;
        std::uint32_t prev, next;
        std::uint32_t rank;
        token_id merged;
    };

    static std::string unknown_pretokenizer(std::string_view name) {
        std::string message = "unknown pre-tokenizer \"" + std::string(name) + "\"; known are";
        for (const auto& known : pretokenizers)
            message += (&known == pretokenizers ? " " : ", ") + std::string(known.name);
        return message;
    }

    void index_tokens(const vocabulary& source, const token_pieces& pieces) {
        for (std::size_t i = 0; i < pieces.size(); ++i) {
            if (!source.types.empty() && source.types[i] != token_type::normal) continue;
            const auto id = static_cast<token_id>(i);
            if (const auto twin = index_.insert(pieces, id))
                raise(errc::bad_vocabulary, "tokens " + std::to_string(*twin) + " and " + std::to_string(i) +
                                                " are both \"" + source.tokens[i] + "\"");
        }
    }

    void index_bytes(const vocabulary& source, const token_pieces& pieces) {
        for (unsigned byte = 0; byte < 256; ++byte) {
            const char c = static_cast<char>(byte);
            const auto id = index_.find(pieces, std::string_view(&c, 1));
            const bool in_utf8 = byte < 0xC0 || (byte >= 0xC2 && byte <= 0xF4);
            if (!id && !source.unknown && in_utf8)
                raise(errc::bad_vocabulary,
                      "no token stands for byte " + std::to_string(byte) + " and there is no unknown token");
            byte_ids_[byte] = id ? *id : source.unknown.value_or(0);
        }
    }

    void add_merge(std::string_view merge, std::size_t rank, const token_pieces& pieces) {
        const std::size_t space = merge.find(' ', 1);  // a stored token never holds a space
        const std::string left = byte_level_decode(merge.substr(0, space));
        const std::string right = byte_level_decode(space == merge.npos ? "" : merge.substr(space + 1));
        const auto left_id = index_.find(pieces, left), right_id = index_.find(pieces, right);
        const auto merged = index_.find(pieces, left + right);
        if (!left_id || !right_id || !merged)
            raise(errc::bad_vocabulary, "merge " + std::to_string(rank) + " \"" + std::string(merge) +
                                            "\" names a token that is not in the vocabulary");
        pairs_.insert({pair_table::key(*left_id, *right_id), static_cast<std::uint32_t>(rank), *merged});
    }

    // Joins the best-ranked pair, leftmost first, until none is left. The heap holds rank << 32 | position; an entry is
    // stale when the pair at its position has another rank by now.
    void merge(std::string_view piece, std::vector<symbol>& symbols, std::vector<std::uint64_t>& heap,
               std::vector<token_id>& out) const {
        const auto size = static_cast<std::uint32_t>(piece.size());
        symbols.clear();
        heap.clear();
        for (std::uint32_t i = 0; i < size; ++i)
            symbols.push_back({byte_ids_[static_cast<unsigned char>(piece[i])], i - 1, i + 1, no_rank, 0});
        for (std::uint32_t i = 0; i + 1 < size; ++i)
            if (rank_pair(symbols, i)) heap.push_back(std::uint64_t{symbols[i].rank} << 32 | i);
        const auto later = [](std::uint64_t a, std::uint64_t b) { return a > b; };
        std::make_heap(heap.begin(), heap.end(), later);
        while (!heap.empty()) {
            const std::uint64_t best = heap.front();
            std::pop_heap(heap.begin(), heap.end(), later);
            heap.pop_back();
            const auto at = static_cast<std::uint32_t>(best);
            symbol& left = symbols[at];
            if (left.rank != best >> 32) continue;
            symbol& right = symbols[left.next];
            left.id = left.merged;
            left.next = right.next;
            right.rank = no_rank;
            if (left.next < size) symbols[left.next].prev = at;
            for (const std::uint32_t changed : {left.prev, at}) {
                if (changed >= size || !rank_pair(symbols, changed)) continue;
                heap.push_back(std::uint64_t{symbols[changed].rank} << 32 | changed);
                std::push_heap(heap.begin(), heap.end(), later);
            }
        }
        for (std::uint32_t i = 0; i < size; i = symbols[i].next) out.push_back(symbols[i].id);
    }

    bool rank_pair(std::vector<symbol>& symbols, std::uint32_t at) const noexcept {
        symbol& left = symbols[at];
        left.rank = no_rank;
        if (left.next >= symbols.size()) return false;
        const merge_rule& rule = pairs_.find(left.id, symbols[left.next].id);
        left.rank = rule.rank;
        left.merged = rule.merged;
        return left.rank != no_rank;
    }

    token_index index_;
    pair_table pairs_;
    std::array<token_id, 256> byte_ids_{};
    std::size_t (*next_piece_)(std::string_view, std::size_t) noexcept = nullptr;
    bool ignore_merges_ = false;
};

}  // namespace wafer::inline WAFER_ABI

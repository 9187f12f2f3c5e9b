// SPDX-License-Identifier: MIT
// L1 text: merging of neighbours by rank, the engine of byte-level BPE and of SentencePiece. Knows ids, not what they
// mean.
#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include <wafer/core/config.hpp>
#include <wafer/core/error.hpp>
#include <wafer/core/stop_signal.hpp>
#include <wafer/text/token_table.hpp>
#include <wafer/text/vocabulary.hpp>

namespace wafer::inline WAFER_ABI {

/// What two neighbouring tokens become, and how early: the lower the rank, the sooner. `no_rank` joins nothing.
struct merge_rule {
    static constexpr std::uint32_t no_rank = UINT32_MAX;
    std::uint32_t rank = no_rank;
    token_id merged = 0;
};

/// From a pair of numbers, tokens or others, to the rule that joins them: open addressing.
class pair_table {
public:
    /// Room for `count` rules.
    explicit pair_table(std::size_t count = 0) : slots_(std::bit_ceil(count * 2 + 1)) {}

    /// Enters a rule; of several for one pair the first stays. @pre at most `count` are entered; ids are not negative.
    /// @throws error{errc::bad_vocabulary} for pairs that are chosen to collide.
    void insert(token_id left, token_id right, const merge_rule& rule) {
        const std::size_t at = find_slot(key(left, right));
        if (at == nowhere) raise(errc::bad_vocabulary, "merges chosen to collide");
        if (slots_[at].key == empty) slots_[at] = {key(left, right), rule};
    }
    /// The rule of a pair, or one that joins nothing; an id of -1 stands for what is no token.
    [[nodiscard]] merge_rule find(token_id left, token_id right) const noexcept {
        const std::size_t at = find_slot(key(left, right));
        return at == nowhere ? merge_rule{} : slots_[at].rule;
    }

private:
    static constexpr std::uint64_t empty = UINT64_MAX;
    static constexpr std::size_t nowhere = SIZE_MAX;
    struct slot {
        std::uint64_t key = empty;  // left << 32 | right
        merge_rule rule;
    };

    static std::uint64_t key(token_id left, token_id right) noexcept {
        return std::uint64_t{static_cast<std::uint32_t>(left)} << 32 | static_cast<std::uint32_t>(right);
    }
    // @cite Steele et al. 2014 (SplitMix), with the constants of Stafford's variant 13.
    static std::uint64_t mixed(std::uint64_t key) noexcept {
        key = (key ^ key >> 30) * 0xBF58476D1CE4E5B9u;
        key = (key ^ key >> 27) * 0x94D049BB133111EBu;
        return key ^ key >> 31;
    }
    // The slot that has this key or is free for it.
    [[nodiscard]] std::size_t find_slot(std::uint64_t key) const noexcept {
        const std::size_t mask = slots_.size() - 1;
        std::size_t at = mixed(key) & mask;
        for (std::size_t probes = 0; slots_[at].key != key && slots_[at].key != empty; at = (at + 1) & mask)
            if (++probes > most_probes) return nowhere;
        return at;
    }

    std::vector<slot> slots_;
};

/// The rules that a vocabulary lists, best first; decode(stored) is what a stored token stands for. Rules of tokens that
/// are not in the index, yet in the vocabulary, as special ones are, join nothing.
/// @throws error{errc::bad_vocabulary} for one that names no token.
template <class Decode>
[[nodiscard]] pair_table read_merges(const vocabulary& source, const token_pieces& pieces, const token_index& index,
                                     Decode&& decode) {
    std::optional<token_index> others;  // made when it is needed, which is rare
    const auto is_other = [&](const std::string& raw) {
        if (!others) {
            others.emplace(source.types.size());
            for (std::size_t i = 0; i < source.types.size(); ++i)
                if (source.types[i] != token_type::normal) others->insert(pieces, static_cast<token_id>(i));
        }
        return others->find(pieces, raw).has_value();
    };
    if (source.merges.size() >= merge_rule::no_rank)
        raise(errc::bad_vocabulary, std::to_string(source.merges.size()) + " merges are too many");
    pair_table rules(source.merges.size());
    for (std::size_t rank = 0; rank < source.merges.size(); ++rank) {
        const auto& [stored_left, stored_right] = source.merges[rank];
        const std::string left = decode(stored_left), right = decode(stored_right);
        const auto left_id = index.find(pieces, left), right_id = index.find(pieces, right);
        const auto merged = index.find(pieces, left + right);
        if (left_id && right_id && merged) {
            rules.insert(*left_id, *right_id, {static_cast<std::uint32_t>(rank), *merged});
            continue;
        }
        for (const auto& [id, raw, stored] : {std::tuple(left_id, left, stored_left),
                                              {right_id, right, stored_right},
                                              {merged, left + right, stored_left + stored_right}})
            if (!id && !is_other(raw) && !is_other(stored))
                raise(errc::bad_vocabulary, "merge " + std::to_string(rank) + " of \"" + stored_left + "\" and \"" +
                                                stored_right + "\" names a token that is not in the vocabulary");
    }
    return rules;
}

/// The symbols of one piece of text, below 4 GiB, while they are merged. Reused from piece to piece, so that it
/// allocates little.
class pair_merger {
public:
    /// Forgets the symbols, and keeps their memory, which is that of `most` at least.
    void clear(std::size_t most = 0) {
        symbols_.clear();
        heap_.clear();
        symbols_.reserve(most);
    }
    /// Appends a symbol that begins at that byte of the piece; id -1 joins nothing.
    void add(token_id id, std::uint32_t begin) {
        const auto at = static_cast<std::uint32_t>(symbols_.size());
        symbols_.push_back({id, begin, at - 1, at + 1, {}});
    }
    /// Joins the best-ranked pair, leftmost first, until none is left or it is stopped. @cost O(n log n) for n symbols.
    void run(const pair_table& rules, stop_poll& stopped) {
        const auto later = [](std::uint64_t a, std::uint64_t b) { return a > b; };
        const auto push = [&](std::uint32_t at) {
            heap_.push_back(entry(at));
            std::push_heap(heap_.begin(), heap_.end(), later);
        };
        heap_.reserve(symbols_.size());
        for (std::uint32_t i = 0; i + 1 < symbols_.size() && !stopped(); ++i)
            if (rank(rules, i)) push(i);
        while (!heap_.empty() && !stopped()) {
            const std::uint64_t best = heap_.front();
            std::pop_heap(heap_.begin(), heap_.end(), later);
            heap_.pop_back();
            const auto at = static_cast<std::uint32_t>(best);
            symbol& left = symbols_[at];
            if (left.rule.rank != best >> 32) continue;  // stale: the pair there is another by now
            symbol& right = symbols_[left.next];
            left.id = left.rule.merged;
            left.next = right.next;
            right.rule.rank = merge_rule::no_rank;
            if (left.next < symbols_.size()) symbols_[left.next].prev = at;
            for (const std::uint32_t changed : {left.prev, at}) {
                if (changed < symbols_.size() && rank(rules, changed)) push(changed);
            }
        }
    }
    /// Calls take(id, begin) for what is left, in order, until it is stopped.
    template <class Take>
    void each(stop_poll& stopped, Take&& take) const {
        for (std::uint32_t i = 0; i < symbols_.size() && !stopped(); i = symbols_[i].next)
            take(symbols_[i].id, symbols_[i].begin);
    }

private:
    // A list linked by index. `rule` is that of joining the symbol with its successor.
    struct symbol {
        token_id id;
        std::uint32_t begin, prev, next;
        merge_rule rule;
    };

    [[nodiscard]] std::uint64_t entry(std::uint32_t at) const noexcept {
        return std::uint64_t{symbols_[at].rule.rank} << 32 | at;
    }
    bool rank(const pair_table& rules, std::uint32_t at) noexcept {
        symbol& left = symbols_[at];
        left.rule = left.next < symbols_.size() ? rules.find(left.id, symbols_[left.next].id) : merge_rule{};
        return left.rule.rank != merge_rule::no_rank;
    }

    std::vector<symbol> symbols_;
    std::vector<std::uint64_t> heap_;  // rank << 32 | position
};

}  // namespace wafer::inline WAFER_ABI

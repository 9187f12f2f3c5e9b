// SPDX-License-Identifier: MIT
// L1 text: finds special tokens that are written out in a text, leftmost first and the longest where several begin.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <optional>
#include <string_view>
#include <vector>

#include <wafer/core/config.hpp>
#include <wafer/text/token_table.hpp>

namespace wafer::inline WAFER_ABI {

/// A sorted list of token texts, searched like a trie: each further byte narrows the range that still matches.
class special_tokens {
public:
    struct match {
        std::size_t begin, length;
        token_id id;
    };

    special_tokens() = default;
    /// Ids whose piece is empty are left out.
    special_tokens(const token_pieces& pieces, std::vector<token_id> ids) : ids_(std::move(ids)) {
        std::erase_if(ids_, [&](token_id id) { return pieces[id].empty(); });
        std::sort(ids_.begin(), ids_.end(), [&](token_id a, token_id b) { return pieces[a] < pieces[b]; });
        for (const token_id id : ids_) begins_[static_cast<unsigned char>(pieces[id].front())] = true;
    }

    /// The first special token at or after `from`. @cost linear in the text skipped times the longest token.
    [[nodiscard]] std::optional<match> find(const token_pieces& pieces, std::string_view text,
                                            std::size_t from) const noexcept {
        for (; from < text.size(); ++from)
            if (begins_[static_cast<unsigned char>(text[from])])
                if (const auto found = longest_at(pieces, text, from)) return found;
        return std::nullopt;
    }

private:
    std::optional<match> longest_at(const token_pieces& pieces, std::string_view text,
                                    std::size_t begin) const noexcept {
        std::optional<match> best;
        auto first = ids_.begin(), last = ids_.end();
        for (std::size_t length = 0; begin + length < text.size() && first != last; ++length) {
            const auto byte = static_cast<unsigned char>(text[begin + length]);
            // Within [first, last) all begin with the same `length` bytes and none ends there.
            const auto at = [&](token_id id) { return static_cast<unsigned char>(pieces[id][length]); };
            first = std::lower_bound(first, last, byte, [&](token_id id, unsigned char b) { return at(id) < b; });
            last = std::upper_bound(first, last, byte, [&](unsigned char b, token_id id) { return b < at(id); });
            if (first != last && pieces[*first].size() == length + 1) best = match{begin, length + 1, *first++};
        }
        return best;
    }

    std::vector<token_id> ids_;
    std::array<bool, 256> begins_{};
};

}  // namespace wafer::inline WAFER_ABI

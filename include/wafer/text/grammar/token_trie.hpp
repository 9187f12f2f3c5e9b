// SPDX-License-Identifier: MIT
// L1 text/grammar: the tokens of a vocabulary as a tree of their bytes, in one array, so that tokens that begin alike
// are judged together. Knows tokens only as bytes.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <numeric>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <wafer/core/config.hpp>
#include <wafer/core/error.hpp>
#include <wafer/text/token_table.hpp>
#include <wafer/text/vocabulary.hpp>

namespace wafer::inline WAFER_ABI::grammar {

/// Built once for a vocabulary; const, and shared by threads. About 60 bytes a token.
class token_trie {
public:
    /// One byte of one or more tokens. Nodes come in the order of their texts: what begins with a node follows it, up
    /// to `end`.
    struct node {
        std::uint32_t end;
        std::uint32_t first_token;  // into ids(); the tokens that end here reach to the next node's first_token
        std::uint16_t depth;        // bytes before this one
        std::uint8_t byte;
    };
    static constexpr std::size_t longest = 4096;

    /// pieces[id] are the bytes of a token, which need not outlive the call. Tokens without bytes, and ones of more
    /// than `longest`, are never part of constrained text; `ends` are those that end a turn. @cost O(n log n)
    /// comparisons
    /// @throws error{errc::bad_vocabulary} for tokens that are too many or too long; error{errc::invalid_argument} for ends that
    ///         are no tokens; error{errc::out_of_memory}
    token_trie(std::span<const std::string_view> pieces, std::vector<token_id> ends) : ends_(std::move(ends)) {
        for (const token_id id : ends_)
            if (id < 0 || static_cast<std::size_t>(id) >= pieces.size())
                raise(errc::invalid_argument, "token " + std::to_string(id) + " cannot end a turn: there are " +
                                                  std::to_string(pieces.size()) + " tokens");
        or_out_of_memory([&] { build(pieces); });
    }

    /// From anything that knows its tokens as a tokenizer does: control tokens are no text, ends are is_end().
    template <class Words>
    [[nodiscard]] static token_trie of(const Words& words) {
        return or_out_of_memory([&] {
            std::vector<std::string_view> pieces(words.size());
            std::vector<token_id> ends;
            for (std::size_t i = 0; i < pieces.size(); ++i) {
                const auto id = static_cast<token_id>(i);
                if (words.is_end(id)) ends.push_back(id);
                else if (!words.is_control(id)) pieces[i] = words.piece(id);
            }
            return token_trie(pieces, std::move(ends));
        });
    }

    /// The nodes, and one more that only ends the last one's tokens.
    [[nodiscard]] std::span<const node> nodes() const noexcept { return nodes_; }
    /// Tokens in the order of their bytes.
    [[nodiscard]] std::span<const token_id> ids() const noexcept { return ids_; }
    /// The tokens that end a turn.
    [[nodiscard]] std::span<const token_id> ends() const noexcept { return ends_; }
    /// Tokens in the vocabulary.
    [[nodiscard]] std::size_t size() const noexcept { return pieces_.size(); }
    /// Empty for tokens that are never part of constrained text, and for ids out of range.
    [[nodiscard]] std::string_view bytes(token_id id) const noexcept {
        return id >= 0 && static_cast<std::size_t>(id) < size() ? pieces_[id] : std::string_view{};
    }
    /// Bytes of the longest token.
    [[nodiscard]] std::size_t depth() const noexcept { return depth_; }

private:
    void build(std::span<const std::string_view> pieces) {
        std::size_t total = 0;
        for (std::size_t i = 0; i < pieces.size(); ++i) {
            const bool usable = !pieces[i].empty() && pieces[i].size() <= longest;
            pieces_.add(usable ? pieces[i] : std::string_view{});
            if (!usable) continue;
            ids_.push_back(static_cast<token_id>(i));
            total += pieces[i].size();
        }
        if (pieces.size() > static_cast<std::size_t>(std::numeric_limits<token_id>::max()) ||
            total >= std::numeric_limits<std::uint32_t>::max())
            raise(errc::bad_vocabulary, "the vocabulary's tokens are too many or too long for constrained output");
        std::sort(ids_.begin(), ids_.end(), [&](token_id a, token_id b) {
            const int order = pieces_[a].compare(pieces_[b]);
            return order < 0 || (order == 0 && a < b);
        });
        std::vector<std::size_t> open;  // nodes that spell the token before
        const auto close_to = [&](std::size_t depth) {
            for (; open.size() > depth; open.pop_back())
                nodes_[open.back()].end = static_cast<std::uint32_t>(nodes_.size());
        };
        std::string_view before;
        for (std::uint32_t i = 0; i < ids_.size(); ++i) {
            const std::string_view now = pieces_[ids_[i]];
            const auto common =
                std::mismatch(before.begin(), before.end(), now.begin(), now.end()).second - now.begin();
            close_to(static_cast<std::size_t>(common));
            for (std::size_t at = open.size(); at < now.size(); ++at) {
                open.push_back(nodes_.size());
                nodes_.push_back({0, i, static_cast<std::uint16_t>(at), static_cast<std::uint8_t>(now[at])});
            }
            depth_ = std::max(depth_, now.size());
            before = now;
        }
        close_to(0);
        nodes_.push_back({0, static_cast<std::uint32_t>(ids_.size()), 0, 0});  // ends the last node's tokens
    }

    token_pieces pieces_;
    std::size_t depth_ = 0;
    std::vector<node> nodes_;
    std::vector<token_id> ids_, ends_;
};

}  // namespace wafer::inline WAFER_ABI::grammar

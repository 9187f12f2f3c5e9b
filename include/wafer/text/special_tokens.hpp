// SPDX-License-Identifier: MIT
// L1 text: finds special tokens that are written out in a text, leftmost first and the longest where several begin.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include <wafer/core/config.hpp>
#include <wafer/core/error.hpp>
#include <wafer/core/stop_signal.hpp>
#include <wafer/text/vocabulary.hpp>

namespace wafer::inline WAFER_ABI {

/// Token texts as an automaton that reads every byte once, however many tokens begin alike.
/// @cite Aho and Corasick 1975, Efficient string matching: an aid to bibliographic search.
class special_tokens {
public:
    /// A token and how it is written.
    struct entry {
        std::string text;
        token_id id;
    };
    /// Where a token is in a text.
    struct match {
        std::size_t begin, length;
        token_id id;
    };

    special_tokens() = default;
    /// Empty texts are left out; of equal ones the smallest id stays.
    /// @throws error{errc::bad_vocabulary} above 2 GiB of texts.
    explicit special_tokens(std::vector<entry> tokens) {
        std::erase_if(tokens, [](const entry& t) { return t.text.empty(); });
        std::sort(tokens.begin(), tokens.end(),
                  [](const entry& a, const entry& b) { return std::tie(a.text, a.id) < std::tie(b.text, b.id); });
        const auto equal = [](const entry& a, const entry& b) { return a.text == b.text; };
        tokens.erase(std::unique(tokens.begin(), tokens.end(), equal), tokens.end());
        if (!tokens.empty()) build(tokens);
    }

    /// The first special token at or after `from`. @cost one or two steps for each byte up to the end of the longest
    /// token that could begin where the answer does.
    [[nodiscard]] std::optional<match> find(std::string_view text, std::size_t from) const noexcept {
        stop_poll never;
        return find(text, from, never);
    }
    /// The same, unless it is stopped before: then there is none.
    [[nodiscard]] std::optional<match> find(std::string_view text, std::size_t from,
                                            stop_poll& stopped) const noexcept {
        constexpr std::size_t stretch = 1 << 16;
        std::optional<match> best;
        std::uint32_t state = root;
        for (std::size_t at = from; at < text.size(); ++at) {
            if (at % stretch == 0 && stopped.now()) return std::nullopt;
            const auto byte = static_cast<unsigned char>(text[at]);
            if (state == root && !begins_[byte] && !best) continue;
            state = step(state, byte);
            if (best && at + 1 - nodes_[state].depth > best->begin) break;
            if (const node& last = nodes_[nodes_[state].ends]; last.id != none)
                if (const std::size_t begin = at + 1 - last.depth; !best || begin <= best->begin)
                    best = match{begin, last.depth, last.id};
        }
        return best;
    }

private:
    static constexpr std::uint32_t root = 0;
    static constexpr token_id none = -1;

    // What has been read is the beginning of a token, `depth` bytes long.
    struct node {
        std::uint32_t depth;
        std::uint32_t shorter;              // the longest end of it that begins a token, too
        unsigned char byte;                 // the last
        token_id id = none;                 // of the token that it is as a whole
        std::uint32_t ends = root;          // it or the longest end of it that is a token; else the root, which is none
        std::uint32_t first = 0, last = 0;  // what one more byte makes of it, in order of that
    };

    void build(const std::vector<entry>& tokens) {
        std::vector<std::pair<std::size_t, std::size_t>> ranges{{0, tokens.size()}};  // that begin as the node does
        nodes_.push_back({0, root, 0});
        for (std::uint32_t i = 0; i < nodes_.size(); ++i) {  // breadth first: shorter ones are complete
            auto [at, last] = ranges[i];
            const std::uint32_t depth = nodes_[i].depth;
            if (tokens[at].text.size() == depth) nodes_[i].id = tokens[at++].id;
            nodes_[i].ends = nodes_[i].id != none ? i : nodes_[nodes_[i].shorter].ends;
            nodes_[i].first = static_cast<std::uint32_t>(nodes_.size());
            while (at != last) {
                const char c = tokens[at].text[depth];
                const std::size_t begin = at;
                while (at != last && tokens[at].text[depth] == c) ++at;
                if (nodes_.size() > std::numeric_limits<std::int32_t>::max())
                    raise(errc::bad_vocabulary, "special tokens have more than 2 GiB of texts");
                const auto byte = static_cast<unsigned char>(c);
                nodes_.push_back({depth + 1, i == root ? root : step(nodes_[i].shorter, byte), byte});
                ranges.emplace_back(begin, at);
                if (i == root) begins_[byte] = true;
            }
            nodes_[i].last = static_cast<std::uint32_t>(nodes_.size());
        }
    }

    [[nodiscard]] std::uint32_t step(std::uint32_t state, unsigned char byte) const noexcept {
        while (true) {
            const auto first = nodes_.begin() + nodes_[state].first, last = nodes_.begin() + nodes_[state].last;
            const auto next =
                std::lower_bound(first, last, byte, [](const node& n, unsigned char b) { return n.byte < b; });
            if (next != last && next->byte == byte) return static_cast<std::uint32_t>(next - nodes_.begin());
            if (state == root) return root;
            state = nodes_[state].shorter;
        }
    }

    std::vector<node> nodes_;
    std::array<bool, 256> begins_{};
};

}  // namespace wafer::inline WAFER_ABI

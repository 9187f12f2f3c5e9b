// SPDX-License-Identifier: MIT
// L1 text: what one call to encode() keeps from piece to piece: how pieces came out, and the merger's memory.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string_view>
#include <vector>

#include <wafer/core/config.hpp>
#include <wafer/core/stop_signal.hpp>
#include <wafer/text/pair_merge.hpp>
#include <wafer/text/vocabulary.hpp>

namespace wafer::inline WAFER_ABI {

/// Remembers where in the output the tokens of a piece are, so that a word that comes again costs a copy. One slot for
/// each hash: a newer piece takes the place of an older.
class piece_cache {
public:
    /// A cache for texts of about that many bytes.
    explicit piece_cache(std::size_t text_bytes, const stop_signal* stop = nullptr)
        : stopped(stop), slots_(std::bit_ceil(std::clamp<std::size_t>(text_bytes / 16, 1, 8192))) {}

    /// For whoever encodes: kept here so that its memory serves all pieces of a text.
    pair_merger merger;
    /// Whether the text shall not be encoded to its end.
    stop_poll stopped;

    /// Appends the tokens of a piece to `out`: those it gave before, or those that encode(piece) appends.
    template <class Encode>
    void append(std::string_view piece, std::vector<token_id>& out, Encode&& encode) {
        if (piece.size() > longest) return encode(piece);
        slot& s = slots_[std::hash<std::string_view>{}(piece) & (slots_.size() - 1)];
        if (std::string_view(s.text.data(), s.length) == piece) {
            const std::size_t end = out.size();
            out.resize(end + s.count);
            std::copy_n(out.begin() + static_cast<std::ptrdiff_t>(s.first), s.count,
                        out.begin() + static_cast<std::ptrdiff_t>(end));
            return;
        }
        s.first = out.size();
        encode(piece);
        s.count = static_cast<std::uint8_t>(out.size() - s.first);  // a byte gives three tokens at most
        s.length = static_cast<std::uint8_t>(piece.size());
        std::copy(piece.begin(), piece.end(), s.text.begin());
    }

private:
    static constexpr std::size_t longest = 22;  // bytes of a piece; a slot is half a cache line
    struct slot {
        std::size_t first = 0;
        std::array<char, longest> text{};
        std::uint8_t length = 0, count = 0;
    };

    std::vector<slot> slots_;
};

}  // namespace wafer::inline WAFER_ABI

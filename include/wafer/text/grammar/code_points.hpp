// SPDX-License-Identifier: MIT
// L1 text/grammar: sets of characters, and the byte sequences that spell them in UTF-8.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <wafer/core/config.hpp>
#include <wafer/core/utf8.hpp>

namespace wafer::inline WAFER_ABI::grammar {

/// Characters from first to last, both included.
struct code_range {
    char32_t first, last;
    friend bool operator==(const code_range&, const code_range&) = default;
};

/// A set of characters. Surrogates and numbers above U+10FFFF are no characters and never in it.
class code_points {
public:
    code_points() = default;
    /// The union of ranges, which may overlap and come in any order; one that ends before it begins is empty.
    explicit code_points(std::vector<code_range> ranges) {
        std::sort(ranges.begin(), ranges.end(), [](auto a, auto b) { return a.first < b.first; });
        for (const code_range r : ranges) {
            join(r.first, std::min(r.last, char32_t{0xD7FF}));
            join(std::max(r.first, char32_t{0xE000}), std::min(r.last, char32_t{0x10FFFF}));
        }
    }

    /// Disjoint and ascending.
    [[nodiscard]] const std::vector<code_range>& ranges() const noexcept { return ranges_; }
    [[nodiscard]] bool empty() const noexcept { return ranges_.empty(); }
    [[nodiscard]] bool contains(char32_t c) const noexcept {
        const auto after =
            std::upper_bound(ranges_.begin(), ranges_.end(), c, [](char32_t x, auto r) { return x < r.first; });
        return after != ranges_.begin() && c <= (after - 1)->last;
    }
    /// All other characters.
    [[nodiscard]] code_points complement() const {
        std::vector<code_range> gaps;
        char32_t next = 0;
        for (const code_range r : ranges_) {
            if (next < r.first) gaps.push_back({next, r.first - 1});
            next = r.last + 1;
        }
        gaps.push_back({next, 0x10FFFF});
        return code_points(std::move(gaps));
    }

private:
    /// @pre no range joined before begins after this one.
    void join(char32_t first, char32_t last) {
        if (first > last) return;
        if (!ranges_.empty() && first <= ranges_.back().last + 1)
            ranges_.back().last = std::max(ranges_.back().last, last);
        else ranges_.push_back({first, last});
    }

    std::vector<code_range> ranges_;
};

/// Bytes from first to last, both included.
struct byte_range {
    std::uint8_t first, last;
    friend auto operator<=>(const byte_range&, const byte_range&) = default;
};

/// Strings of `length` bytes, each byte from its own range.
struct byte_ranges {
    std::array<byte_range, 4> bytes;
    std::size_t length;
};

/// Calls emit(byte_ranges) for parts of a range that together spell exactly its characters.
/// @cite the division of UTF-8 ranges is Ken Thompson's grep's; see Cox, "Regular Expression Matching in the Wild"
///         (2010)
template <class Emit>
void for_each_utf8(code_range whole, Emit&& emit) {
    std::vector<code_range> todo{whole};
    while (!todo.empty()) {
        code_range r = todo.back();
        todo.pop_back();
        // Keeps what lies up to `border` and puts off the rest.
        const auto cut = [&](char32_t border) {
            if (r.first > border || r.last <= border) return;
            todo.push_back({border + 1, r.last});
            r.last = border;
        };
        for (const char32_t longest : {0x7Fu, 0x7FFu, 0xFFFFu}) cut(longest);
        // Trailing bytes must run through all their values before a byte to their left may change.
        for (unsigned bits = 6; r.last > 0x7F && bits <= 18; bits += 6) {
            const char32_t low = (char32_t{1} << bits) - 1;
            if ((r.first & ~low) == (r.last & ~low)) continue;
            if ((r.first & low) != 0) cut(r.first | low);
            else if ((r.last & low) != low) cut((r.last & ~low) - 1);
        }
        std::string first, last;
        append_utf8(first, r.first);
        append_utf8(last, r.last);
        byte_ranges out{{}, first.size()};
        for (std::size_t i = 0; i < first.size(); ++i)
            out.bytes[i] = {static_cast<std::uint8_t>(first[i]), static_cast<std::uint8_t>(last[i])};
        emit(out);
    }
}

}  // namespace wafer::inline WAFER_ABI::grammar

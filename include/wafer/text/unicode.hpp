// SPDX-License-Identifier: MIT
// L1 text: what kind of character a code point is. The data are in unicode_table.hpp; this is how they are asked.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

#include <wafer/core/config.hpp>
#include <wafer/text/unicode_table.hpp>

namespace wafer::inline WAFER_ABI {

namespace detail {

// For every 256 code points, the run that holds the first of them: the search is then among the few runs of one page.
inline constexpr auto category_pages = [] {
    std::array<std::uint16_t, 0x1101> pages{};
    std::size_t run = 0;
    for (std::uint32_t page = 0; page < pages.size(); ++page) {
        while (run + 1 < category_runs.size() && category_runs[run + 1] >> 5 <= page << 8) ++run;
        pages[page] = static_cast<std::uint16_t>(run);
    }
    return pages;
}();

}  // namespace detail

/// The general category of a code point; cn for unassigned ones and numbers above U+10FFFF.
[[nodiscard]] constexpr general_category category(char32_t code) noexcept {
    if (code > 0x10FFFF) return general_category::cn;
    const auto& runs = detail::category_runs;
    const std::size_t page = code >> 8;
    const auto first = runs.begin() + detail::category_pages[page];
    const auto last = runs.begin() + detail::category_pages[page + 1] + 1;
    const auto after = std::upper_bound(first, last, std::uint32_t{code} << 5 | 31);
    return static_cast<general_category>(*(after - 1) & 31);
}

/// The groups of categories: L, M, N, P and S.
[[nodiscard]] constexpr bool is_letter(general_category c) noexcept { return c <= general_category::lo; }
[[nodiscard]] constexpr bool is_mark(general_category c) noexcept {
    return c >= general_category::mn && c <= general_category::me;
}
[[nodiscard]] constexpr bool is_number(general_category c) noexcept {
    return c >= general_category::nd && c <= general_category::no;
}
[[nodiscard]] constexpr bool is_punctuation(general_category c) noexcept {
    return c >= general_category::pc && c <= general_category::po;
}
[[nodiscard]] constexpr bool is_symbol(general_category c) noexcept {
    return c >= general_category::sm && c <= general_category::so;
}

/// The property White_Space, which is not a category: tab and line breaks are of category cc.
[[nodiscard]] constexpr bool is_white_space(char32_t code) noexcept {
    return code == 0x20 || (code >= 0x09 && code <= 0x0D) || code == 0x85 || code == 0xA0 || code == 0x1680 ||
           (code >= 0x2000 && code <= 0x200A) || code == 0x2028 || code == 0x2029 || code == 0x202F || code == 0x205F ||
           code == 0x3000;
}

}  // namespace wafer::inline WAFER_ABI

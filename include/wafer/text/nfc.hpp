// SPDX-License-Identifier: MIT
// L1 text: Unicode normalization form C. The data are in nfc_table.hpp; this is the algorithm of UAX #15.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include <wafer/core/config.hpp>
#include <wafer/core/stop_signal.hpp>
#include <wafer/core/utf8.hpp>
#include <wafer/text/nfc_table.hpp>

namespace wafer::inline WAFER_ABI {

namespace detail {

struct combining_char {
    char32_t code;
    std::uint8_t combining;  // Canonical_Combining_Class
};

// For every 256 code points, whether any of them has a combining class or a doubtful quick check. Most text has none.
inline constexpr auto nfc_pages = [] {
    std::array<bool, 0x1100> pages{};
    const auto mark = [&](std::uint32_t first, std::uint32_t end) {
        for (std::uint32_t page = first >> 8; page <= (end - 1) >> 8; ++page) pages[page] = true;
    };
    for (std::size_t i = 0; i < nfc_doubtful.size(); i += 2) mark(nfc_doubtful[i], nfc_doubtful[i + 1]);
    for (std::size_t i = 0; i + 1 < combining_runs.size(); ++i)
        if ((combining_runs[i] & 0xFF) != 0) mark(combining_runs[i] >> 8, combining_runs[i + 1] >> 8);
    return pages;
}();

constexpr std::uint8_t combining_class(char32_t code) noexcept {
    const auto after = std::upper_bound(combining_runs.begin(), combining_runs.end(), code << 8 | 0xFF);
    return after == combining_runs.begin() ? std::uint8_t{0} : static_cast<std::uint8_t>(*(after - 1) & 0xFF);
}

// NFC_Quick_Check is No or Maybe.
constexpr bool is_nfc_doubtful(char32_t code) noexcept {
    return (std::upper_bound(nfc_doubtful.begin(), nfc_doubtful.end(), code) - nfc_doubtful.begin()) % 2 != 0;
}

// Nothing before such a character joins it or moves behind it.
constexpr bool is_nfc_boundary(char32_t code) noexcept {
    return !nfc_pages[code >> 8] || (!is_nfc_doubtful(code) && combining_class(code) == 0);
}

// Hangul syllables are computed. @cite The Unicode Standard, section 3.12.
inline constexpr char32_t hangul_syllable = 0xAC00, hangul_lead = 0x1100, hangul_vowel = 0x1161, hangul_tail = 0x11A7;
inline constexpr char32_t hangul_leads = 19, hangul_vowels = 21, hangul_tails = 28;
inline constexpr char32_t hangul_syllables = hangul_leads * hangul_vowels * hangul_tails;

inline void decompose(char32_t code, std::vector<combining_char>& out) {
    if (code - hangul_syllable < hangul_syllables) {
        const char32_t index = code - hangul_syllable, tail = index % hangul_tails;
        out.push_back({hangul_lead + index / (hangul_vowels * hangul_tails), 0});
        out.push_back({hangul_vowel + index / hangul_tails % hangul_vowels, 0});
        if (tail != 0) out.push_back({hangul_tail + tail, 0});
        return;
    }
    const auto by_code = [](const auto& entry, char32_t c) { return entry.code < c; };
    const auto pair = std::lower_bound(nfc_pairs.begin(), nfc_pairs.end(), code, by_code);
    if (pair != nfc_pairs.end() && pair->code == code) {
        decompose(pair->first, out);
        decompose(pair->second, out);
        return;
    }
    const auto single = std::lower_bound(nfc_singles.begin(), nfc_singles.end(), code, by_code);
    if (single != nfc_singles.end() && single->code == code) return decompose(single->to, out);
    out.push_back({code, combining_class(code)});
}

// The character that two make, or 0.
inline char32_t compose(char32_t first, char32_t second) noexcept {
    if (first - hangul_lead < hangul_leads && second - hangul_vowel < hangul_vowels)
        return hangul_syllable + ((first - hangul_lead) * hangul_vowels + (second - hangul_vowel)) * hangul_tails;
    if (first - hangul_syllable < hangul_syllables && (first - hangul_syllable) % hangul_tails == 0 &&
        second - hangul_tail - 1 < hangul_tails - 1)
        return first + (second - hangul_tail);
    const auto found = std::lower_bound(nfc_compositions.begin(), nfc_compositions.end(), std::tuple(first, second),
                                        [](std::uint16_t index, const std::tuple<char32_t, char32_t>& wanted) {
                                            const nfc_pair& pair = nfc_pairs[index];
                                            return std::tuple<char32_t, char32_t>(pair.first, pair.second) < wanted;
                                        });
    if (found == nfc_compositions.end()) return 0;
    const nfc_pair& pair = nfc_pairs[*found];
    return pair.first == first && pair.second == second ? pair.code : 0;
}

// Normalizes a text between two boundaries.
inline void append_nfc(std::string& out, std::string_view text, std::vector<combining_char>& chars) {
    chars.clear();
    for (std::size_t at = 0; at < text.size();) {
        const utf8_step step = decode_utf8(text, at);
        decompose(step.code, chars);
        at += step.length;
    }
    for (auto first = chars.begin(); first != chars.end();) {
        const auto end = std::find_if(first, chars.end(), [](const auto& c) { return c.combining == 0; });
        std::stable_sort(first, end, [](const auto& a, const auto& b) { return a.combining < b.combining; });
        first = std::find_if(end, chars.end(), [](const auto& c) { return c.combining != 0; });
    }
    std::size_t kept = 0, starter = chars.size();  // chars[0..kept) is the result so far
    for (const combining_char c : chars) {
        const bool blocked =
            starter == chars.size() || (starter + 1 != kept && chars[kept - 1].combining >= c.combining);
        if (const char32_t whole = blocked ? 0 : compose(chars[starter].code, c.code)) {
            chars[starter].code = whole;
            continue;
        }
        if (c.combining == 0) starter = kept;
        chars[kept++] = c;
    }
    for (std::size_t i = 0; i < kept; ++i) append_utf8(out, chars[i].code);
}

}  // namespace detail

/// How far a text is in normalization form C beyond doubt, from offset `from` on: its size, or the offset of a
/// character that nfc() has to look at with what follows it.
/// @pre text is UTF-8, `from` the beginning of it or of a character that is such an offset.
/// @cost one test a byte below U+0300, a table look-up above.
[[nodiscard]] inline std::size_t nfc_prefix(std::string_view text, std::size_t from = 0) noexcept {
    std::size_t boundary = from;
    std::uint8_t last = 0;
    for (std::size_t at = from; at < text.size();) {
        if (static_cast<unsigned char>(text[at]) < 0xCC) {  // below U+0300 nothing combines or changes
            if ((static_cast<unsigned char>(text[at]) & 0xC0) != 0x80) boundary = at;
            last = 0;
            ++at;
            continue;
        }
        const utf8_step step = decode_utf8(text, at);
        if (detail::nfc_pages[step.code >> 8]) {
            const std::uint8_t combining = detail::combining_class(step.code);
            if (detail::is_nfc_doubtful(step.code) || (combining != 0 && combining < last)) return boundary;
            last = combining;
        } else {
            last = 0;
        }
        if (last == 0) boundary = at;
        at += step.length;
    }
    return text.size();
}

/// The text in normalization form C, as far as it comes before it is stopped. @pre text is UTF-8. @cost linear, but for runs of n combining marks: n log n.
/// @cite UAX #15, Unicode Normalization Forms.
[[nodiscard]] inline std::string nfc(std::string_view text, stop_poll& stopped) {
    std::string out;
    std::vector<detail::combining_char> chars;
    for (std::size_t at = 0; at < text.size() && !stopped();) {
        std::size_t end = nfc_prefix(text, at);
        out.append(text, at, end - at);
        at = end;
        while (end < text.size()) {
            const utf8_step step = decode_utf8(text, end);
            if (end != at && detail::is_nfc_boundary(step.code)) break;
            end += step.length;
        }
        detail::append_nfc(out, text.substr(at, end - at), chars);
        at = end;
    }
    return out;
}
/// The same, to its end.
[[nodiscard]] inline std::string nfc(std::string_view text) {
    stop_poll never;
    return nfc(text, never);
}

}  // namespace wafer::inline WAFER_ABI

// SPDX-License-Identifier: MIT
// L0 core: whether memory lies in huge pages, as Linux lists it. For reports alone.
#pragma once

#include <charconv>
#include <cstddef>
#include <cstdint>
#include <fstream>
#include <istream>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include <wafer/core/config.hpp>

namespace wafer::inline WAFER_ABI::system {

/// Bytes in huge pages of all mappings that touch [begin, end), out of a list like /proc/self/smaps.
[[nodiscard]] inline std::uint64_t huge_page_bytes(std::istream& smaps, std::uintptr_t begin, std::uintptr_t end) {
    std::uint64_t kib = 0;
    bool inside = false;
    for (std::string line; std::getline(smaps, line);) {
        // A mapping's first line is "begin-end rights ...", in hexadecimal; the others are "Name:  value kB".
        const char *const first = line.data(), *const last = first + line.size();
        std::uintptr_t from = 0, to = 0;
        if (const auto dash = std::from_chars(first, last, from, 16).ptr; dash != last && *dash == '-') {
            std::from_chars(dash + 1, last, to, 16);
            inside = from < end && begin < to;
        } else if (constexpr std::string_view key = "AnonHugePages:"; inside && line.starts_with(key)) {
            const auto digits = line.find_first_not_of(' ', key.size());
            std::uint64_t n = 0;
            if (digits != line.npos) std::from_chars(first + digits, last, n);
            kib += n;
        }
    }
    return kib * 1024;
}

/// How much of this memory lies in huge pages; nothing where the system does not tell.
[[nodiscard]] inline std::optional<std::uint64_t> huge_page_bytes(std::span<const std::byte> memory) {
    std::ifstream smaps("/proc/self/smaps");
    if (!smaps) return std::nullopt;
    const auto begin = reinterpret_cast<std::uintptr_t>(memory.data());
    return huge_page_bytes(smaps, begin, begin + memory.size());
}

}  // namespace wafer::inline WAFER_ABI::system

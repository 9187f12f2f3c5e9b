// SPDX-License-Identifier: MIT
// L0 core: text from a file as a message may show it: it spoils no terminal, breaks no line and has an end.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include <wafer/core/config.hpp>
#include <wafer/core/utf8.hpp>

namespace wafer::inline WAFER_ABI {

/// The text with '?' for control characters and for what is not UTF-8; "..." follows if it has more than `longest` bytes.
[[nodiscard]] inline std::string printable(std::string_view text, std::size_t longest = 120) {
    std::string line;
    for (std::size_t at = 0; at < text.size();) {
        const utf8_step step = decode_utf8(text, at);
        if (line.size() + step.length > longest) return line + "...";
        const bool control = step.code < 0x20 || (step.code >= 0x7F && step.code < 0xA0);
        if (control || step.status != utf8_status::ok) line += '?';
        else line += text.substr(at, step.length);
        at += step.length;
    }
    return line;
}

}  // namespace wafer::inline WAFER_ABI

// SPDX-License-Identifier: MIT
// L0 core: how a JSON value is written.
#pragma once

#include <charconv>
#include <cmath>
#include <cstddef>
#include <string>
#include <string_view>

#include <wafer/core/config.hpp>
#include <wafer/core/json_value.hpp>
#include <wafer/core/utf8.hpp>

namespace wafer::inline WAFER_ABI {

inline void json::write_string(std::string& out, std::string_view text) {
    out.push_back('"');
    for (std::size_t at = 0; at < text.size();) {
        const utf8_step step = decode_utf8(text, at);
        const char c = text[at];
        static constexpr std::string_view specials = "\"\\\b\f\n\r\t", letters = "\"\\bfnrt";
        if (step.status != utf8_status::ok) {
            out += replacement_utf8;
        } else if (const auto special = specials.find(c); special != specials.npos) {
            out.push_back('\\');
            out.push_back(letters[special]);
        } else if (step.code < 0x20) {
            static constexpr char hex[] = "0123456789abcdef";
            out += "\\u00";
            out.push_back(hex[step.code >> 4]);
            out.push_back(hex[step.code & 15]);
        } else {
            out.append(text, at, step.length);
        }
        at += step.length;
    }
    out.push_back('"');
}

inline void json::write_real(std::string& out, double value) {
    if (!std::isfinite(value)) {
        out += "null";
        return;
    }
    // Plain digits between 1e-4 and 1e16, as JavaScript and Python print; shortest-form alone would write 1e+05.
    const double size = std::fabs(value);
    const bool plain = size == 0 || (size >= 1e-4 && size < 1e16);
    char text[32];
    const auto end =
        std::to_chars(text, text + sizeof text, value, plain ? std::chars_format::fixed : std::chars_format::scientific)
            .ptr;
    const std::string_view digits(text, static_cast<std::size_t>(end - text));
    out += digits;
    if (plain && digits.find('.') == digits.npos) out += ".0";
}

inline void json::write(std::string& out, const json_format& format, int level) const {
    const auto new_line = [&](int depth) {
        if (format.indent < 0) return;
        out.push_back('\n');
        out.append(static_cast<std::size_t>(depth) * static_cast<std::size_t>(format.indent), ' ');
    };
    const auto list = [&](char open, const auto& items, char close, const auto& write_item) {
        out.push_back(open);
        bool first = true;
        for (const auto& item : items) {
            if (!first) out += format.comma;
            first = false;
            new_line(level + 1);
            write_item(item);
        }
        if (!items.empty()) new_line(level);
        out.push_back(close);
    };
    switch (type()) {
        case kind::null: out += "null"; break;
        case kind::boolean: out += as_bool() ? "true" : "false"; break;
        case kind::integer:
        case kind::real:
            if (!written().empty()) out += written();
            else if (is_integer()) out += std::to_string(as_int());
            else write_real(out, as_double());
            break;
        case kind::string: write_string(out, as_string()); break;
        case kind::array:
            list('[', as_array(), ']', [&](const json& item) { item.write(out, format, level + 1); });
            break;
        case kind::object:
            list('{', as_object(), '}', [&](const auto& member) {
                write_string(out, member.first);
                out += format.colon;
                member.second.write(out, format, level + 1);
            });
            break;
    }
}

}  // namespace wafer::inline WAFER_ABI

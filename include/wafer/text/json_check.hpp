// SPDX-License-Identifier: MIT
// L1 text: whether json::parse would take a text. For what models write: where exceptions are off, an error ends the program.
#pragma once

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include <wafer/core/config.hpp>
#include <wafer/core/json.hpp>
#include <wafer/core/utf8.hpp>

namespace wafer::inline WAFER_ABI {

namespace detail {

/// Walks a document by the rules of json_parser, and says no where that raises an error.
class json_checker {
public:
    explicit json_checker(std::string_view text) : text_(text) {}

    [[nodiscard]] bool document() {
        space();
        if (!value(0)) return false;
        space();
        return at_ == text_.size();
    }

private:
    [[nodiscard]] char peek() const noexcept { return at_ < text_.size() ? text_[at_] : '\0'; }
    bool take(char c) noexcept {
        const bool found = at_ < text_.size() && text_[at_] == c;
        at_ += found ? 1 : 0;
        return found;
    }
    void space() noexcept {
        while (at_ < text_.size() && std::string_view(" \t\r\n").find(text_[at_]) != std::string_view::npos) ++at_;
    }
    bool word(std::string_view w) noexcept {
        const bool found = text_.substr(at_, w.size()) == w;
        at_ += found ? w.size() : 0;
        return found;
    }

    bool value(int depth) {
        switch (peek()) {
            case '{': return object(depth + 1);
            case '[': return array(depth + 1);
            case '"': return string();
            case 't': return word("true");
            case 'f': return word("false");
            case 'n': return word("null");
            default: return number();
        }
    }

    bool array(int depth) {
        if (depth > json::max_depth) return false;
        ++at_;
        space();
        if (take(']')) return true;
        while (value(depth)) {
            space();
            if (take(']')) return true;
            if (!take(',')) return false;
            space();
        }
        return false;
    }

    bool object(int depth) {
        if (depth > json::max_depth) return false;
        std::vector<std::string> names;
        ++at_;
        space();
        if (take('}')) return true;
        while (true) {
            const std::size_t begin = at_;
            if (peek() != '"' || !string()) return false;
            names.push_back(json::parse(text_.substr(begin, at_ - begin)).as_string());
            space();
            if (!take(':')) return false;
            space();
            if (!value(depth)) return false;
            space();
            if (take('}')) break;
            if (!take(',')) return false;
            space();
        }
        std::sort(names.begin(), names.end());
        return std::adjacent_find(names.begin(), names.end()) == names.end();
    }

    std::size_t digits() noexcept {
        const std::size_t first = at_;
        while (peek() >= '0' && peek() <= '9') ++at_;
        return at_ - first;
    }
    bool number() noexcept {
        take('-');
        const bool zero = peek() == '0';
        const std::size_t whole = digits();
        if (whole == 0 || (zero && whole > 1)) return false;
        if (take('.') && digits() == 0) return false;
        if (take('e') || take('E')) {
            if (!take('+')) take('-');
            if (digits() == 0) return false;
        }
        return true;
    }

    bool string() noexcept {
        ++at_;
        while (at_ < text_.size()) {
            if (take('"')) return true;
            if (peek() == '\\') {
                if (!escape()) return false;
                continue;
            }
            const utf8_step step = decode_utf8(text_, at_);
            if (step.status != utf8_status::ok || step.code < 0x20) return false;
            at_ += step.length;
        }
        return false;
    }
    bool escape() noexcept {
        ++at_;
        const char c = peek();
        ++at_;
        if (c != 'u') return c != '\0' && std::string_view("\"\\/bfnrt").find(c) != std::string_view::npos;
        unsigned code = 0, low = 0;
        if (!hex4(code)) return false;
        if (code < 0xD800 || code > 0xDFFF) return true;
        return code < 0xDC00 && take('\\') && take('u') && hex4(low) && low >= 0xDC00 && low <= 0xDFFF;
    }
    bool hex4(unsigned& code) noexcept {
        const std::string_view four = text_.substr(std::min(at_, text_.size()), 4);
        const auto [end, ec] = std::from_chars(four.data(), four.data() + four.size(), code, 16);
        at_ += 4;
        return ec == std::errc{} && four.size() == 4 && end == four.data() + 4;
    }

    std::string_view text_;
    std::size_t at_ = 0;
};

}  // namespace detail

/// Whether this is a JSON document that json::parse reads without an error.
[[nodiscard]] inline bool is_json(std::string_view text) { return detail::json_checker(text).document(); }

}  // namespace wafer::inline WAFER_ABI

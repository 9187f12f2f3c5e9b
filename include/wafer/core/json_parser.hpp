// SPDX-License-Identifier: MIT
// L0 core: a strict reader of JSON.
#pragma once

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include <wafer/core/config.hpp>
#include <wafer/core/error.hpp>
#include <wafer/core/json_value.hpp>
#include <wafer/core/utf8.hpp>

namespace wafer::inline WAFER_ABI {

namespace detail {

class json_parser {
public:
    json_parser(std::string_view text, std::string_view file) : text_(text), file_(file) {}

    json document() {
        skip_space();
        json value = parse_value(0);
        skip_space();
        if (at_ != text_.size()) fail("unexpected text after the JSON document", at_);
        return value;
    }

private:
    [[noreturn]] void fail(std::string_view what, std::size_t offset) const {
        const std::string_view before = text_.substr(0, offset);
        const auto line = 1 + std::count(before.begin(), before.end(), '\n');
        const std::size_t start = before.rfind('\n') + 1;  // npos + 1 is 0
        raise(errc::bad_json,
              std::string(what) + " (line " + std::to_string(line) + ", column " + std::to_string(offset - start + 1) +
                  ")",
              {std::string(file_), offset, {}});
    }

    [[nodiscard]] char peek() const noexcept { return at_ < text_.size() ? text_[at_] : '\0'; }
    void skip_space() noexcept {
        while (at_ < text_.size() &&
               (text_[at_] == ' ' || text_[at_] == '\n' || text_[at_] == '\r' || text_[at_] == '\t'))
            ++at_;
    }
    bool take(char c) noexcept {
        if (at_ == text_.size() || text_[at_] != c) return false;
        ++at_;
        return true;
    }
    json literal(std::string_view word, json value) {
        if (text_.substr(at_, word.size()) != word) fail("not a JSON value", at_);
        at_ += word.size();
        return value;
    }

    json parse_value(int depth) {
        if (at_ == text_.size()) fail("JSON text ends where a value is expected", at_);
        switch (text_[at_]) {
            case '{': return parse_object(depth + 1);
            case '[': return parse_array(depth + 1);
            case '"': return parse_string();
            case 't': return literal("true", true);
            case 'f': return literal("false", false);
            case 'n': return literal("null", nullptr);
            default: return parse_number();
        }
    }

    void check_depth(int depth) const {
        if (depth > json::max_depth)
            fail("arrays and objects are nested more than " + std::to_string(json::max_depth) + " deep", at_);
    }

    json parse_array(int depth) {
        check_depth(depth);
        json::array items;
        ++at_;
        skip_space();
        if (take(']')) return items;
        while (true) {
            items.push_back(parse_value(depth));
            skip_space();
            if (take(']')) return items;
            if (!take(',')) fail("expected ',' or ']' in an array", at_);
            skip_space();
        }
    }

    json parse_object(int depth) {
        check_depth(depth);
        const std::size_t start = at_;
        json::object members;
        ++at_;
        skip_space();
        if (take('}')) return members;
        while (true) {
            if (peek() != '"') fail("expected a string as the name of a member", at_);
            std::string key = parse_string();
            skip_space();
            if (!take(':')) fail("expected ':' after the name of a member", at_);
            skip_space();
            json value = parse_value(depth);
            members.emplace_back(std::move(key), std::move(value));
            skip_space();
            if (take('}')) break;
            if (!take(',')) fail("expected ',' or '}' in an object", at_);
            skip_space();
        }
        refuse_duplicates(members, start);
        return members;
    }

    void refuse_duplicates(const json::object& members, std::size_t start) const {
        std::vector<std::string_view> names;
        names.reserve(members.size());
        for (const auto& member : members) names.push_back(member.first);
        std::sort(names.begin(), names.end());
        const auto twice = std::adjacent_find(names.begin(), names.end());
        if (twice != names.end()) fail("object has two members named \"" + std::string(*twice) + "\"", start);
    }

    json parse_number() {
        const std::size_t start = at_;
        const auto digits = [&] {
            const std::size_t first = at_;
            while (peek() >= '0' && peek() <= '9') ++at_;
            return at_ - first;
        };
        take('-');
        const bool zero = peek() == '0';
        const std::size_t whole = digits();
        if (whole == 0) fail("not a JSON value", start);
        if (zero && whole > 1) fail("a number may not begin with 0", start);
        bool integer = true;
        if (take('.')) {
            integer = false;
            if (digits() == 0) fail("expected a digit after '.'", at_);
        }
        if (peek() == 'e' || peek() == 'E') {
            integer = false;
            ++at_;
            if (!take('+')) take('-');
            if (digits() == 0) fail("expected a digit in the exponent", at_);
        }
        const std::string_view text = text_.substr(start, at_ - start);
        std::int64_t value = 0;
        if (integer && text != "-0" && std::from_chars(text.data(), text.data() + text.size(), value).ec == std::errc{})
            return value;
        return json(json::written_number{std::string(text)});
    }
    std::string parse_string() {
        const std::size_t start = at_++;
        std::string out;
        while (true) {
            const std::size_t run = at_;
            while (at_ < text_.size() && plain(text_[at_])) ++at_;
            out.append(text_, run, at_ - run);
            if (at_ == text_.size()) fail("string has no closing '\"'", start);
            const char c = text_[at_];
            if (c == '"') {
                ++at_;
                return out;
            }
            if (c == '\\') {
                parse_escape(out);
            } else if (static_cast<unsigned char>(c) < 0x20) {
                fail("control character in a string: write it as an escape", at_);
            } else {
                const utf8_step step = decode_utf8(text_, at_);
                if (step.status != utf8_status::ok) fail("text is not UTF-8", at_);
                out.append(text_, at_, step.length);
                at_ += step.length;
            }
        }
    }
    static bool plain(char c) noexcept { return c >= 0x20 && c < 0x7F && c != '"' && c != '\\'; }

    void parse_escape(std::string& out) {
        const std::size_t start = at_++;
        static constexpr std::string_view letters = "\"\\/bfnrt", meanings = "\"\\/\b\f\n\r\t";
        if (const auto known = letters.find(peek()); peek() != '\0' && known != letters.npos) {
            out.push_back(meanings[known]);
            ++at_;
            return;
        }
        if (!take('u')) fail("unknown escape in a string", start);
        char32_t code = hex4(start);
        if (code >= 0xD800 && code < 0xDC00 && text_.substr(at_, 2) == "\\u") {
            at_ += 2;
            const char32_t low = hex4(start);
            if (low < 0xDC00 || low > 0xDFFF) fail("a high surrogate without its low one", start);
            code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
        }
        if (code >= 0xD800 && code < 0xE000) fail("a surrogate without its other half", start);
        append_utf8(out, code);
    }
    char32_t hex4(std::size_t start) {
        unsigned code = 0;
        const std::string_view digits = text_.substr(at_, 4);
        const auto [end, ec] = std::from_chars(digits.data(), digits.data() + digits.size(), code, 16);
        if (ec != std::errc{} || digits.size() != 4 || end != digits.data() + 4)
            fail("\\u needs four hexadecimal digits", start);
        at_ += 4;
        return code;
    }

    std::string_view text_, file_;
    std::size_t at_ = 0;
};

}  // namespace detail

inline json json::parse(std::string_view text, std::string_view file) {
    return or_out_of_memory([&] { return detail::json_parser(text, file).document(); });
}

}  // namespace wafer::inline WAFER_ABI

// SPDX-License-Identifier: MIT
// L1 text/grammar: regular expressions about a JSON string's content, as expressions over its text with escapes.
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
#include <wafer/core/utf8.hpp>
#include <wafer/text/grammar/code_points.hpp>
#include <wafer/text/grammar/grammar.hpp>
#include <wafer/text/grammar/schema_document.hpp>

namespace wafer::inline WAFER_ABI::grammar {

/// One character of a set as it is written inside a JSON string: quotes, backslashes and control characters as escapes,
/// the shortest each has, all others as they are.
[[nodiscard]] inline expression json_char(const code_points& set) {
    static constexpr std::string_view escaped = "\"\\\b\f\n\r\t", letters = "\"\\bfnrt", hex = "0123456789abcdef";
    std::vector<code_range> plain, named, numbered[2];
    for (const code_range r : set.ranges()) {
        // Between the characters that need an escape: 0x00-0x1F, 0x22 and 0x5C.
        plain.push_back({std::max(r.first, char32_t{0x20}), std::min(r.last, char32_t{0x21})});
        plain.push_back({std::max(r.first, char32_t{0x23}), std::min(r.last, char32_t{0x5B})});
        plain.push_back({std::max(r.first, char32_t{0x5D}), r.last});
    }
    for (char32_t c = 0; c <= U'\\'; ++c) {
        if ((c >= 0x20 && c != U'"' && c != U'\\') || !set.contains(c)) continue;
        const auto known = escaped.find(static_cast<char>(c));
        const auto digit = static_cast<unsigned char>(known != escaped.npos ? letters[known] : hex[c & 15]);
        (known != escaped.npos ? named : numbered[c >> 4]).push_back({digit, digit});
    }
    std::vector<expression> ways;
    const auto add = [&](const char* lead, std::vector<code_range> ranges) {
        expression one = chars(std::move(ranges));
        if (!one.chars.empty()) ways.push_back(*lead == 0 ? std::move(one) : sequence({text(lead), std::move(one)}));
    };
    add("", std::move(plain));
    add("\\", std::move(named));
    add("\\u000", std::move(numbered[0]));
    add("\\u001", std::move(numbered[1]));
    return ways.size() == 1 ? std::move(ways.front()) : choice(std::move(ways));
}

/// Reads a regular expression. For one use.
class pattern_parser {
public:
    static constexpr int max_nesting = 64;
    static constexpr std::uint32_t max_count = 65'536;
    static constexpr std::size_t max_length = 1u << 16;

    /// `path`: where in the schema it stands, for errors. `anything`: the content of any string, written as json_char()
    /// does. `size`: of the expressions made here.
    pattern_parser(std::string_view source, const std::string& path, expression anything, allowance& size)
        : source_(source), path_(path), anything_(std::move(anything)), size_(size) {}

    /// The JSON strings, without their quotes, in which the pattern is found. @throws error{errc::bad_grammar}
    expression run() {
        if (source_.size() > max_length)
            fail_schema(path_, "a pattern of more than " + std::to_string(max_length) + " bytes is not supported");
        std::vector<expression> ways;
        do {
            std::vector<expression> parts;
            if (!take('^')) parts.push_back(anything_);
            parts.push_back(parse_sequence(0));
            if (!take('$')) parts.push_back(anything_);
            ways.push_back(sequence(std::move(parts)));
        } while (take('|'));
        if (at_ != source_.size()) fail(peek() == ')' ? "\")\" without its \"(\"" : "anchors stand only at its ends");
        return choice(std::move(ways));
    }

private:
    [[noreturn]] void fail(std::string_view what) const {
        fail_schema(path_, "pattern \"" + std::string(source_) + "\", character " + std::to_string(at_ + 1) + ": " +
                               std::string(what));
    }
    [[nodiscard]] char peek() const noexcept { return at_ < source_.size() ? source_[at_] : '\0'; }
    bool take(char c) noexcept {
        if (at_ == source_.size() || source_[at_] != c) return false;
        ++at_;
        return true;
    }
    static bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }

    expression parse_sequence(int nesting) {
        std::vector<expression> parts;
        while (at_ < source_.size() && std::string_view("|)^$").find(peek()) == std::string_view::npos) {
            size_.spend(12, path_);  // at most that many, with a repetition
            expression atom = parse_atom(nesting);
            if (const auto [min, max] = parse_count(); min != 1 || max != 1) atom = repeat(std::move(atom), min, max);
            parts.push_back(std::move(atom));
        }
        return sequence(std::move(parts));
    }

    expression parse_atom(int nesting) {
        const char c = peek();
        if (take('(')) {
            if (nesting == max_nesting) fail("groups are nested too deep");
            if (take('?') && !take(':')) fail("only groups of the forms (...) and (?:...) are supported");
            std::vector<expression> ways;
            do ways.push_back(parse_sequence(nesting + 1));
            while (take('|'));
            if (!take(')')) fail(at_ == source_.size() ? "\"(\" without its \")\"" : "anchors stand only at its ends");
            return choice(std::move(ways));
        }
        if (take('[')) return json_char(parse_class());
        if (take('.')) return json_char(code_points({{U'\n', U'\n'}, {U'\r', U'\r'}, {0x2028, 0x2029}}).complement());
        if (take('\\')) return json_char(parse_escape(false));
        if (std::string_view("*+?{}]").find(c) != std::string_view::npos) fail("a character that needs a backslash");
        const char32_t one = parse_char();
        return json_char(code_points({{one, one}}));
    }

    [[nodiscard]] char32_t parse_char() {
        const utf8_step step = decode_utf8(source_, at_);
        if (step.status != utf8_status::ok) fail("not UTF-8");
        at_ += step.length;
        return step.code;
    }

    std::pair<std::uint32_t, std::uint32_t> parse_count() {
        std::pair<std::uint32_t, std::uint32_t> count{1, 1};
        if (take('*')) count = {0, unlimited};
        else if (take('+')) count = {1, unlimited};
        else if (take('?')) count = {0, 1};
        else if (take('{')) {
            count.first = count.second = parse_number();
            if (take(',')) count.second = peek() == '}' ? unlimited : parse_number();
            if (!take('}')) fail("expected \"}\"");
            if (count.second < count.first) fail("a repetition's least number is above its greatest");
        } else return count;
        take('?');  // a lazy repetition matches the same strings
        if (peek() != '\0' && std::string_view("*+?{").find(peek()) != std::string_view::npos)
            fail("a repetition of a repetition needs a group");
        return count;
    }
    [[nodiscard]] std::uint32_t parse_number() {
        const std::size_t start = at_;
        while (is_digit(peek())) ++at_;
        std::uint32_t value = 0;
        const auto [end, ec] = std::from_chars(source_.data() + start, source_.data() + at_, value);
        if (ec != std::errc{} || value > max_count) fail("expected a number up to " + std::to_string(max_count));
        return value;
    }

    [[nodiscard]] code_points parse_class() {
        const bool negated = take('^');
        std::vector<code_range> ranges;
        const auto member = [&] {
            return take('\\') ? parse_escape(true) : [&] {
                const char32_t one = parse_char();
                return code_points({{one, one}});
            }();
        };
        while (!take(']')) {
            if (at_ == source_.size()) fail("\"[\" without its \"]\"");
            const code_points first = member();
            const bool single = first.ranges().size() == 1 && first.ranges()[0].first == first.ranges()[0].last;
            if (single && peek() == '-' && at_ + 1 < source_.size() && source_[at_ + 1] != ']') {
                ++at_;
                const code_points last = member();
                if (last.ranges().size() != 1 || last.ranges()[0].first != last.ranges()[0].last ||
                    last.ranges()[0].first < first.ranges()[0].first)
                    fail("not a range of characters");
                ranges.push_back({first.ranges()[0].first, last.ranges()[0].first});
            } else {
                ranges.insert(ranges.end(), first.ranges().begin(), first.ranges().end());
            }
        }
        const code_points set(std::move(ranges));
        return negated ? set.complement() : set;
    }

    // What stands after a backslash, as a set.
    [[nodiscard]] code_points parse_escape(bool in_class) {
        const char c = peek();
        if (at_ == source_.size()) fail("it ends in a backslash");
        const auto one = [](char32_t code) { return code_points({{code, code}}); };
        const auto set_or_rest = [](const code_points& set, bool negated) { return negated ? set.complement() : set; };
        static constexpr std::string_view controls = "tnvfr", meanings = "\t\n\v\f\r";
        if (const auto known = controls.find(c); known != controls.npos) {
            ++at_;
            return one(static_cast<unsigned char>(meanings[known]));
        }
        switch (c) {
            case 'd':
            case 'D': return ++at_, set_or_rest(code_points({{U'0', U'9'}}), c == 'D');
            case 'w':
            case 'W':
                return ++at_,
                       set_or_rest(code_points({{U'0', U'9'}, {U'A', U'Z'}, {U'_', U'_'}, {U'a', U'z'}}), c == 'W');
            case 's':
            case 'S':  // ECMAScript's WhiteSpace and LineTerminator
                return ++at_, set_or_rest(code_points({{9, 13},
                                                       {0x20, 0x20},
                                                       {0xA0, 0xA0},
                                                       {0x1680, 0x1680},
                                                       {0x2000, 0x200A},
                                                       {0x2028, 0x2029},
                                                       {0x202F, 0x202F},
                                                       {0x205F, 0x205F},
                                                       {0x3000, 0x3000},
                                                       {0xFEFF, 0xFEFF}}),
                                          c == 'S');
            case 'x': return one(parse_hex(2));
            case 'u': return one(parse_hex(4));
            default: break;
        }
        if (is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'))
            fail(std::string("\\") + c + " is not supported" + (in_class ? " in a class" : ""));
        return one(parse_char());
    }
    [[nodiscard]] char32_t parse_hex(std::size_t width) {
        const std::string_view digits = source_.substr(++at_, width);
        std::uint32_t code = 0;
        const auto [end, ec] = std::from_chars(digits.data(), digits.data() + digits.size(), code, 16);
        if (ec != std::errc{} || digits.size() != width || end != digits.data() + width)
            fail("an escape without its hexadecimal digits");
        if (code >= 0xD800 && code < 0xE000) fail("an escape of half a character");
        at_ += width;
        return code;
    }

    std::string_view source_;
    const std::string& path_;
    expression anything_;
    allowance& size_;
    std::size_t at_ = 0;
};

}  // namespace wafer::inline WAFER_ABI::grammar

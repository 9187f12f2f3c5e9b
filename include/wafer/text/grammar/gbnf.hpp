// SPDX-License-Identifier: MIT
// L1 text/grammar: the GBNF notation of llama.cpp. Reads what is written; compiler.hpp judges it.
#pragma once

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <system_error>
#include <unordered_map>
#include <utility>
#include <vector>

#include <wafer/core/config.hpp>
#include <wafer/core/error.hpp>
#include <wafer/core/utf8.hpp>
#include <wafer/text/grammar/code_points.hpp>
#include <wafer/text/grammar/compiler.hpp>
#include <wafer/text/grammar/grammar.hpp>
#include <wafer/text/grammar/program.hpp>

namespace wafer::inline WAFER_ABI::grammar {

/// Reads GBNF text. For one use.
class gbnf_parser {
public:
    static constexpr int max_nesting = 64;              // of parentheses
    static constexpr std::uint32_t max_count = 65'536;  // in {m,n}

    explicit gbnf_parser(std::string_view source) : source_(source) {}

    /// @throws error{errc::bad_grammar} with line and column.
    ruleset run() {
        if (const std::size_t bad = find_invalid_utf8(source_); bad != source_.size()) fail(bad, "text is not UTF-8");
        skip_space(true);
        while (at_ < source_.size()) parse_rule();
        for (std::uint32_t id = 0; id < out_.rules.size(); ++id)
            if (!defined_[id]) fail(out_.rules[id].offset, "rule \"" + out_.rules[id].name + "\" is not defined");
        const auto root = ids_.find("root");
        if (root == ids_.end()) fail(source_.size(), "there is no rule \"root\" to begin with");
        out_.root = root->second;
        out_.source = source_;
        return std::move(out_);
    }

private:
    [[noreturn]] void fail(std::size_t offset, std::string_view what) const {
        raise(errc::bad_grammar, "grammar: " + std::string(what) + position(source_, offset));
    }

    [[nodiscard]] char peek(std::size_t ahead = 0) const noexcept {
        return at_ + ahead < source_.size() ? source_[at_ + ahead] : '\0';
    }
    bool take(char c) noexcept {
        if (at_ == source_.size() || source_[at_] != c) return false;
        ++at_;
        return true;
    }
    void expect(char c, std::string_view where) {
        if (!take(c)) fail(at_, std::string("expected '") + c + "' " + std::string(where));
    }
    static bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }
    static bool is_name(char c) noexcept {
        return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' || c == '_';
    }
    void skip_space(bool across_lines) noexcept {
        while (at_ < source_.size()) {
            const char c = source_[at_];
            if (c == '#') at_ = std::min(source_.find_first_of("\r\n", at_), source_.size());
            else if (c == ' ' || c == '\t' || (across_lines && (c == '\r' || c == '\n'))) ++at_;
            else return;
        }
    }

    [[nodiscard]] std::string_view parse_name() {
        const std::size_t start = at_;
        while (is_name(peek())) ++at_;
        if (at_ == start) fail(at_, "expected the name of a rule");
        return source_.substr(start, at_ - start);
    }
    std::uint32_t rule_id(std::string_view name, std::size_t offset) {
        const auto [slot, is_new] = ids_.try_emplace(std::string(name), static_cast<std::uint32_t>(out_.rules.size()));
        if (is_new) {
            out_.rules.push_back({std::string(name), {}, offset});
            defined_.push_back(false);
        }
        return slot->second;
    }

    void parse_rule() {
        const std::size_t start = at_;
        const std::string_view name = parse_name();
        const std::uint32_t id = rule_id(name, start);
        if (defined_[id]) fail(start, "rule \"" + std::string(name) + "\" is defined twice");
        defined_[id] = true;
        out_.rules[id].offset = start;
        skip_space(false);
        if (source_.substr(at_, 3) != "::=") fail(at_, "expected \"::=\"");
        at_ += 3;
        skip_space(true);
        expression body = parse_choice(0);
        out_.rules[id].body = std::move(body);
        if (at_ < source_.size() && peek() != '\n' && peek() != '\r')
            fail(at_, "expected an element or the rule's end");
        skip_space(true);
    }

    expression parse_choice(int nesting) {
        if (nesting > max_nesting)
            fail(at_, "parentheses are nested more than " + std::to_string(max_nesting) + " deep");
        std::vector<expression> alternatives;
        while (true) {
            alternatives.push_back(parse_sequence(nesting));
            // A rule may go on in the next line with its next alternative.
            const std::size_t end = at_;
            skip_space(true);
            if (!take('|')) {
                if (nesting == 0) at_ = end;
                break;
            }
            skip_space(true);
        }
        return alternatives.size() == 1 ? std::move(alternatives.front()) : choice(std::move(alternatives));
    }

    expression parse_sequence(int nesting) {
        std::vector<expression> parts;
        bool repeated = true;  // there is nothing that a repetition could follow
        while (true) {
            const char c = peek();
            if (c == '*' || c == '+' || c == '?' || c == '{') {
                if (repeated) fail(at_, "a repetition needs one element before it; put parentheses around more");
                const auto [min, max] = parse_count(nesting);
                parts.back() = repeat(std::move(parts.back()), min, max);
                repeated = true;
                skip_space(nesting > 0);
                continue;
            }
            if (c == '"') {
                parts.push_back(parse_literal());
            } else if (c == '[') {
                parts.push_back(parse_class());
            } else if (c == '.') {
                ++at_;
                parts.push_back(chars({{0, 0x10FFFF}}));
            } else if (c == '(') {
                const std::size_t open = at_++;
                skip_space(true);
                parts.push_back(parse_choice(nesting + 1));
                if (!take(')')) fail(open, "\"(\" without its \")\"");
            } else if (is_name(c)) {
                const std::size_t start = at_;
                const std::string_view name = parse_name();
                parts.push_back(reference(rule_id(name, start)));
            } else if (c == '<' || c == '!') {
                fail(at_, "grammars here constrain text: elements that are tokens are not supported");
            } else {
                return parts.size() == 1 ? std::move(parts.front()) : sequence(std::move(parts));
            }
            repeated = false;
            skip_space(nesting > 0);
        }
    }

    [[nodiscard]] std::uint32_t parse_number() {
        const std::size_t start = at_;
        while (is_digit(peek())) ++at_;
        std::uint32_t value = 0;
        const auto [end, ec] = std::from_chars(source_.data() + start, source_.data() + at_, value);
        if (at_ == start) fail(start, "expected a number");
        if (ec != std::errc{} || value > max_count)
            fail(start, "repetitions are counted up to " + std::to_string(max_count));
        return value;
    }

    std::pair<std::uint32_t, std::uint32_t> parse_count(int nesting) {
        const std::size_t start = at_;
        switch (source_[at_++]) {
            case '*': return {0, unlimited};
            case '+': return {1, unlimited};
            case '?': return {0, 1};
            default: break;
        }
        const bool across_lines = nesting > 0;
        skip_space(across_lines);
        const std::uint32_t min = parse_number();
        std::uint32_t max = min;
        skip_space(across_lines);
        if (take(',')) {
            skip_space(across_lines);
            max = peek() == '}' ? unlimited : parse_number();
            skip_space(across_lines);
        }
        expect('}', "after the number of repetitions");
        if (max < min) fail(start, "a repetition's least number is above its greatest");
        return {min, max};
    }

    expression parse_literal() {
        const std::size_t start = at_++;
        std::string bytes;
        while (!take('"')) {
            if (at_ == source_.size()) fail(start, "text without its closing quote");
            append_utf8(bytes, parse_char());
        }
        return text(std::move(bytes));
    }

    expression parse_class() {
        const std::size_t start = at_++;
        const bool negated = take('^');
        std::vector<code_range> ranges;
        while (!take(']')) {
            if (at_ == source_.size()) fail(start, "character class without its \"]\"");
            const std::size_t range = at_;
            const char32_t first = parse_char();
            char32_t last = first;
            if (peek() == '-' && at_ + 1 < source_.size() && peek(1) != ']') {
                ++at_;
                last = parse_char();
            }
            if (last < first) fail(range, "a range of characters ends before it begins");
            ranges.push_back({first, last});
        }
        expression out = chars(std::move(ranges));
        if (negated) out.chars = out.chars.complement();
        if (out.chars.empty()) fail(start, "a character class without characters");
        return out;
    }

    [[nodiscard]] char32_t parse_char() {
        if (!take('\\')) {
            const utf8_step step = decode_utf8(source_, at_);
            at_ += step.length;
            return step.code;
        }
        const std::size_t start = at_ - 1;
        static constexpr std::string_view letters = "nrt\\\"[]^-", meanings = "\n\r\t\\\"[]^-";
        const char c = peek();
        if (at_ == source_.size()) fail(start, "the grammar ends in an escape");
        ++at_;
        if (const auto known = letters.find(c); known != letters.npos)
            return static_cast<unsigned char>(meanings[known]);
        const std::size_t width = c == 'x' ? 2 : c == 'u' ? 4 : c == 'U' ? 8 : 0;
        if (width == 0) fail(start, "unknown escape; known are \\n \\r \\t \\\\ \\\" \\[ \\] \\^ \\- \\x \\u \\U");
        const std::string_view digits = source_.substr(at_, width);
        std::uint32_t code = 0;
        const auto [end, ec] = std::from_chars(digits.data(), digits.data() + digits.size(), code, 16);
        if (ec != std::errc{} || digits.size() != width || end != digits.data() + width)
            fail(start, "escape without its " + std::to_string(width) + " hexadecimal digits");
        if (code > 0x10FFFF || (code >= 0xD800 && code < 0xE000)) fail(start, "escape of what is no character");
        at_ += width;
        return code;
    }

    std::string_view source_;
    std::size_t at_ = 0;
    ruleset out_;
    std::unordered_map<std::string, std::uint32_t> ids_;
    std::vector<bool> defined_;
};

/// The rules of a grammar in GBNF: literals and character classes with escapes, ".", groups, alternatives, ? * + {m}
/// {m,} {m,n}, comments; a rule goes on in the next line inside parentheses and around "|". Characters are Unicode's.
/// Elements that are tokens (<token>, <[id]>, !<token>) are refused: a grammar here is about text and knows no
/// vocabulary.
/// @throws error{errc::bad_grammar} with line and column: syntax, undefined rules, rules defined twice, no "root".
/// @throws error{errc::out_of_memory}
/// @cite llama.cpp, grammars/README.md
[[nodiscard]] inline ruleset parse_gbnf(std::string_view source) {
    return or_out_of_memory([&] { return gbnf_parser(source).run(); });
}

/// Output that a grammar in GBNF allows, ready to be matched. @throws error{errc::bad_grammar} as parse_gbnf() and
/// compile()
[[nodiscard]] inline std::shared_ptr<const program> gbnf(std::string_view source) {
    return compile(parse_gbnf(source));
}

}  // namespace wafer::inline WAFER_ABI::grammar

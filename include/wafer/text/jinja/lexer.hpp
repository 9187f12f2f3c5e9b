// SPDX-License-Identifier: MIT
// L1 text/jinja: template text to tokens, with Jinja's rules for white space around tags (trim_blocks and lstrip_blocks on,
// as chat templates are written for). Knows no grammar.
#pragma once

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include <wafer/core/config.hpp>
#include <wafer/core/error.hpp>
#include <wafer/core/utf8.hpp>

namespace wafer::inline WAFER_ABI::jinja {

enum class token_kind : std::uint8_t {
    text,
    block_begin,
    block_end,
    output_begin,
    output_end,
    name,
    string,
    integer,
    real,
    symbol,
    end
};

struct token {
    token_kind kind;
    std::string text;      // decoded for strings
    std::uint32_t offset;  // into the template's source
};

/// "line L, column C" of an offset, both from 1; columns count bytes.
[[nodiscard]] inline std::string position(std::string_view source, std::size_t offset) {
    const std::string_view before = source.substr(0, offset);
    const std::size_t start = before.rfind('\n') + 1;  // npos + 1 is 0
    return "line " + std::to_string(1 + std::count(before.begin(), before.end(), '\n')) + ", column " +
           std::to_string(before.size() - start + 1);
}

/// @throws error{errc::bad_template}, always.
[[noreturn]] inline void fail_parse(std::string_view source, std::size_t offset, std::string_view what) {
    raise(errc::bad_template, "chat template: " + std::string(what) + " (" + position(source, offset) + ")");
}

class lexer {
public:
    static constexpr std::size_t max_size = 1u << 20;  // of a template
    static constexpr std::size_t max_name = 256;       // of a name: looking one up counts as one step

    explicit lexer(std::string_view source) : source_(source) {}

    /// The tokens, ended by one of kind `end`. @throws error{errc::bad_template} with line and column.
    std::vector<token> run() {
        // No published template comes near. The tree takes a hundred times as much.
        if (source_.size() > max_size) fail_parse(source_, max_size, "the template is larger than 1 MiB");
        while (at_ < source_.size()) lex_text();
        add(token_kind::end, source_.size());
        return std::move(tokens_);
    }

private:
    void add(token_kind kind, std::size_t offset, std::string text = {}) {
        tokens_.push_back({kind, std::move(text), static_cast<std::uint32_t>(offset)});
    }
    [[nodiscard]] bool looking_at(std::string_view what) const noexcept {
        return source_.substr(at_, what.size()) == what;
    }
    static bool is_blank(char c) noexcept {
        return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f' || c == '\v';
    }
    static bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }
    static bool is_name(char c) noexcept {
        return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
               static_cast<unsigned char>(c) >= 0x80;
    }
    void skip_blanks() noexcept {
        while (at_ < source_.size() && is_blank(source_[at_])) ++at_;
    }

    // Text up to the next tag, then that tag.
    void lex_text() {
        const std::size_t begin = at_;
        std::size_t tag = source_.find('{', begin);
        while (tag != source_.npos &&
               (tag + 1 == source_.size() || std::string_view("{%#").find(source_[tag + 1]) == std::string_view::npos))
            tag = source_.find('{', tag + 1);
        if (tag == source_.npos) {
            add_text(begin, source_.size());
            at_ = source_.size();
            return;
        }
        const char type = source_[tag + 1];
        at_ = tag + 2;
        const char mark = at_ < source_.size() ? source_[at_] : '\0';
        if (mark == '-' || mark == '+') ++at_;
        add_text(begin, type == '{' && mark != '-' ? tag : text_end(begin, tag, mark));
        if (type == '#') lex_comment(tag);
        else if (type == '{') lex_tag(tag, token_kind::output_begin, token_kind::output_end, "}}");
        else lex_block(tag);
    }

    // Where the text before a block or comment ends: "-" takes all white space from it, "+" nothing, else an indentation goes.
    [[nodiscard]] std::size_t text_end(std::size_t begin, std::size_t tag, char mark) const noexcept {
        std::size_t end = tag;
        if (mark == '+') return end;
        while (end > begin &&
               (mark == '-' ? is_blank(source_[end - 1]) : source_[end - 1] == ' ' || source_[end - 1] == '\t'))
            --end;
        // The piece may begin in the middle of a line, right after another tag.
        return mark == '-' || end == 0 || source_[end - 1] == '\n' ? end : tag;
    }

    void add_text(std::size_t begin, std::size_t end) {
        if (begin < end) add(token_kind::text, begin, std::string(source_.substr(begin, end - begin)));
    }

    // After "-" all white space goes; after a block or comment one line break goes.
    void close_tag(char mark, bool trims_newline) {
        if (mark == '-') skip_blanks();
        else if (mark != '+' && trims_newline && at_ < source_.size() && source_[at_] == '\n') ++at_;
    }

    void lex_comment(std::size_t begin) {
        const std::size_t end = source_.find("#}", at_);
        if (end == source_.npos) fail_parse(source_, begin, "comment without its \"#}\"");
        const char mark = end > at_ ? source_[end - 1] : '\0';
        at_ = end + 2;
        close_tag(mark, true);
    }

    void lex_block(std::size_t begin) {
        const std::size_t inside = at_;
        skip_blanks();
        if (looking_at("raw") && at_ + 3 < source_.size() && !is_name(source_[at_ + 3])) return lex_raw(begin);
        at_ = inside;
        lex_tag(begin, token_kind::block_begin, token_kind::block_end, "%}");
    }

    void lex_raw(std::size_t begin) {
        // Unlike other tags, the opening one keeps the line break after it.
        const auto close = [&](bool trims_newline) {
            skip_blanks();
            const char mark = at_ < source_.size() ? source_[at_] : '\0';
            if (mark == '-' || mark == '+') ++at_;
            if (!looking_at("%}")) fail_parse(source_, at_, "expected \"%}\"");
            at_ += 2;
            close_tag(mark, trims_newline);
        };
        at_ += 3;
        close(false);
        const std::size_t text = at_;
        for (std::size_t tag = source_.find("{%", at_); tag != source_.npos; tag = source_.find("{%", tag + 1)) {
            at_ = tag + 2;
            const bool strip = looking_at("-"), keep = looking_at("+");
            if (strip || keep) ++at_;
            skip_blanks();
            if (!looking_at("endraw")) continue;
            at_ += 6;
            add_text(text, text_end(text, tag, strip ? '-' : keep ? '+' : '\0'));
            return close(true);
        }
        fail_parse(source_, begin, "raw block without its endraw");
    }

    void lex_tag(std::size_t begin, token_kind open, token_kind close, std::string_view closer) {
        add(open, begin);
        std::size_t nesting = 0;  // a "}}" inside braces closes a dict
        while (true) {
            skip_blanks();
            if (at_ >= source_.size()) fail_parse(source_, begin, "tag without its \"" + std::string(closer) + "\"");
            const std::size_t start = at_;
            const char c = source_[at_];
            const bool marked = (c == '-' || c == '+') && source_.substr(at_ + 1, 2) == closer;
            if (nesting == 0 && (marked || looking_at(closer))) {
                at_ += marked ? 3 : 2;
                add(close, start);
                return close_tag(marked ? c : '\0', close == token_kind::block_end);
            }
            if (c == '"' || c == '\'') lex_string(c);
            else if (is_digit(c)) lex_number();
            else if (is_name(c)) lex_name();
            else lex_symbol(nesting);
        }
    }

    void lex_name() {
        const std::size_t start = at_;
        while (at_ < source_.size() && is_name(source_[at_])) ++at_;
        if (at_ - start > max_name) fail_parse(source_, start, "a name is longer than 256 bytes");
        add(token_kind::name, start, std::string(source_.substr(start, at_ - start)));
    }

    void lex_number() {
        const std::size_t start = at_;
        const auto digits = [&] {
            while (at_ < source_.size() && (is_digit(source_[at_]) || source_[at_] == '_')) ++at_;
        };
        const bool index = source_[start - 1] == '.';  // x.0.1: two subscripts
        digits();
        bool real = false;
        if (!index && at_ + 1 < source_.size() && source_[at_] == '.' && is_digit(source_[at_ + 1])) {
            real = true;
            ++at_;
            digits();
        }
        if (at_ < source_.size() && (source_[at_] == 'e' || source_[at_] == 'E')) {
            std::size_t exponent = at_ + 1;
            if (exponent < source_.size() && (source_[exponent] == '+' || source_[exponent] == '-')) ++exponent;
            if (exponent < source_.size() && is_digit(source_[exponent])) {
                real = true;
                at_ = exponent;
                digits();
            }
        }
        std::string text(source_.substr(start, at_ - start));
        std::erase(text, '_');
        add(real ? token_kind::real : token_kind::integer, start, std::move(text));
    }

    void lex_string(char quote) {
        const std::size_t start = at_++;
        std::string out;
        while (true) {
            if (at_ >= source_.size()) fail_parse(source_, start, "string without its closing quote");
            const char c = source_[at_++];
            if (c == quote) break;
            if (c == '\\') lex_escape(out);
            else out.push_back(c);
        }
        add(token_kind::string, start, std::move(out));
    }

    // As in Python: an unknown escape stays as it is written.
    void lex_escape(std::string& out) {
        if (at_ >= source_.size()) return;
        const char c = source_[at_++];
        static constexpr std::string_view letters = "\\'\"abfnrtv", meanings = "\\'\"\a\b\f\n\r\t\v";
        if (const auto known = letters.find(c); known != letters.npos) return out.push_back(meanings[known]);
        if (c == '\n') return;
        const std::size_t width = c == 'x' ? 2 : c == 'u' ? 4 : c == 'U' ? 8 : 0;
        if (width == 0) {
            out.push_back('\\');
            return out.push_back(c);
        }
        const std::string_view digits = source_.substr(at_, width);
        std::uint32_t code = 0;
        const auto [end, ec] = std::from_chars(digits.data(), digits.data() + digits.size(), code, 16);
        if (ec != std::errc{} || digits.size() != width || end != digits.data() + width)
            fail_parse(source_, at_ - 2, "escape without its hexadecimal digits");
        at_ += width;
        append_utf8(out, code);
    }

    void lex_symbol(std::size_t& nesting) {
        static constexpr std::string_view pairs[] = {"==", "!=", "<=", ">=", "//", "**"};
        static constexpr std::string_view singles = "+-*/%~|.,:()[]{}<>=";
        for (const std::string_view pair : pairs) {
            if (!looking_at(pair)) continue;
            add(token_kind::symbol, at_, std::string(pair));
            at_ += 2;
            return;
        }
        const char c = source_[at_];
        if (singles.find(c) == singles.npos) fail_parse(source_, at_, std::string("unexpected character '") + c + "'");
        if (c == '(' || c == '[' || c == '{') ++nesting;
        if ((c == ')' || c == ']' || c == '}') && nesting > 0) --nesting;
        add(token_kind::symbol, at_++, std::string(1, c));
    }

    std::string_view source_;
    std::size_t at_ = 0;
    std::vector<token> tokens_;
};

}  // namespace wafer::inline WAFER_ABI::jinja

// SPDX-License-Identifier: MIT
// What the preprocessor sees of a file, line by line: so that no comment and no raw string passes for a directive.
#pragma once

#include <algorithm>
#include <cctype>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace single_header {

/// Reads lines in order.
class code_reader {
public:
    /// The next line without its comments, each of which is a space, and without what is in raw strings. A line that begins
    /// within a raw string begins with '"', one that goes on with the one before it with '\\'.
    [[nodiscard]] std::string next(std::string_view line) {
        std::string code = !raw_end_.empty() ? "\"" : in_block_ || in_comment_ ? " " : continued_ ? "\\" : "";
        continued_ = line.ends_with('\\');
        for (std::size_t at = 0; at < line.size();) at = step(line, at, code);
        in_comment_ = in_comment_ && continued_;
        return code;
    }

private:
    // Reads one thing at `at`, and returns where the next one is.
    std::size_t step(std::string_view line, std::size_t at, std::string& code) {
        const auto behind = [&](std::string_view end, std::size_t from) {
            const auto found = line.find(end, from);
            return found == line.npos ? line.size() : found + end.size();
        };
        if (in_comment_) return line.size();
        if (in_block_) {
            const auto end = behind("*/", at);
            in_block_ = !line.substr(at, end - at).ends_with("*/");
            return end;
        }
        if (!raw_end_.empty()) {
            const auto end = behind(raw_end_, at);
            if (line.substr(at, end - at).ends_with(raw_end_)) raw_end_.clear();
            return end;
        }
        const auto rest = line.substr(at);
        if (rest.starts_with("//") || rest.starts_with("/*")) {
            (rest[1] == '/' ? in_comment_ : in_block_) = true;
            code += ' ';
            return at + 2;
        }
        if (is_letter(rest[0])) {
            const auto word = rest.substr(
                0, static_cast<std::size_t>(std::find_if_not(rest.begin(), rest.end(), is_letter) - rest.begin()));
            code += word;
            at += word.size();
            const bool raw = word == "R" || word == "LR" || word == "uR" || word == "UR" || word == "u8R";
            if (raw && line.substr(at).starts_with('"')) {
                const auto open = line.find('(', at);
                if (open == line.npos) return line.size();
                raw_end_ = ")" + std::string(line.substr(at + 1, open - at - 1)) + "\"";
                code += "\"\"";
                return open + 1;
            }
            // 1'000 has no character in it.
            if (std::isdigit(static_cast<unsigned char>(word[0])) != 0 && line.substr(at).starts_with('\'')) ++at;
            return at;
        }
        std::size_t end = at + 1;
        if (rest[0] == '"' || rest[0] == '\'') {
            while (end < line.size() && line[end] != rest[0]) end += line[end] == '\\' ? 2u : 1u;
            end = std::min(end + 1, line.size());
        }
        code += line.substr(at, end - at);
        return end;
    }

    static bool is_letter(char c) noexcept { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_'; }

    bool in_block_ = false, in_comment_ = false, continued_ = false;
    std::string raw_end_;  // what ends the raw string that is open; empty: none is
};

}  // namespace single_header

// SPDX-License-Identifier: MIT
// Reads one file of the tree, and refuses it if it breaks a rule of the house that one file can break.
#pragma once

#include <algorithm>
#include <cstddef>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "code_lines.hpp"

namespace single_header {

/// Why there is no single header: "FILE:LINE: reason".
struct refusal : std::runtime_error {
    refusal(const std::string& file, std::size_t line, const std::string& reason)
        : std::runtime_error(file + ":" + std::to_string(line) + ": " + reason) {}
};

inline constexpr std::string_view root = "wafer/llm.hpp";
inline constexpr std::string_view own_guard = "WAFER_SINGLE_HEADER";  // defined below everything
inline constexpr std::size_t longest_file = 600;

inline constexpr std::string_view license_line = "// SPDX-License-Identifier: MIT";

/// An include points to a lower number, or stays in its room. Headers name their room's; the two without a room are between.
inline const std::map<std::string, double, std::less<>> layers{
    {"core", 0}, {"simd", 1},      {"text", 1},   {"tensor", 2}, {"io", 3},  {"sram", 3},     {"cost", 4},
    {"exec", 5}, {"fwd.hpp", 4.5}, {"kernel", 6}, {"model", 7},  {"gen", 8}, {"llm.hpp", 8.5}};

struct include_line {
    std::string path;        // as written between the brackets
    std::string conditions;  // #if around it in its file; empty: none
    bool last = false;       // below the file's code
    [[nodiscard]] bool ours() const { return path.starts_with("wafer/"); }
    [[nodiscard]] bool body() const { return path.ends_with(".ipp"); }
};

struct source {
    std::string name;  // wafer/room/file.hpp
    std::vector<std::string> lines{};
    std::vector<std::string> code{};                 // of each line: see code_reader
    std::map<std::size_t, include_line> includes{};  // by line, from 1
    bool conditional = false;                        // one #if from top to bottom: empty where it does not hold
    [[nodiscard]] bool body() const { return name.ends_with(".ipp"); }
};

/// "wafer/core/bits.hpp" is in the room "core"; a header outside of all rooms is its own.
[[nodiscard]] inline std::string room_of(const std::string& name) {
    const auto begin = name.find('/') + 1;
    return name.substr(begin, name.find('/', begin) - begin);
}

/// What a header's second line begins with: "// L1 text/jinja:". Nothing for those outside of all rooms.
[[nodiscard]] inline std::string head_of(const std::string& name) {
    const std::string room = room_of(name);
    const auto begin = name.find('/') + 1, end = name.rfind('/');
    if (end < begin || !layers.contains(room)) return {};
    const auto layer = static_cast<int>(layers.at(room));
    return "// L" + std::to_string(layer) + " " + name.substr(begin, end - begin) + ":";
}

[[nodiscard]] inline std::string read_file(const std::filesystem::path& path) {
    std::ifstream in(path, std::ios::binary);
    if (!in) throw std::runtime_error(path.string() + ": cannot be read");
    return {std::istreambuf_iterator<char>(in), {}};
}

/// "#  define X 1" gives {"define", "X 1"}; any other line gives two empty words. For a line's code: see code_reader.
[[nodiscard]] inline std::pair<std::string_view, std::string_view> directive(std::string_view line) {
    constexpr std::string_view blank = " \t";
    const auto trim = [&](std::string_view s) { return s.substr(std::min(s.find_first_not_of(blank), s.size())); };
    line = trim(line.substr(0, line.find_last_not_of(blank) + 1));  // npos + 1 is 0
    if (!line.starts_with('#')) return {};
    line = trim(line.substr(1));
    const auto end = std::min(line.find_first_of(" \t<\"("), line.size());
    return {line.substr(0, end), trim(line.substr(end))};
}

/// "MAX(a, b) a" gives "MAX".
[[nodiscard]] inline std::string_view first_name(std::string_view text) {
    constexpr std::string_view letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_";
    return text.substr(0, std::min(text.find_first_not_of(letters), text.size()));
}

/// Whether a header is empty elsewhere: one #if from top to bottom, without #else.
[[nodiscard]] inline bool is_conditional(const std::vector<std::string>& code) {
    std::size_t depth = 0;
    bool begun = false, over = false;
    for (const auto& line : code) {
        const auto [word, rest] = directive(line);
        if (line.find_first_not_of(" \t") == line.npos || (word == "pragma" && rest == "once")) continue;
        const bool opens = word.starts_with("if");
        if (over || (!begun && !opens)) return false;
        begun = true;
        if (opens) ++depth;
        else if (word == "endif") over = --depth == 0;
        else if (word.starts_with("el") && depth == 1) return false;
    }
    return over;
}

/// Reads a file of the tree in `folder`, and checks it by itself.
class reader {
public:
    explicit reader(const std::filesystem::path& folder) : folder_(folder) {}

    /// @throws refusal
    [[nodiscard]] source read(const std::string& name) {
        file_ = {name};
        read_lines();
        check_head();
        file_.conditional = is_conditional(file_.code);
        bool once = false;
        for (line_ = 1; line_ <= file_.lines.size(); ++line_) {
            const std::string_view line = file_.lines[line_ - 1], code = file_.code[line_ - 1];
            const auto [word, rest] = directive(code);
            if (code.starts_with("namespace") && code.ends_with("{")) open_namespace();
            else if (code.starts_with("}") && line.starts_with("}  // namespace") && open_namespaces_ > 0)
                --open_namespaces_;
            else if (word == "pragma" && rest == "once") once = true;
            else if (word == "if" || word == "ifdef" || word == "ifndef")
                conditions_.push_back(directive_text(word, rest));
            else if (word == "elif" || word == "else" || word == "endif") next_condition(word, rest);
            else if (word == "define") define(std::string(first_name(rest)));
            else if (word == "undef") undefine(std::string(first_name(rest)));
            else if (word == "include") include(rest);
        }
        if (!conditions_.empty())
            refuse(conditions_.back().substr(0, conditions_.back().find('\n')) + " without #endif");
        line_ = 1;
        if (once == file_.body()) refuse(once ? "a body with #pragma once" : "no #pragma once");
        if (!foreign_.empty()) {
            line_ = foreign_.front().line;
            refuse("the macro " + foreign_.front().name + " leaks: begin its name with WAFER_, or #undef it");
        }
        return std::move(file_);
    }

private:
    [[noreturn]] void refuse(const std::string& reason) const { throw refusal(file_.name, line_, reason); }

    [[nodiscard]] static std::string directive_text(std::string_view word, std::string_view rest) {
        std::string text = "#";
        return text.append(word).append(" ").append(rest).append("\n");
    }

    void check_head() {
        line_ = 1;
        if (file_.lines.empty() || file_.lines[0] != license_line)
            refuse("the first line is not \"" + std::string(license_line) + "\"");
        if (file_.body()) return;
        const std::string head = head_of(file_.name);
        line_ = 2;
        if (!head.empty() && (file_.lines.size() < 2 || !file_.lines[1].starts_with(head)))
            refuse("the second line does not begin with \"" + head + "\"");
    }

    void read_lines() {
        code_reader code;
        const std::string text = read_file(folder_ / file_.name);
        bool generated = false;
        for (std::size_t begin = 0; begin < text.size();) {
            const auto end = std::min(text.find('\n', begin), text.size());
            std::string line = text.substr(begin, end - begin);
            if (line.ends_with('\r')) line.pop_back();
            begin = end + 1;
            ++line_;
            for (const char c : line)
                if (static_cast<unsigned char>(c) >= 0x80) refuse("text that is not ASCII");
            if (line_ <= 6 && line.starts_with("//") && line.find("Generated by") != line.npos) generated = true;
            if (line_ > longest_file && !generated) refuse("longer than " + std::to_string(longest_file) + " lines");
            file_.code.push_back(code.next(line));
            file_.lines.push_back(std::move(line));
        }
    }

    void open_namespace() {
        ++open_namespaces_;
        has_code_ = true;
    }

    void next_condition(std::string_view word, std::string_view rest) {
        if (conditions_.empty()) refuse("#" + std::string(word) + " without #if");
        if (word == "endif") conditions_.pop_back();
        else conditions_.back() += directive_text(word, rest);
    }

    void define(const std::string& macro) {
        if (macro == own_guard) refuse(macro + " is the single header's own guard");
        defines_ = true;
        if (!macro.starts_with("WAFER_")) foreign_.push_back({macro, line_, conditions_});
    }

    // Forgets a macro wherever it was defined under the conditions that hold here: others may not hold at all.
    void undefine(const std::string& macro) {
        if (macro.starts_with("WAFER_")) return;
        const auto named = [&](const foreign_macro& m) { return m.name == macro; };
        if (std::none_of(foreign_.begin(), foreign_.end(), named))
            refuse("#undef " + macro + ": the macro is somebody else's");
        std::erase_if(foreign_, [&](const foreign_macro& m) {
            return named(m) && m.conditions.size() >= conditions_.size() &&
                   std::equal(conditions_.begin(), conditions_.end(), m.conditions.begin());
        });
    }

    void include(std::string_view rest) {
        if (file_.body()) refuse("a body that includes");
        const auto close = rest.find('>');
        if (!rest.starts_with('<') || close == rest.npos) refuse("an include that is not of the form <path>");
        include_line found{std::string(rest.substr(1, close - 1)), {}, has_code_};
        // What a header that is empty elsewhere needs may as well be there everywhere, if it is ours.
        for (std::size_t i = file_.conditional && found.ours() ? 1 : 0; i < conditions_.size(); ++i)
            found.conditions += conditions_[i];
        if (found.body() && open_namespaces_ == 0) refuse("a body belongs in a namespace");
        if (!found.body() && open_namespaces_ != 0) refuse("an include inside a namespace");
        if (found.ours() && !found.body() && found.conditions.empty() && defines_)
            refuse("an include below a #define: it would be placed above");
        if (found.ours()) check_direction(found.path);
        file_.includes.emplace(line_, std::move(found));
    }

    void check_direction(const std::string& path) const {
        if (!std::filesystem::is_regular_file(folder_ / path)) refuse("no file " + path);
        const std::string here = room_of(file_.name), there = room_of(path);
        for (const auto& room : {here, there})
            if (!layers.contains(room)) refuse(room + " is no room of the house");
        if (here != there && layers.at(there) >= layers.at(here))
            refuse("an include that does not point down: " + here + " to " + there);
    }

    struct foreign_macro {
        std::string name;
        std::size_t line;
        std::vector<std::string> conditions;
    };

    const std::filesystem::path& folder_;
    source file_;
    std::size_t line_ = 0;
    bool has_code_ = false;  // a namespace was opened
    bool defines_ = false;   // a macro was defined
    std::size_t open_namespaces_ = 0;
    std::vector<std::string> conditions_;
    std::vector<foreign_macro> foreign_;  // macros without our prefix that are still defined
};

}  // namespace single_header

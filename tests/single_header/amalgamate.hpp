// SPDX-License-Identifier: MIT
// Makes one file of a tree of headers, and refuses a tree that breaks the rules of the house. Needs std only.
//
// Every header is placed once, after what it includes; a body (.ipp) is placed wherever it is included. The system's
// headers come first. What is included between #if and #endif stays there, unless it is a header that is empty elsewhere:
// one #if from top to bottom.
#pragma once

#include <algorithm>
#include <cstddef>
#include <filesystem>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "source.hpp"

namespace single_header {

/// One tree, read file by file as includes lead to them.
class tree {
public:
    explicit tree(std::filesystem::path folder) : folder_(std::move(folder)) {}

    /// The headers and bodies below wafer/, sorted.
    [[nodiscard]] std::vector<std::string> names() const {
        std::vector<std::string> all;
        for (const auto& entry : std::filesystem::recursive_directory_iterator(folder_ / "wafer")) {
            if (entry.path().extension() == ".hpp" || entry.path().extension() == ".ipp")
                all.push_back(std::filesystem::relative(entry.path(), folder_).generic_string());
        }
        std::sort(all.begin(), all.end());
        return all;
    }

    /// @throws refusal
    [[nodiscard]] const source& at(const std::string& name) {
        const auto known = files_.find(name);
        return known != files_.end() ? known->second : files_.emplace(name, reader(folder_).read(name)).first->second;
    }

private:
    std::filesystem::path folder_;
    std::map<std::string, source> files_;
};

/// Writes the one file of a tree.
class writer {
public:
    explicit writer(tree& files) : files_(files) {}

    /// @throws refusal
    [[nodiscard]] std::string write(std::string_view license) {
        search_cycle(std::string(root));
        place(std::string(root));
        for (const auto& name : files_.names())
            if (!placed_.contains(name)) throw refusal(name, 1, std::string(root) + " does not lead here");

        const std::string version = version_text();
        std::string text =
            "// SPDX-License-Identifier: MIT\n// wafer " + version +
            ", the whole library: keep this file as wafer/llm.hpp on your include path.\n"
            "// Made of the " +
            std::to_string(placed_.size()) +
            " files below include/wafer by tests/single_header/generate.cpp: change those, not this.\n//\n";
        for (std::size_t begin = 0; begin < license.size();) {
            const auto end = std::min(license.find('\n', begin), license.size());
            const auto line = license.substr(begin, end - begin);
            text += line.empty() ? "//\n" : "// " + std::string(line) + "\n";
            begin = end + 1;
        }
        text += "#ifndef " + std::string(own_guard) + "\n\n";
        // core/config.hpp says the same where the order is the other one.
        text +=
            "#ifdef WAFER_ABI\n#error \"wafer: this file includes headers of wafer, and then the single header that is "
            "made of them: include one or the other\"\n#include <wafer_stops_here>\n#endif\n\n";
        for (const auto& path : system_) text += "#include <" + path + ">\n";
        return text + parts_ + "\n#define " + std::string(own_guard) + "\n#endif\n";
    }

private:
    void search_cycle(const std::string& name) {
        if (done_.contains(name)) return;
        path_.push_back(name);
        for (const auto& [line, found] : files_.at(name).includes) {
            if (!found.ours()) continue;
            const auto met = std::find(path_.begin(), path_.end(), found.path);
            if (met == path_.end()) {
                search_cycle(found.path);
                continue;
            }
            std::string circle;
            for (auto i = met; i != path_.end(); ++i) circle += *i + " > ";
            throw refusal(name, line, "a cyclic include: " + circle + found.path);
        }
        path_.pop_back();
        done_.insert(name);
    }

    // Whether an include can go anywhere: nothing is around it, or its file is empty where it should not be.
    [[nodiscard]] bool free(const include_line& found) {
        return found.conditions.empty() || files_.at(found.path).conditional;
    }

    // A header, once: below what it includes, but above what it includes at its own end.
    void place(const std::string& name) {
        if (!placed_.emplace(name, "").second) return;
        const source& file = files_.at(name);
        place_includes(file, false);
        parts_ += body(file, {});
        place_includes(file, true);
    }

    // What goes above a header (or, the last includes, below it). An include that is not free stays where it is, but not
    // what that one includes.
    void place_includes(const source& file, bool last) {
        for (const auto& [line, found] : file.includes) {
            if (!found.ours() || found.body()) continue;
            if (!free(found)) {
                place_includes(files_.at(found.path), last);
            } else if (found.last == last) {
                if (const auto met = placed_.find(found.path); met != placed_.end() && !met->second.empty())
                    throw refusal(file.name, line, found.path + " is placed between other #if and #endif");
                place(found.path);
            }
        }
    }

    // The text of a file that stands between these conditions, without what the single header says once.
    [[nodiscard]] std::string body(const source& file, const std::string& around) {
        std::string text = "\n// ---- " + file.name + "\n";
        for (std::size_t n = 1; n <= file.lines.size(); ++n) {
            const auto& line = file.lines[n - 1];
            const auto& code = file.code[n - 1];
            const auto [word, rest] = directive(code);
            if (file.includes.contains(n)) {
                text += included(file, n, around);
            } else if (!(word == "pragma" && rest == "once") && n != 1 &&
                       !(line.empty() && code.empty() && text.ends_with("\n\n"))) {
                text += line + "\n";
            }
        }
        return text;
    }

    [[nodiscard]] std::string included(const source& from, std::size_t line, const std::string& around) {
        const auto& found = from.includes.at(line);
        const std::string conditions = around + found.conditions;
        if (!found.ours()) {
            if (!conditions.empty()) return from.lines[line - 1] + "\n";
            system_.insert(found.path);
            return {};
        }
        if (found.body()) {
            placed_.emplace(found.path, conditions);
            return body(files_.at(found.path), conditions);
        }
        if (free(found)) return {};  // placed elsewhere
        const auto [at, first] = placed_.emplace(found.path, conditions);
        if (first) return body(files_.at(found.path), conditions);
        if (!at->second.empty() && at->second != conditions)
            throw refusal(from.name, line, found.path + " is placed between other #if and #endif");
        return {};
    }

    [[nodiscard]] std::string version_text() {
        const std::string name = "wafer/core/version.hpp";
        for (const auto& line : files_.at(name).code) {
            const auto [word, rest] = directive(line);
            if (word != "define" || first_name(rest) != "WAFER_VERSION_STRING") continue;
            const auto begin = rest.find('"') + 1;
            return std::string(rest.substr(begin, rest.rfind('"') - begin));
        }
        throw refusal(name, 1, "no WAFER_VERSION_STRING");
    }

    tree& files_;
    std::vector<std::string> path_;              // from the root to where search_cycle is
    std::set<std::string> done_;                 // files without a cycle below
    std::map<std::string, std::string> placed_;  // what it stands between: conditions, or nothing
    std::set<std::string> system_;               // includes without conditions
    std::string parts_;
};

/// The single header of the tree in `folder` (which holds wafer/). The same tree gives the same text.
/// @throws refusal
[[nodiscard]] inline std::string amalgamate(const std::filesystem::path& folder, std::string_view license) {
    tree files(folder);
    return writer(files).write(license);
}

}  // namespace single_header

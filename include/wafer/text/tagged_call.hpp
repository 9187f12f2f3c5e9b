// SPDX-License-Identifier: MIT
// L1 text: follows one call written in tags (Qwen3-Coder's way) and writes its arguments as JSON.
#pragma once

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>

#include <wafer/core/config.hpp>
#include <wafer/core/json.hpp>
#include <wafer/text/call_format.hpp>
#include <wafer/text/object_scanner.hpp>
#include <wafer/text/parameter_kinds.hpp>
#include <wafer/text/partial_marker.hpp>
#include <wafer/text/utf8.hpp>

namespace wafer::inline WAFER_ABI {

/// Reads a growing text from behind "<function=" on:  NAME> (<parameter=KEY> VALUE </parameter>)* , up to "</function>".
/// A value is its text without a line break beside each tag; the function's schema tells what that means: @see
/// parameter_kinds. What can only be text is written while it comes.
/// @cost linear in the text, apart from finding parameters in the schema
/// @cite Qwen3-Coder-30B-A3B-Instruct: its chat template writes calls so, its qwen3coder_tool_parser.py reads them.
class tagged_call {
public:
    static constexpr std::string_view close = format_of(call_dialect::qwen_coder).close;

    /// The function's name begins at this offset.
    void start(std::size_t offset) noexcept { at_ = offset; }

    /// Goes on to the end of the text or to the closing tag. The text is that of the last call, or longer; tools as in
    /// session_options.
    void run(std::string_view text, const json& tools) {
        while (state_ != scan_state::done && state_ != scan_state::broken && step(text, tools)) {
        }
    }

    [[nodiscard]] scan_state state() const noexcept { return state_; }
    /// Whether a tag followed the name: before that it may be any text.
    [[nodiscard]] bool begun() const noexcept { return begun_; }
    /// The first character that was not read: after done, of the closing tag.
    [[nodiscard]] std::size_t at() const noexcept { return at_; }
    /// The function.
    [[nodiscard]] const std::string& name() const noexcept { return name_; }
    /// What is certain of the arguments: after done, a JSON object, if no parameter came twice.
    [[nodiscard]] const std::string& arguments() const noexcept { return arguments_; }

private:
    enum class place { name, between, key, value };
    static constexpr std::string_view opens = "<parameter=", ends[] = {"</parameter>", "\n</parameter>"};
    static constexpr std::size_t longest_name = 4096;

    bool fail() noexcept {
        state_ = scan_state::broken;
        return false;
    }
    void write(std::string_view text) {
        std::string literal;
        json::write_string(literal, text);
        arguments_.append(literal, 1, literal.size() - 2);
    }

    // These return whether there is more to do.
    bool step(std::string_view text, const json& tools) {
        switch (where_) {
            case place::name: return read_name(text, name_, "<> \t\r\n", place::between);
            case place::between: return read_tag(text, tools);
            case place::key: return read_name(text, key_, "<>\r\n", place::value) && begin_value();
            default: return read_value(text);
        }
    }

    // stops: what ends a name; only '>' may.
    bool read_name(std::string_view text, std::string& name, std::string_view stops, place next) {
        const std::string_view rest = text.substr(at_, longest_name);
        const std::size_t end = rest.find_first_of(stops);
        if (end == rest.npos) return rest.size() == longest_name && fail();
        if (end == 0 || rest[end] != '>') return fail();
        name = rest.substr(0, end);
        at_ += end + 1;
        where_ = next;
        return true;
    }

    bool read_tag(std::string_view text, const json& tools) {
        at_ = std::min(text.find_first_not_of(" \t\r\n", at_), text.size());
        const std::string_view rest = text.substr(at_);
        const bool is_end = rest.starts_with(close);
        if (!is_end && !rest.starts_with(opens)) return !opens.starts_with(rest) && !close.starts_with(rest) && fail();
        if (!begun_) find_schemas(tools);
        begun_ = true;
        if (is_end) arguments_ += arguments_.empty() ? "{}" : "}";
        else at_ += opens.size();
        state_ = is_end ? scan_state::done : scan_state::inside;
        where_ = place::key;
        return true;
    }

    void find_schemas(const json& tools) {
        if (!tools.is_array()) return;
        for (const json& tool : tools.as_array()) {
            const json* function = tool.find("function");
            const json& described = function == nullptr ? tool : *function;
            const json* name = described.find("name");
            if (name == nullptr || !name->is_string() || name->as_string() != name_) continue;
            if (const json* parameters = described.find("parameters")) parameters_ = *parameters;
            return;
        }
    }
    [[nodiscard]] parameter_kinds kinds_of(std::string_view key) const {
        const json *properties = parameters_.find("properties"), *others = parameters_.find("additionalProperties");
        if (const json* schema = properties == nullptr ? nullptr : properties->find(key))
            return parameter_kinds(*schema, parameters_);
        return others != nullptr && others->is_object() ? parameter_kinds(*others, parameters_) : parameter_kinds();
    }

    bool begin_value() {
        kinds_ = kinds_of(key_);
        arguments_ += arguments_.empty() ? "{\"" : ", \"";
        write(key_);
        arguments_ += kinds_.only_text() ? "\": \"" : "\": ";
        searched_ = 0;
        return true;
    }

    bool read_value(std::string_view text) {
        if (searched_ == 0) {
            if (at_ == text.size()) return false;
            if (text[at_] == '\n') ++at_;
            searched_ = at_;
        }
        const std::size_t found = text.find(ends[0], searched_);
        std::size_t end = found;
        if (found == text.npos) {
            const std::string_view rest = text.substr(searched_);
            end = text.size() - std::max(partial_marker(rest, ends[0]), partial_marker(rest, ends[1]));
        } else if (end > at_ && text[end - 1] == '\n') {
            --end;
        }
        if (kinds_.only_text()) {
            write(utf8_.feed(text.substr(at_, end - at_)));
            at_ = end;
        }
        if (found == text.npos) {
            searched_ = end;
            return false;
        }
        if (kinds_.only_text()) {
            write(utf8_.flush());
            arguments_ += '"';
        } else {
            write_value(text.substr(at_, end - at_));
        }
        at_ = found + ends[0].size();
        where_ = place::between;
        return true;
    }

    void write_value(std::string_view text) {
        if (const auto literal = kinds_.literal(text)) {
            arguments_ += *literal;
        } else {
            arguments_ += '"';
            write(text);
            arguments_ += '"';
        }
    }

    scan_state state_ = scan_state::before;
    place where_ = place::name;
    bool begun_ = false;
    std::size_t at_ = 0, searched_ = 0;  // searched_: up to where the value's end was looked for; 0 before the value
    std::string name_, key_, arguments_;
    json parameters_;        // the schema of the function's
    parameter_kinds kinds_;  // what the value may be
    utf8_accumulator utf8_;
};

}  // namespace wafer::inline WAFER_ABI

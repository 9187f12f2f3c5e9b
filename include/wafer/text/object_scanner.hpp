// SPDX-License-Identifier: MIT
// L1 text: follows one JSON object while it is written, so far as to know its members and its end.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <wafer/core/config.hpp>
#include <wafer/core/json.hpp>
#include <wafer/text/json_check.hpp>

namespace wafer::inline WAFER_ABI {

/// How far an object was read; broken: it is none.
enum class scan_state : std::uint8_t { before, inside, done, broken };

/// Reads a growing text from an offset on. It checks brackets, strings and which characters may stand outside of them; what
/// it takes for an object still has to be parsed. @cost each character is read once.
class object_scanner {
public:
    /// A member of the object itself; offsets into the text, npos while unknown.
    struct member {
        std::string key;
        std::size_t key_end;                                             // behind its quote
        std::size_t begin = std::string::npos, end = std::string::npos;  // its value
    };

    /// The object begins at this offset, with its brace. Returns the offset.
    std::size_t start(std::size_t offset) noexcept { return begin_ = at_ = offset; }

    /// Goes on to the end of the text or of the object. The text is that of the last call, or longer.
    void run(std::string_view text) {
        while (at_ < text.size() && (state_ == scan_state::before || state_ == scan_state::inside)) step(text);
    }

    [[nodiscard]] scan_state state() const noexcept { return state_; }
    [[nodiscard]] std::size_t begin() const noexcept { return begin_; }
    /// The first character that was not read: after done, behind the object.
    [[nodiscard]] std::size_t at() const noexcept { return at_; }
    [[nodiscard]] const std::vector<member>& members() const noexcept { return members_; }

private:
    void step(std::string_view text) {
        const char c = text[at_];
        if (state_ == scan_state::before) {
            if (c != '{') return fail();
            state_ = scan_state::inside;
        }
        if (in_string_) {
            if (static_cast<unsigned char>(c) < 0x20) return fail();
            if (escaped_) escaped_ = false;
            else if (c == '\\') escaped_ = true;
            else if (c == '"') end_string(text);
        } else if (c == '"') {
            begin_value();
            in_string_ = true;
            string_ = at_;
        } else if (c == '{' || c == '[') {
            begin_value();
            if (open_.size() >= static_cast<std::size_t>(json::max_depth)) return fail();
            open_.push_back(c == '{' ? '}' : ']');
        } else if (c == '}' || c == ']') {
            if (open_.back() != c) return fail();
            open_.pop_back();
            if (open_.size() == 1) end_value(at_ + 1);
            if (open_.empty()) state_ = scan_state::done;
        } else if (c == ':' && open_.size() == 1) {
            in_key_ = false;
        } else if (c == ',' && open_.size() == 1) {
            in_key_ = true;
        } else if (!is_plain(c)) {
            return fail();
        }
        ++at_;
    }

    // What numbers, literals and the space between them are made of.
    static bool is_plain(char c) noexcept {
        return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == 'E' || c == '+' || c == '-' || c == '.' ||
               c == ',' || c == ':' || c == ' ' || c == '\t' || c == '\n' || c == '\r';
    }

    void begin_value() {
        if (open_.size() == 1 && !in_key_ && !members_.empty() && members_.back().begin == std::string::npos)
            members_.back().begin = at_;
    }
    void end_value(std::size_t end) {
        if (!members_.empty() && members_.back().begin != std::string::npos && members_.back().end == std::string::npos)
            members_.back().end = end;
    }
    void end_string(std::string_view text) {
        in_string_ = false;
        if (open_.size() != 1) return;
        if (!in_key_) return end_value(at_ + 1);
        const std::string_view literal = text.substr(string_, at_ + 1 - string_);
        if (!is_json(literal)) return fail();
        members_.push_back({json::parse(literal).as_string(), at_ + 1});
    }
    void fail() noexcept { state_ = scan_state::broken; }

    scan_state state_ = scan_state::before;
    std::size_t begin_ = 0, at_ = 0, string_ = 0;
    std::string open_;  // the brackets that have to close, innermost last
    bool in_string_ = false, escaped_ = false, in_key_ = true;
    std::vector<member> members_;
};

}  // namespace wafer::inline WAFER_ABI

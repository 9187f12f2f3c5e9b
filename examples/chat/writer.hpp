// SPDX-License-Identifier: MIT
// Writes an answer as it comes: thinking dimmed or hidden, white space around both parts left out.
#pragma once

#include <cstdio>
#include <ostream>
#include <string>
#include <string_view>

#include <wafer/llm.hpp>

#include "options.hpp"
#include "terminal.hpp"

namespace chat {

/// A piece as people read it: calls of tools, which nobody answers here, in brackets.
[[nodiscard]] inline std::string shown(const wafer::reply_piece& piece) {
    if (!piece.call) return piece.text;
    switch (piece.call->kind) {
        case wafer::reply_kind::call_begin: return "[calls " + piece.call->text + " with ";
        case wafer::reply_kind::call_arguments: return piece.call->text;
        case wafer::reply_kind::call_end: return "]\n";
        case wafer::reply_kind::call_invalid: return "[a call that cannot be read: " + piece.call->text + "]\n";
        default: return "";
    }
}

/// Writes to standard output, or to what stands for it.
class writer {
public:
    writer(std::ostream& out, style look, thinking how)
        : out_(out), look_(look), shows_thinking_(how == thinking::show) {}
    writer(const writer&) = delete;
    writer& operator=(const writer&) = delete;
    ~writer() { end(); }

    void write(const wafer::reply_piece& piece) {
        if (piece.thinking && !shows_thinking_) return wait();
        enter(piece.thinking ? part::thinking : part::answer);
        // White space is held back until text follows it: what ends a part is not written.
        gap_ += on_terminal_ ? printable(shown(piece)) : shown(piece);
        const auto first = at_start_ ? gap_.find_first_not_of(" \n") : 0;
        const auto last = gap_.find_last_not_of(" \n");
        if (last == gap_.npos || first == gap_.npos) return;
        out_ << std::string_view(gap_).substr(first, last + 1 - first) << std::flush;
        gap_.erase(0, last + 1);
        at_start_ = false;
    }

    /// Ends the last line.
    void end() { enter(part::none); }

private:
    enum class part { none, waiting, thinking, answer };

    void wait() {
        if (!look_.on()) return;
        enter(part::waiting);
    }
    void enter(part next) {
        if (next == now_) return;
        switch (now_) {
            case part::none: break;
            case part::waiting: out_ << look_.erase(); break;
            case part::thinking: out_ << look_.plain() << (look_.on() ? "\n" : "\n</think>\n"); break;
            case part::answer: out_ << '\n'; break;
        }
        if (next == part::waiting) out_ << look_.note("thinking ...");
        if (next == part::thinking) out_ << (look_.on() ? "" : "<think>\n") << look_.dim();
        out_ << std::flush;
        gap_.clear();
        at_start_ = true;
        now_ = next;
    }

    std::ostream& out_;
    style look_;
    bool shows_thinking_, on_terminal_ = is_terminal(stdout);
    part now_ = part::none;
    bool at_start_ = true;  // of the part: nothing was written yet
    std::string gap_;
};

}  // namespace chat

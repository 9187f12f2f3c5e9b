// SPDX-License-Identifier: MIT
// Everything that is about terminals: colours, what must not reach them, a line that tells progress. Knows no models. What
// differs by system (what is a terminal, Ctrl-C, the keyboard) is in console_posix.hpp and console_windows.hpp.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <string>
#include <string_view>
#include <utility>

#include <wafer/llm.hpp>

namespace chat {

/// What came from the keyboard.
enum class input {
    text,
    cut,        // a text of which the terminal has cut a part
    dropped,    // Ctrl-C took back what was typed
    interrupt,  // Ctrl-C
    end,        // Ctrl-D, or the end of a pipe
};

/// Thrown to leave what Ctrl-C ends: the program ends as an interrupted one.
struct interrupted {};

}  // namespace chat

#if defined(_WIN32)
#include "console_windows.hpp"
#else
#include "console_posix.hpp"
#endif

namespace chat {

/// Dims what is not the answer, on terminals whose user has not asked for NO_COLOR.
class style {
public:
    static style of_stdout() {
        const char* no_color = std::getenv("NO_COLOR");
        return style(takes_escapes(stdout) && (no_color == nullptr || *no_color == '\0'));
    }
    explicit style(bool on) : on_(on) {}

    [[nodiscard]] bool on() const { return on_; }
    [[nodiscard]] std::string_view dim() const { return on_ ? "\033[2m" : ""; }
    [[nodiscard]] std::string_view plain() const { return on_ ? "\033[0m" : ""; }
    /// Begins the current line anew; only where it is on.
    [[nodiscard]] std::string_view erase() const { return on_ ? "\r\033[K" : ""; }
    [[nodiscard]] std::string note(std::string_view text) const {
        return std::string(dim()) + std::string(text) + std::string(plain());
    }

private:
    bool on_;
};

/// The text without control characters, C1's too, but for line ends and tabs: a terminal would obey them.
[[nodiscard]] inline std::string printable(std::string_view text) {
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const auto c = static_cast<unsigned char>(text[i]);
        const bool c1 = c == 0xC2 && i + 1 < text.size() && static_cast<unsigned char>(text[i + 1]) < 0xA0;
        if (c1) ++i;
        if (c1 || c == 0x7F || (c < 0x20 && c != '\n' && c != '\t')) out += "\xEF\xBF\xBD";  // U+FFFD
        else out += text[i];
    }
    return out;
}

/// A line on stderr about what takes its time, until something else is told; nothing where stderr is no terminal.
class status_line {
public:
    status_line() = default;
    status_line(const status_line&) = delete;
    status_line& operator=(const status_line&) = delete;
    ~status_line() { wipe(); }

    void show(const std::string& text) {
        if (!visible_ || text == shown_) return;
        shown_ = text;
        // A line that is too long is cut by the terminal: wrapped it could not be wiped.
        std::cerr << "\r\033[?7l" << printable(text) << "\033[K\033[?7h" << std::flush;
    }
    void wipe() {
        if (shown_.empty()) return;
        shown_.clear();
        std::cerr << "\r\033[K" << std::flush;
    }

private:
    bool visible_ = takes_escapes(stderr);
    std::string shown_;
};

/// How far loading has come, where it takes longer than a moment.
class progress_bar {
public:
    progress_bar(status_line& line, std::string what) : line_(line), what_(std::move(what)) {}
    progress_bar(const progress_bar&) = delete;
    progress_bar& operator=(const progress_bar&) = delete;
    ~progress_bar() { line_.wipe(); }

    void show(wafer::bytes done, wafer::bytes total) {
        if (clock::now() - start_ < std::chrono::milliseconds(200)) return;
        const auto percent = total.count == 0 ? 100 : static_cast<std::size_t>(100 * (done / total));
        std::string bar(20, '.');
        bar.replace(0, percent / 5, percent / 5, '#');
        line_.show(what_ + " [" + bar + "] " + std::to_string(percent) + " % of " + human(total));
    }

private:
    using clock = std::chrono::steady_clock;
    status_line& line_;
    std::string what_;
    clock::time_point start_ = clock::now();
};

}  // namespace chat

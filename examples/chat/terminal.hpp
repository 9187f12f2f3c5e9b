// SPDX-License-Identifier: MIT
// Everything that is about terminals: colours, reading a line, a progress bar. Knows no models. What differs by system
// (Ctrl-C, what is a terminal) is in console_posix.hpp and console_windows.hpp.
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
enum class input { line, interrupt, end };
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

/// Reads a line, without its end.
[[nodiscard]] inline input read_line(std::string_view prompt, std::string& line) {
    std::cout << prompt << std::flush;
    return interrupts::read_line(line);
}

/// A bar on stderr for what takes longer than a moment; nothing where stderr is no terminal.
class progress_bar {
public:
    explicit progress_bar(std::string what) : what_(std::move(what)), visible_(takes_escapes(stderr)) {}
    progress_bar(const progress_bar&) = delete;
    progress_bar& operator=(const progress_bar&) = delete;
    ~progress_bar() {
        if (shown_ >= 0) std::cerr << "\r\033[K" << std::flush;
    }

    void show(wafer::bytes done, wafer::bytes total) {
        const int percent = total.count == 0 ? 100 : static_cast<int>(100 * (done / total));
        if (!visible_ || percent == shown_ || clock::now() - start_ < std::chrono::milliseconds(200)) return;
        shown_ = percent;
        std::string bar(20, '.');
        bar.replace(0, static_cast<std::size_t>(percent / 5), static_cast<std::size_t>(percent / 5), '#');
        std::cerr << "\r" << what_ << " [" << bar << "] " << percent << " % of " << human(total) << "\033[K"
                  << std::flush;
    }

private:
    using clock = std::chrono::steady_clock;
    std::string what_;
    bool visible_;
    int shown_ = -1;  // percent
    clock::time_point start_ = clock::now();
};

}  // namespace chat

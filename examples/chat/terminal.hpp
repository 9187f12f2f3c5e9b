// SPDX-License-Identifier: MIT
// Everything that is about terminals and signals: colours, Ctrl-C, reading a line, a progress bar. Knows no models.
#pragma once

#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <optional>
#include <signal.h>
#include <string>
#include <string_view>
#include <unistd.h>
#include <utility>

#include <wafer/llm.hpp>

namespace chat {

[[nodiscard]] inline bool is_terminal(std::FILE* file) {
    return ::isatty(::fileno(file)) == 1;
}

/// Dims what is not the answer, on terminals whose user has not asked for NO_COLOR.
class style {
public:
    static style of_stdout() {
        const char* no_color = std::getenv("NO_COLOR");
        return style(is_terminal(stdout) && (no_color == nullptr || *no_color == '\0'));
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

/// Ctrl-C, from construction on: it ends a wait for input, and the answer that is running.
class interrupts {
    struct answer {
        void* session;
        void (*stop)(void*) noexcept;
    };
    static inline volatile std::sig_atomic_t pending_ = 0;
    static inline std::atomic<const answer*> running_ = nullptr;
    static_assert(std::atomic<const answer*>::is_always_lock_free, "a signal handler may not lock");

public:
    interrupts() {
        struct sigaction action {};
        action.sa_handler = [](int) {
            pending_ = 1;
            if (const answer* running = running_.load()) running->stop(running->session);
        };
        ::sigaction(SIGINT, &action, nullptr); // without SA_RESTART: a read that waits returns
    }

    /// Whether one came since the last call.
    [[nodiscard]] static bool take() {
        const bool came = pending_ != 0;
        pending_ = 0;
        return came;
    }

    /// As long as it lives, Ctrl-C calls session.stop().
    template <class Session>
    class stopping {
    public:
        explicit stopping(Session& session)
            : answer_{&session, [](void* s) noexcept { static_cast<Session*>(s)->stop(); }} {
            running_ = &answer_;
        }
        stopping(const stopping&) = delete;
        stopping& operator=(const stopping&) = delete;
        ~stopping() { running_ = nullptr; }

    private:
        const answer answer_;
    };
};

/// A line from the user, without its end; nothing at the end of input or when Ctrl-C came.
[[nodiscard]] inline std::optional<std::string> read_line(std::string_view prompt) {
    std::cout << prompt << std::flush;
    std::string line;
    if (std::getline(std::cin, line)) return line;
    std::cin.clear();
    std::clearerr(stdin);
    return std::nullopt;
}

/// A bar on stderr for what takes longer than a moment; nothing where stderr is no terminal.
class progress_bar {
public:
    explicit progress_bar(std::string what) : what_(std::move(what)), visible_(is_terminal(stderr)) {}
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
    int shown_ = -1; // percent
    clock::time_point start_ = clock::now();
};

} // namespace chat

// SPDX-License-Identifier: MIT
// Everything that is about terminals and signals: colours, Ctrl-C, reading a line, a progress bar. Knows no models.
#pragma once

#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fcntl.h>
#include <iostream>
#include <poll.h>
#include <signal.h>
#include <string>
#include <string_view>
#include <system_error>
#include <unistd.h>
#include <utility>

#include <wafer/llm.hpp>

namespace chat {

[[nodiscard]] inline bool is_terminal(std::FILE* file) { return ::isatty(::fileno(file)) == 1; }

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
    static inline int pipe_[2] = {-1, -1};  // the handler writes, a wait for input also looks here: no Ctrl-C is lost
    static inline std::atomic<const answer*> running_ = nullptr;
    static_assert(std::atomic<const answer*>::is_always_lock_free, "a signal handler may not lock");

public:
    interrupts() {
        if (::pipe(pipe_) != 0) throw std::system_error(errno, std::generic_category(), "pipe");
        for (const int end : pipe_) ::fcntl(end, F_SETFL, O_NONBLOCK);
        struct sigaction action {};
        action.sa_flags = SA_RESTART;
        action.sa_handler = [](int) {
            const int before = errno;
            if (const answer* running = running_.load()) running->stop(running->session);
            static_cast<void>(!::write(pipe_[1], "", 1));
            errno = before;
        };
        ::sigaction(SIGINT, &action, nullptr);
    }

    /// Whether one came since the last call.
    [[nodiscard]] static bool take() {
        bool came = false;
        for (char mark; ::read(pipe_[0], &mark, 1) == 1;) came = true;
        return came;
    }
    /// Waits until there is something to read; false if Ctrl-C came.
    [[nodiscard]] static bool wait_for_input() {
        pollfd either[] = {{::fileno(stdin), POLLIN, 0}, {pipe_[0], POLLIN, 0}};
        while (::poll(either, 2, -1) < 0 && errno == EINTR) {
        }
        return !take();
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

enum class input { line, interrupt, end };

/// Reads a line, without its end.
[[nodiscard]] inline input read_line(std::string_view prompt, std::string& line) {
    std::cout << prompt << std::flush;
    if (!interrupts::wait_for_input()) return input::interrupt;
    return std::getline(std::cin, line) ? input::line : input::end;
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
    int shown_ = -1;  // percent
    clock::time_point start_ = clock::now();
};

}  // namespace chat

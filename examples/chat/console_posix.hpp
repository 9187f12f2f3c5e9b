// SPDX-License-Identifier: MIT
// What chat needs of a POSIX system: whether a file is a terminal, Ctrl-C, and what is typed. Another system is another file
// with these.
#pragma once

#include <atomic>
#include <cerrno>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <iostream>
#include <optional>
#include <poll.h>
#include <signal.h>
#include <string>
#include <string_view>
#include <sys/ioctl.h>
#include <system_error>
#include <termios.h>
#include <unistd.h>
#include <utility>

#include "line_editor.hpp"

namespace chat {

[[nodiscard]] inline bool is_terminal(std::FILE* file) { return ::isatty(::fileno(file)) == 1; }
/// Whether it understands colours and erasing.
[[nodiscard]] inline bool takes_escapes(std::FILE* file) {
    const char* kind = std::getenv("TERM");
    return is_terminal(file) && kind != nullptr && *kind != '\0' && std::strcmp(kind, "dumb") != 0;
}

/// Ctrl-C, from construction on: it ends a wait for input, and the answer that is running.
class interrupts {
    struct answer {
        void* session;
        void (*stop)(void*) noexcept;
    };
    static inline int pipe_[2] = {-1, -1};  // handlers write, a wait for input also looks here: no Ctrl-C is lost
    static inline std::atomic<const answer*> running_ = nullptr;
    static_assert(std::atomic<const answer*>::is_always_lock_free, "a signal handler may not lock");

    static void mark(char what) noexcept {
        const int before = errno;
        static_cast<void>(!::write(pipe_[1], &what, 1));
        errno = before;
    }

public:
    interrupts() {
        if (::pipe(pipe_) != 0) throw std::system_error(errno, std::generic_category(), "pipe");
        for (const int end : pipe_) ::fcntl(end, F_SETFL, O_NONBLOCK);
        struct sigaction action {};
        action.sa_flags = SA_RESTART;
        action.sa_handler = [](int) {
            if (const answer* running = running_.load()) running->stop(running->session);
            mark('c');
        };
        ::sigaction(SIGINT, &action, nullptr);
    }

    /// Whether one came since the last call.
    [[nodiscard]] static bool take() {
        bool came = false;
        for (char what; ::read(pipe_[0], &what, 1) == 1;) came = came || what == 'c';
        return came;
    }
    /// Waits until this can be read, or one came, or wake() was called.
    static void wait_for(int input) {
        pollfd either[] = {{input, POLLIN, 0}, {pipe_[0], POLLIN, 0}};
        while (::poll(either, 2, -1) < 0 && errno == EINTR) {
        }
    }
    /// Ends a wait. A signal handler may call it.
    static void wake() noexcept { mark('w'); }
    /// Ends the program as one that was interrupted: whoever started it can tell.
    static void leave() {
        ::signal(SIGINT, SIG_DFL);
        ::raise(SIGINT);
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

/// While it lives the terminal hands over every key as it is pressed, shows none of them, and marks what is pasted. What ends
/// or suspends the program undoes that before.
class key_mode {
    static inline int terminal_ = -1;
    static inline termios before_{};
    static inline volatile sig_atomic_t is_on_ = 0, was_away_ = 0;

    static void write(std::string_view text) { static_cast<void>(!::write(STDOUT_FILENO, text.data(), text.size())); }
    static void on_signal(int signal, void (*act)(int)) {
        struct sigaction action {};
        ::sigaction(signal, nullptr, &action);
        if (action.sa_handler == SIG_IGN) return;  // as nohup asks for
        action = {};
        action.sa_flags = SA_RESTART | SA_NODEFER;
        action.sa_handler = act;
        ::sigaction(signal, &action, nullptr);
    }
    static void give_way(int signal) {
        const int before = errno;
        off();
        ::signal(signal, SIG_DFL);
        ::raise(signal);
        on_signal(signal, give_way);  // it was suspended, and goes on
        on();
        interrupts::wake();
        errno = before;
    }

    static void on() {
        termios now{};
        if (::tcgetattr(terminal_, &now) != 0) return;
        if ((now.c_lflag & ICANON) != 0) before_ = now;  // what another program left, after it had the terminal
        is_on_ = 1;
        now.c_lflag &= ~static_cast<tcflag_t>(ICANON | ECHO | IEXTEN);
        now.c_lflag |= NOFLSH;  // what was typed before Ctrl-C is still read
        now.c_cc[VMIN] = 1;
        now.c_cc[VTIME] = 0;
        ::tcsetattr(terminal_, TCSANOW, &now);
        write("\033[?2004h");
    }
    static void off() {
        if (is_on_ == 0) return;
        is_on_ = 0;
        write("\033[?2004l");
        ::tcsetattr(terminal_, TCSANOW, &before_);
    }

public:
    explicit key_mode(int terminal) {
        terminal_ = terminal;
        ::tcgetattr(terminal, &before_);
        for (const int end : {SIGTERM, SIGHUP, SIGQUIT, SIGABRT, SIGTSTP}) on_signal(end, give_way);
        on_signal(SIGCONT, [](int) {
            const int before = errno;
            was_away_ = 1;
            on();
            interrupts::wake();
            errno = before;
        });
        on_signal(SIGWINCH, [](int) { interrupts::wake(); });
        on();
    }
    key_mode(const key_mode&) = delete;
    key_mode& operator=(const key_mode&) = delete;
    ~key_mode() {
        off();
        for (const int end : {SIGTERM, SIGHUP, SIGQUIT, SIGABRT, SIGTSTP, SIGCONT, SIGWINCH}) on_signal(end, SIG_DFL);
    }

    /// Whether the program was suspended since the last call, and others wrote to the screen.
    [[nodiscard]] static bool was_away() {
        const bool was = was_away_ != 0;
        was_away_ = 0;
        return was;
    }
};

/// What is typed, or comes down a pipe. Nothing else may read standard input.
class keyboard {
public:
    keyboard() : input_(::fileno(stdin)) {
        // A terminal drops what was typed when Ctrl-C comes, be it just before it is read: a read must not wait then. It is
        // opened once more for that, since other programs share the first.
        if (const char* name = ::ttyname(input_))
            if (const int own = ::open(name, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC); own >= 0) input_ = own;
        if (is_terminal(stdin) && takes_escapes(stdout)) keys_.emplace(input_);
    }

    /// Reads what is typed up to Enter, of one line or several.
    [[nodiscard]] input read(std::string_view prompt, std::string& text) {
        return keys_ ? edit(prompt, text) : read_line(prompt, text);
    }
    /// Whether a paste is told from what is typed.
    [[nodiscard]] bool knows_pastes() const { return keys_.has_value(); }
    /// Forgets what was typed ahead.
    void drop_input() {
        read_more();
        typed_.clear();
    }

private:
    [[nodiscard]] input edit(std::string_view prompt, std::string& text) {
        const auto show = [](std::string_view bytes) { std::cout << bytes << std::flush; };
        const auto leave = [&](std::string_view mark, input how) {
            show(editor_.finish(screen()) + std::string(mark) + '\n');
            return how;
        };
        editor_.begin(prompt);
        for (;;) {
            std::size_t used = 0;
            auto now = line_editor::state::typing;
            while (now == line_editor::state::typing && used < typed_.size()) now = editor_.press(typed_[used++]);
            typed_.erase(0, used);
            if (now == line_editor::state::typing && interrupts::take()) now = editor_.press('\x03');
            switch (now) {
                case line_editor::state::typing: break;
                case line_editor::state::entered: text = editor_.text(); return leave("", input::text);
                case line_editor::state::dropped: return leave("^C", input::dropped);
                case line_editor::state::interrupt: return leave("^C", input::interrupt);
                case line_editor::state::end: return leave("", input::end);
            }
            if (ended_) return leave("", input::end);
            if (key_mode::was_away()) editor_.forget_screen();
            show(editor_.draw(screen()));
            interrupts::wait_for(input_);
            read_more();
        }
    }

    /// Without an editor of ours: the terminal's own.
    [[nodiscard]] input read_line(std::string_view prompt, std::string& text) {
        constexpr std::size_t longest_line = 4095;  // as long as this a line was cut, by a terminal that edits lines
        text.clear();
        std::cout << prompt << std::flush;
        for (;;) {
            if (interrupts::take()) {
                typed_.clear();
                std::cout << '\n';
                return input::interrupt;
            }
            if (const auto end = typed_.find('\n'); end != typed_.npos) {
                if (end >= longest_line) too_long_ = true;
                text += std::string_view(typed_).substr(0, end);
                typed_.erase(0, end + 1);
                if (!text.ends_with('\\')) return std::exchange(too_long_, false) ? input::cut : input::text;
                text.back() = '\n';
                std::cout << ". " << std::flush;
            } else if (ended_) {
                text += std::exchange(typed_, {});
                std::cout << '\n';
                return text.empty() ? input::end : input::text;
            } else {
                interrupts::wait_for(input_);
                read_more();
            }
        }
    }

    /// Takes what is there, without waiting.
    void read_more() {
        pollfd ready{input_, POLLIN, 0};
        while (!ended_ && ::poll(&ready, 1, 0) > 0) {
            char part[4096];
            const auto n = ::read(input_, part, sizeof part);
            if (n > 0) typed_.append(part, static_cast<std::size_t>(n));
            else if (n == 0 || (errno != EINTR && errno != EAGAIN)) ended_ = true;
        }
    }
    [[nodiscard]] static screen_size screen() {
        winsize size{};
        if (::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_row == 0 || size.ws_col == 0) return {};
        return {size.ws_row, size.ws_col};
    }

    int input_;
    std::optional<key_mode> keys_;
    bool ended_ = false, too_long_ = false;
    std::string typed_;  // and not used yet
    line_editor editor_;
};

}  // namespace chat

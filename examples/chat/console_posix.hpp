// SPDX-License-Identifier: MIT
// What chat needs of a POSIX system: whether a file is a terminal, and Ctrl-C. Another system is another file with these.
#pragma once

#include <atomic>
#include <cerrno>
#include <cstdio>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <system_error>
#include <unistd.h>

namespace chat {

[[nodiscard]] inline bool is_terminal(std::FILE* file) { return ::isatty(::fileno(file)) == 1; }
/// Whether it understands colours and erasing.
[[nodiscard]] inline bool takes_escapes(std::FILE* file) { return is_terminal(file); }

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

    /// Whether it was Ctrl-C that ended the input: it does not do that here.
    [[nodiscard]] static bool ended_input() { return false; }

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

}  // namespace chat

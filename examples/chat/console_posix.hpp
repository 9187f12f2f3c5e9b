// SPDX-License-Identifier: MIT
// What chat needs of a POSIX system: whether a file is a terminal, lines from it, and Ctrl-C. Another system is another file with these.
#pragma once

#include <atomic>
#include <cerrno>
#include <cstddef>
#include <cstdio>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string>
#include <system_error>
#include <unistd.h>
#include <utility>

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
    static inline int typing_ = 0;          // where lines come from
    static inline std::atomic<const answer*> running_ = nullptr;
    static inline std::string typed_;
    static inline bool ended_ = false;
    static_assert(std::atomic<const answer*>::is_always_lock_free, "a signal handler may not lock");

public:
    interrupts() {
        if (::pipe(pipe_) != 0) throw std::system_error(errno, std::generic_category(), "pipe");
        for (const int end : pipe_) ::fcntl(end, F_SETFL, O_NONBLOCK);
        // A terminal drops what was typed when Ctrl-C comes, be it just before it is read: a read must not wait then. It is
        // opened once more for that, since other programs share the first.
        typing_ = ::fileno(stdin);
        if (const char* name = ::ttyname(typing_))
            if (const int own = ::open(name, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC); own >= 0) typing_ = own;
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
    /// The next line, without its end. What came with it waits for the next call: nothing else may read standard input.
    [[nodiscard]] static input read_line(std::string& line) {
        for (;;) {
            if (const auto end = typed_.find('\n'); end != typed_.npos) {
                line = typed_.substr(0, end);
                typed_.erase(0, end + 1);
                return input::line;
            }
            if (ended_) {
                line = std::exchange(typed_, {});
                return line.empty() ? input::end : input::line;
            }
            pollfd either[] = {{typing_, POLLIN, 0}, {pipe_[0], POLLIN, 0}};
            while (::poll(either, 2, -1) < 0 && errno == EINTR) {
            }
            if (take()) {
                drop_input();
                return input::interrupt;
            }
            char part[4096];
            const auto n = ::read(typing_, part, sizeof part);
            if (n > 0) typed_.append(part, static_cast<std::size_t>(n));
            else if (n == 0 || (errno != EINTR && errno != EAGAIN)) ended_ = true;
        }
    }
    /// Forgets lines that were typed ahead.
    static void drop_input() { typed_.clear(); }
    /// As long as this a line was cut, by a terminal that edits lines.
    static constexpr std::size_t longest_line = 4095;

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

// SPDX-License-Identifier: MIT
// What chat needs of Windows: whether a file is a console, Ctrl-C, and what is typed: the console edits lines by itself.
#pragma once

#ifndef NOMINMAX
#define NOMINMAX
#endif
#ifndef WIN32_LEAN_AND_MEAN
#define WIN32_LEAN_AND_MEAN
#endif

#include <atomic>
#include <cstddef>
#include <cstdio>
#include <io.h>
#include <iostream>
#include <string>
#include <string_view>
#include <system_error>
#include <windows.h>

namespace chat {

[[nodiscard]] inline bool is_terminal(std::FILE* file) { return ::_isatty(::_fileno(file)) != 0; }
/// Whether it understands colours and erasing: since Windows 10, when asked to.
[[nodiscard]] inline bool takes_escapes(std::FILE* file) {
    const auto console = reinterpret_cast<HANDLE>(::_get_osfhandle(::_fileno(file)));
    DWORD mode = 0;
    return is_terminal(file) && ::GetConsoleMode(console, &mode) != 0 &&
           ::SetConsoleMode(console, mode | ENABLE_VIRTUAL_TERMINAL_PROCESSING) != 0;
}

/// Ctrl-C, from construction on: it ends a wait for input, and the answer that is running.
class interrupts {
    struct answer {
        void* session;
        void (*stop)(void*) noexcept;
    };
    static inline HANDLE came_ = nullptr;  // an event: set by the handler, reset by whoever waited for it
    static inline std::atomic<const answer*> running_ = nullptr;

    static BOOL WINAPI handle(DWORD kind) {
        if (kind != CTRL_C_EVENT) return FALSE;
        if (const answer* running = running_.load()) running->stop(running->session);
        ::SetEvent(came_);
        return TRUE;
    }

public:
    interrupts() {
        came_ = ::CreateEventW(nullptr, FALSE, FALSE, nullptr);
        if (came_ == nullptr || ::SetConsoleCtrlHandler(handle, TRUE) == 0)
            throw std::system_error(static_cast<int>(::GetLastError()), std::system_category(), "Ctrl-C");
        ::SetConsoleCP(CP_UTF8);
        ::SetConsoleOutputCP(CP_UTF8);
    }

    /// Whether one came since the last call.
    [[nodiscard]] static bool take() { return came_within(0); }
    /// The same, waiting for one.
    [[nodiscard]] static bool came_within(DWORD milliseconds) {
        return ::WaitForSingleObject(came_, milliseconds) == WAIT_OBJECT_0;
    }
    /// Ends the program as one that was interrupted: whoever started it can tell.
    static void leave() { ::ExitProcess(static_cast<UINT>(STATUS_CONTROL_C_EXIT)); }

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

/// What is typed. Nothing else may read standard input.
class keyboard {
public:
    /// Reads what is typed up to Enter; a line that ends in a backslash goes on in the next.
    [[nodiscard]] input read(std::string_view prompt, std::string& text) {
        text.clear();
        for (std::string line;;) {
            std::cout << prompt << std::flush;
            const bool came = interrupts::take();
            if (came || !std::getline(std::cin, line)) {
                // The system ends a read at Ctrl-C, and calls the handler about then.
                const auto how = came || interrupts::came_within(100) ? input::interrupt : input::end;
                std::cin.clear();
                std::cout << '\n';
                return how;
            }
            text += line;
            if (!text.ends_with('\\')) return input::text;
            text.back() = '\n';
            prompt = ". ";
        }
    }
    /// Whether a paste is told from what is typed.
    [[nodiscard]] static bool knows_pastes() { return false; }
    /// Forgets what was typed ahead: the system keeps it.
    void drop_input() {}
};

}  // namespace chat

// SPDX-License-Identifier: MIT
// Runs a program and keeps what it printed: once to its end, or as if a user sat before it.
#pragma once

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdexcept>
#include <string>
#include <string_view>
#include <support/temporary.hpp>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <thread>
#include <unistd.h>
#include <vector>

namespace wafer_test {

inline const std::string default_model = WAFER_EXAMPLES "/tiny_reasoner/tiny_reasoner.gguf";
/// It answers 42.
inline const std::string question = "What is 17 + 25?";
/// chat's options for which every token is as likely as any other: an answer that goes on and on.
inline const std::vector<std::string> babbling{"--temp", "1e9",     "--top-k", "0",       "--top-p",
                                               "1",      "--min-p", "0",       "--think", "off"};

struct outcome {
    int status = -1;  // what it exited with
    std::string out, err;
};

[[nodiscard]] inline std::string shell_word(std::string_view word) {
    std::string text = "'";
    for (const char c : word) text += c == '\'' ? std::string("'\\''") : std::string(1, c);
    return text + "'";
}

/// Runs a program with these arguments and this standard input.
[[nodiscard]] inline outcome run(const std::string& program, const std::vector<std::string>& arguments,
                                 std::string_view input = {}) {
    const temporary_directory folder;
    std::string command = shell_word(program);
    for (const auto& a : arguments) command += " " + shell_word(a);
    command += " < " + shell_word(folder.file("in", input).string());
    command +=
        " > " + shell_word((folder.path() / "out").string()) + " 2> " + shell_word((folder.path() / "err").string());
    outcome result;
    const int raw = std::system(command.c_str());
    if (WIFEXITED(raw)) result.status = WEXITSTATUS(raw);
    const auto read = [&](const char* name) {
        std::ifstream file(folder.path() / name, std::ios::binary);
        return std::string(std::istreambuf_iterator<char>(file), {});
    };
    result.out = read("out");
    result.err = read("err");
    return result;
}

/// A program in a terminal of its own.
class terminal_user {
public:
    terminal_user(const std::string& program, const std::vector<std::string>& arguments,
                  const char* terminal = "xterm") {
        const winsize size{24, 80, 0, 0};
        child_ = ::forkpty(&terminal_, nullptr, nullptr, &size);
        if (child_ < 0) throw std::runtime_error("no terminal could be had");
        if (child_ > 0) return;
        ::setenv("TERM", terminal, 1);
        ::unsetenv("NO_COLOR");
        std::vector<char*> words{const_cast<char*>(program.c_str())};
        for (const auto& a : arguments) words.push_back(const_cast<char*>(a.c_str()));
        words.push_back(nullptr);
        ::execv(program.c_str(), words.data());
        ::_exit(127);
    }
    terminal_user(const terminal_user&) = delete;
    terminal_user& operator=(const terminal_user&) = delete;
    ~terminal_user() {
        if (child_ > 0) {
            ::kill(child_, SIGKILL);
            ::waitpid(child_, nullptr, 0);
        }
        ::close(terminal_);
    }

    void type(std::string_view keys) {
        if (::write(terminal_, keys.data(), keys.size()) != static_cast<ssize_t>(keys.size()))
            throw std::runtime_error("typing failed");
    }
    /// Waits until this text appears behind what was awaited before. False if it does not within half a minute.
    [[nodiscard]] bool sees(std::string_view text) {
        const auto give_up = std::chrono::steady_clock::now() + std::chrono::seconds(30);
        while (std::chrono::steady_clock::now() < give_up) {
            if (const auto at = screen_.find(text, seen_); at != screen_.npos) {
                seen_ = at + text.size();
                return true;
            }
            if (!read_more()) return false;
        }
        return false;
    }
    /// The same, while the program gets next to no time to run: what it does in a moment takes seconds then.
    [[nodiscard]] bool sees_in_slow_motion(std::string_view text) {
        const auto give_up = std::chrono::steady_clock::now() + std::chrono::seconds(30);
        bool seen = false;
        while (!seen && std::chrono::steady_clock::now() < give_up) {
            ::kill(child_, SIGSTOP);
            std::this_thread::sleep_for(std::chrono::milliseconds(60));
            ::kill(child_, SIGCONT);
            std::this_thread::sleep_for(std::chrono::milliseconds(3));
            for (pollfd ready{terminal_, POLLIN, 0}; ::poll(&ready, 1, 0) > 0;)
                if (!read_more()) return false;
            seen = screen_.find(text, seen_) != screen_.npos;
        }
        return seen && sees(text);
    }
    /// What it exits with; -1 if it does not by itself.
    [[nodiscard]] int leaves() {
        const int raw = end();
        return WIFEXITED(raw) ? WEXITSTATUS(raw) : -1;
    }
    /// The signal that ends it; -1 if none does.
    [[nodiscard]] int is_ended_by() {
        const int raw = end();
        return WIFSIGNALED(raw) ? WTERMSIG(raw) : -1;
    }
    /// Sends it a signal.
    void send(int signal) const { ::kill(child_, signal); }
    /// Whether the terminal is as it was in the beginning: it edits lines, shows what is typed, marks no paste.
    [[nodiscard]] bool has_terminal_back() const {
        termios modes{};
        const auto on = screen_.rfind("\033[?2004h"), off = screen_.rfind("\033[?2004l");
        return ::tcgetattr(terminal_, &modes) == 0 && (modes.c_lflag & (ICANON | ECHO)) == (ICANON | ECHO) &&
               (on == screen_.npos || (off != screen_.npos && off > on));
    }
    [[nodiscard]] const std::string& screen() const { return screen_; }

private:
    int end() {
        while (read_more()) {
        }
        int raw = 0;
        ::waitpid(child_, &raw, 0);
        child_ = -1;
        return raw;
    }
    bool read_more() {
        pollfd ready{terminal_, POLLIN, 0};
        if (::poll(&ready, 1, 30'000) <= 0) return false;
        char buffer[4096];
        const auto n = ::read(terminal_, buffer, sizeof buffer);
        if (n <= 0) return false;
        screen_.append(buffer, static_cast<std::size_t>(n));
        return true;
    }

    pid_t child_ = -1;
    int terminal_ = -1;
    std::string screen_;
    std::size_t seen_ = 0;
};

/// Exactly one line, with its end.
[[nodiscard]] inline bool is_one_line(std::string_view text) {
    return text.size() > 1 && text.find('\n') == text.size() - 1;
}

}  // namespace wafer_test

// SPDX-License-Identifier: MIT
// Test support: work in a forked child, which must come to an end. POSIX only.
#pragma once

#if !defined(_WIN32)

#include <cstdio>
#include <iostream>
#include <support/sanitized.hpp>
#include <sys/wait.h>
#include <unistd.h>

namespace wafer_test {

/// fork(), of which the child lives no longer than 20 seconds: what takes so long will never end.
inline pid_t fork_mortal() {
    const pid_t child = ::fork();
    if (child == 0) ::alarm(20);
    return child;
}

/// What it exited with; minus the number of the signal that ended it, which is SIGALRM for one that hung.
[[nodiscard]] inline int status_of(pid_t child) {
    int status = 0;
    if (::waitpid(child, &status, 0) != child) return -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

/// The same of a child that does this work: the status is what that returns, unless it ends the child itself.
template <class Work>
[[nodiscard]] int status_of_child(const Work& work) {
    std::cout.flush();  // or the child writes it once more
    std::fflush(nullptr);
    const pid_t child = fork_mortal();
    if (child == 0) ::_exit(work());
    return status_of(child);
}

}  // namespace wafer_test

#endif

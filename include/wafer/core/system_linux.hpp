// SPDX-License-Identifier: MIT
// L0 core: CPUs and memory on Linux, for core/system.hpp.
#pragma once

#if defined(__linux__)

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <fstream>
#include <limits>
#include <sched.h>
#include <string>
#include <thread>

#include <wafer/core/cgroup.hpp>
#include <wafer/core/config.hpp>
#include <wafer/core/system_posix.hpp>

namespace wafer::inline WAFER_ABI::system {

[[nodiscard]] inline std::size_t usable_cpus() {
    cpu_set_t set;
    CPU_ZERO(&set);
    if (::sched_getaffinity(0, sizeof set, &set) == 0 && CPU_COUNT(&set) > 0)
        return std::min(static_cast<std::size_t>(CPU_COUNT(&set)), cgroup_cpus());
    const unsigned n = std::thread::hardware_concurrency();  // more CPUs than the set can hold
    return std::min<std::size_t>(n == 0 ? 1 : n, cgroup_cpus());
}

inline void pin_this_thread(std::size_t index) noexcept {
    cpu_set_t usable;
    CPU_ZERO(&usable);
    if (::sched_getaffinity(0, sizeof usable, &usable) != 0) return;
    std::size_t left = index % static_cast<std::size_t>(CPU_COUNT(&usable));
    for (std::size_t cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
        if (!CPU_ISSET(cpu, &usable) || left-- != 0) continue;
        cpu_set_t one;
        CPU_ZERO(&one);
        CPU_SET(cpu, &one);
        ::sched_setaffinity(0, sizeof one, &one);  // 0: this thread
        return;
    }
}

[[nodiscard]] inline std::uint64_t available_memory() {
    const std::uint64_t container = cgroup_available_memory();
    std::ifstream info("/proc/meminfo");
    for (std::string key; info >> key;) {
        if (key == "MemAvailable:") {
            std::uint64_t kib = 0;
            if (info >> kib) return std::min(container, kib * 1024);
        }
        info.ignore(std::numeric_limits<std::streamsize>::max(), '\n');
    }
    return container;
}

}  // namespace wafer::inline WAFER_ABI::system

#endif

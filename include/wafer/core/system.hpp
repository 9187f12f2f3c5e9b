// SPDX-License-Identifier: MIT
// L0 core: what differs between operating systems: pages, memory, threads on CPUs. (Mapping files: io/map_posix.hpp.)
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <fstream>
#include <limits>
#include <new>
#include <string>
#include <thread>

#include <wafer/core/config.hpp>

#if defined(__unix__) || defined(__APPLE__)
#include <sys/mman.h>
#include <unistd.h>
#endif
#if defined(__linux__)
#include <pthread.h>
#include <sched.h>
#endif
#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace wafer::inline WAFER_ABI::system {

/// Tells the CPU that this is a waiting loop.
inline void pause() noexcept {
#if defined(__x86_64__)
    _mm_pause();
#elif defined(__aarch64__)
    __asm__ __volatile__("yield");
#endif
}

/// CPUs this process may run on; at least 1.
[[nodiscard]] inline std::size_t usable_cpus() noexcept {
#if defined(__linux__)
    cpu_set_t set;
    CPU_ZERO(&set);
    if (sched_getaffinity(0, sizeof set, &set) == 0 && CPU_COUNT(&set) > 0)
        return static_cast<std::size_t>(CPU_COUNT(&set));
#endif
    const unsigned n = std::thread::hardware_concurrency();
    return n == 0 ? 1 : n;
}

/// Keeps a thread on the index-th CPU that this process may use, where the system allows it; otherwise does nothing.
inline void pin_thread([[maybe_unused]] std::thread& thread, [[maybe_unused]] std::size_t index) noexcept {
#if defined(__linux__)
    cpu_set_t usable;
    CPU_ZERO(&usable);
    if (sched_getaffinity(0, sizeof usable, &usable) != 0) return;
    std::size_t left = index % static_cast<std::size_t>(CPU_COUNT(&usable));
    for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
        if (!CPU_ISSET(cpu, &usable) || left-- != 0) continue;
        cpu_set_t one;
        CPU_ZERO(&one);
        CPU_SET(cpu, &one);
        pthread_setaffinity_np(thread.native_handle(), sizeof one, &one);
        return;
    }
#endif
}

/// Memory that could be had now without pushing others out, in bytes; the largest number where the system does not tell.
[[nodiscard]] inline std::uint64_t available_memory() {
#if defined(__linux__)
    std::ifstream info("/proc/meminfo");
    for (std::string key; info >> key;) {
        if (key == "MemAvailable:") {
            std::uint64_t kib = 0;
            if (info >> kib) return kib * 1024;
        }
        info.ignore(std::numeric_limits<std::streamsize>::max(), '\n');
    }
#endif
    return std::numeric_limits<std::uint64_t>::max();
}

inline constexpr std::size_t huge_page = std::size_t{2} << 20;
inline constexpr std::align_val_t page_alignment{64};  // where pages are plain memory: what panels need

/// Zeroed pages, huge ones where granted, given memory by the system on first touch. Null where there are none left.
[[nodiscard]] inline std::byte* reserve_pages(std::size_t n) noexcept {
#if defined(__unix__) || defined(__APPLE__)
    void* p = ::mmap(nullptr, n, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (p == MAP_FAILED) return nullptr;
#if defined(MADV_HUGEPAGE)
    if (n >= huge_page) ::madvise(p, n, MADV_HUGEPAGE);
#endif
    return static_cast<std::byte*>(p);
#else
    void* p = ::operator new(n, page_alignment, std::nothrow);
    if (p != nullptr) std::memset(p, 0, n);
    return static_cast<std::byte*>(p);
#endif
}

inline void release_pages(std::byte* p, [[maybe_unused]] std::size_t n) noexcept {
#if defined(__unix__) || defined(__APPLE__)
    if (p != nullptr) ::munmap(p, n);
#else
    ::operator delete(p, page_alignment);
#endif
}

/// Makes pages from reserve_pages read-only, or writable again. Without page protection this does nothing.
inline void protect_pages([[maybe_unused]] std::byte* p, [[maybe_unused]] std::size_t n,
                          [[maybe_unused]] bool writable) noexcept {
#if defined(__unix__) || defined(__APPLE__)
    if (p != nullptr) ::mprotect(p, n, writable ? PROT_READ | PROT_WRITE : PROT_READ);
#endif
}

}  // namespace wafer::inline WAFER_ABI::system

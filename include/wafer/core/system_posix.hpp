// SPDX-License-Identifier: MIT
// L0 core: pages and forks on POSIX systems, for core/system.hpp.
#pragma once

#if defined(__unix__) || defined(__APPLE__)

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <pthread.h>
#include <sys/mman.h>

#include <wafer/core/config.hpp>
#include <wafer/core/error.hpp>

namespace wafer::inline WAFER_ABI::system {

[[nodiscard]] inline std::byte* reserve_pages(std::size_t n) noexcept {
    void* const p = ::mmap(nullptr, n, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (p == MAP_FAILED) return nullptr;
#if defined(MADV_HUGEPAGE)
    constexpr std::size_t huge_page = std::size_t{2} << 20;
    if (n >= huge_page) ::madvise(p, n, MADV_HUGEPAGE);
#endif
    return static_cast<std::byte*>(p);
}

inline void release_pages(std::byte* p, std::size_t n) noexcept {
    if (p != nullptr) ::munmap(p, n);
}

inline void protect_pages(std::byte* p, std::size_t n, bool writable) noexcept {
    if (p != nullptr) ::mprotect(p, n, writable ? PROT_READ | PROT_WRITE : PROT_READ);
}

// (getpid() is a system call, and in a PID namespace of its own a child may have its parent's number.)
namespace detail {
inline std::atomic<std::uint32_t> forks{0};
inline std::atomic<bool> forks_are_watched{false};
}  // namespace detail

inline void watch_forks() {
    // Two threads that come first count each fork twice, which is as good. A lock would be one that a fork may find held.
    if (detail::forks_are_watched.load(std::memory_order_acquire)) return;
    const auto count = [] { detail::forks.fetch_add(1, std::memory_order_relaxed); };
    if (::pthread_atfork(nullptr, nullptr, count) != 0) raise(errc::out_of_memory, "no memory to watch for forks");
    detail::forks_are_watched.store(true, std::memory_order_release);
}

[[nodiscard]] inline std::uint32_t forks() noexcept { return detail::forks.load(std::memory_order_relaxed); }

}  // namespace wafer::inline WAFER_ABI::system

#endif

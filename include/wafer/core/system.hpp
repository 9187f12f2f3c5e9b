// SPDX-License-Identifier: MIT
// L0 core: what differs between operating systems: pages, memory, threads on CPUs. This file says what a system must give;
// one small file for each system gives it. (Mapping files: io/mapped_file.hpp, likewise.)
#pragma once

#include <cstddef>
#include <cstdint>

#include <wafer/core/config.hpp>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace wafer::inline WAFER_ABI::system {

/// CPUs this process may run on, no more than its container has time of; at least 1.
[[nodiscard]] inline std::size_t usable_cpus();
/// Keeps the calling thread on the index-th CPU that this process may use (counted round and round), where the system
/// allows it; otherwise does nothing.
inline void pin_this_thread(std::size_t index) noexcept;

/// Memory that this process (its container, too) could have now without pushing others out, in bytes; the largest number
/// where the system does not tell.
[[nodiscard]] inline std::uint64_t available_memory();

/// Zeroed pages, huge ones where granted, given memory by the system on first touch. Null where there are none left.
[[nodiscard]] inline std::byte* reserve_pages(std::size_t n) noexcept;
/// Gives them back; null is fine. @pre p and n are those of one reserve_pages
inline void release_pages(std::byte* p, std::size_t n) noexcept;
/// Makes pages from reserve_pages read-only, or writable again: all n bytes from p on. Null is fine. Without page
/// protection, and where the system refuses, this does nothing.
inline void protect_pages(std::byte* p, std::size_t n, bool writable) noexcept;

/// Has forks counted from here on, where there is fork(). Any thread. @throws error{errc::out_of_memory}
inline void watch_forks();
/// Another number in a child that fork() made than in its parent, since watch_forks(). Costs one read of memory.
[[nodiscard]] inline std::uint32_t forks() noexcept;

/// Tells the CPU that this is a waiting loop.
inline void pause() noexcept {
#if defined(__x86_64__)
    _mm_pause();
#elif defined(__aarch64__)
    __asm__ __volatile__("yield");
#endif
}

}  // namespace wafer::inline WAFER_ABI::system

#if defined(__linux__)
#include <wafer/core/system_linux.hpp>
#elif defined(__APPLE__)
#include <wafer/core/system_darwin.hpp>
#elif defined(_WIN32)
#include <wafer/core/system_windows.hpp>
#else
#include <wafer/core/system_portable.hpp>
#endif

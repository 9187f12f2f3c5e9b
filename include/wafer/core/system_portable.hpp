// SPDX-License-Identifier: MIT
// L0 core: what the standard library knows of CPUs and memory, for core/system.hpp on systems without a file of their own.
#pragma once

#if !defined(__linux__) && !defined(__APPLE__) && !defined(_WIN32)

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <new>
#include <thread>

#include <wafer/core/config.hpp>
#include <wafer/core/system_posix.hpp>

namespace wafer::inline WAFER_ABI::system {

[[nodiscard]] inline std::size_t usable_cpus() {
    const unsigned n = std::thread::hardware_concurrency();
    return n == 0 ? 1 : n;
}

inline void pin_this_thread(std::size_t) noexcept {}

[[nodiscard]] inline std::uint64_t available_memory() { return std::numeric_limits<std::uint64_t>::max(); }

#if !defined(__unix__)
inline constexpr std::align_val_t page_alignment{64};  // what panels need

[[nodiscard]] inline std::byte* reserve_pages(std::size_t n) noexcept {
    void* const p = ::operator new(n, page_alignment, std::nothrow);
    if (p != nullptr) std::memset(p, 0, n);
    return static_cast<std::byte*>(p);
}

inline void release_pages(std::byte* p, std::size_t) noexcept { ::operator delete(p, page_alignment); }

inline void protect_pages(std::byte*, std::size_t, bool) noexcept {}

inline void watch_forks() {}
[[nodiscard]] inline std::uint32_t forks() noexcept { return 0; }
#endif

}  // namespace wafer::inline WAFER_ABI::system

#endif

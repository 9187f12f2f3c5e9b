// SPDX-License-Identifier: MIT
// L0 core: pages on POSIX systems, for core/system.hpp.
#pragma once

#if defined(__unix__) || defined(__APPLE__)

#include <cstddef>
#include <sys/mman.h>

#include <wafer/core/config.hpp>

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

}  // namespace wafer::inline WAFER_ABI::system

#endif

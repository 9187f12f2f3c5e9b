// SPDX-License-Identifier: MIT
// L0 core: pages, CPUs and memory on Windows, for core/system.hpp.
// <windows.h> is not included: it would leave thousands of macros (ERROR, near, GetMessage ...) in the user's file. The few
// functions are declared here exactly as it declares them: the ABI is fixed for good, whoever includes it as well, in
// either order, gets the same functions, and the compiler refuses a declaration that differs.
#pragma once

#if defined(_WIN32)

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <thread>

#include <wafer/core/config.hpp>

struct _MEMORYSTATUSEX;  // the system's own name

namespace wafer::inline WAFER_ABI::system {

namespace windows {

using word = unsigned long long;  // SIZE_T, DWORD_PTR

extern "C" {
__declspec(dllimport) void* __stdcall VirtualAlloc(void*, word, unsigned long, unsigned long);
__declspec(dllimport) int __stdcall VirtualFree(void*, word, unsigned long);
__declspec(dllimport) int __stdcall VirtualProtect(void*, word, unsigned long, unsigned long*);
__declspec(dllimport) void* __stdcall GetCurrentProcess();
__declspec(dllimport) void* __stdcall GetCurrentThread();
__declspec(dllimport) int __stdcall GetProcessAffinityMask(void*, word*, word*);
__declspec(dllimport) word __stdcall SetThreadAffinityMask(void*, word);
__declspec(dllimport) int __stdcall GlobalMemoryStatusEx(_MEMORYSTATUSEX*);
}

inline constexpr unsigned long commit_and_reserve = 0x3000, release = 0x8000;  // MEM_*
inline constexpr unsigned long read_only = 0x02, read_write = 0x04;            // PAGE_*

struct memory_status {  // MEMORYSTATUSEX
    std::uint32_t length, load;
    std::uint64_t physical, available_physical, commit, available_commit, address_space, available_address_space,
        unused;
};
static_assert(sizeof(memory_status) == 64);

/// The CPUs of this process, a bit each; none where it runs in several groups of 64.
[[nodiscard]] inline word process_cpus() noexcept {
    word process = 0, all = 0;
    return GetProcessAffinityMask(GetCurrentProcess(), &process, &all) != 0 ? process : 0;
}

}  // namespace windows

[[nodiscard]] inline std::size_t usable_cpus() {
    if (const auto cpus = windows::process_cpus(); cpus != 0) return static_cast<std::size_t>(std::popcount(cpus));
    const unsigned n = std::thread::hardware_concurrency();
    return n == 0 ? 1 : n;
}

inline void pin_this_thread(std::size_t index) noexcept {
    auto cpus = windows::process_cpus();
    if (cpus == 0) return;
    for (auto left = index % static_cast<std::size_t>(std::popcount(cpus)); left != 0; --left) cpus &= cpus - 1;
    windows::SetThreadAffinityMask(windows::GetCurrentThread(), cpus & (~cpus + 1));  // the lowest that is left
}

[[nodiscard]] inline std::uint64_t available_memory() {
    windows::memory_status now{};
    now.length = sizeof now;
    if (windows::GlobalMemoryStatusEx(reinterpret_cast<_MEMORYSTATUSEX*>(&now)) == 0)
        return std::numeric_limits<std::uint64_t>::max();
    return std::min({now.available_physical, now.available_commit, now.available_address_space});
}

// Large pages need a privilege that users rarely have, and cannot be asked for page by page.
[[nodiscard]] inline std::byte* reserve_pages(std::size_t n) noexcept {
    return static_cast<std::byte*>(windows::VirtualAlloc(nullptr, n, windows::commit_and_reserve, windows::read_write));
}

inline void release_pages(std::byte* p, std::size_t) noexcept {
    if (p != nullptr) windows::VirtualFree(p, 0, windows::release);
}

inline void protect_pages(std::byte* p, std::size_t n, bool writable) noexcept {
    unsigned long before = 0;
    if (p != nullptr) windows::VirtualProtect(p, n, writable ? windows::read_write : windows::read_only, &before);
}

inline void watch_forks() {}
[[nodiscard]] inline std::uint32_t forks() noexcept { return 0; }

}  // namespace wafer::inline WAFER_ABI::system

#endif

// SPDX-License-Identifier: MIT
// L3 io: read-only file mappings on Windows, for io/mapped_file.hpp. Declares what it needs of <windows.h> itself, for the
// reasons given in core/system_windows.hpp.
#pragma once

#if defined(_WIN32)

#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <utility>

#include <wafer/core/config.hpp>
#include <wafer/core/error.hpp>
#include <wafer/core/system_windows.hpp>
#include <wafer/io/stored_file_windows.hpp>

struct _WIN32_MEMORY_RANGE_ENTRY;  // the system's own name

namespace wafer::inline WAFER_ABI::system {

namespace windows {

extern "C" {
__declspec(dllimport) void* __stdcall CreateFileMappingW(void*, _SECURITY_ATTRIBUTES*, unsigned long, unsigned long,
                                                         unsigned long, const wchar_t*);
__declspec(dllimport) void* __stdcall MapViewOfFile(void*, unsigned long, unsigned long, unsigned long, word);
__declspec(dllimport) int __stdcall UnmapViewOfFile(const void*);
__declspec(dllimport) int __stdcall VirtualUnlock(void*, word);
__declspec(dllimport) int __stdcall PrefetchVirtualMemory(void*, word, _WIN32_MEMORY_RANGE_ENTRY*, unsigned long);
}

}  // namespace windows

/// Maps a file whole. Nothing is read yet.  @throws error{out_of_memory, io_failed}
[[nodiscard]] inline std::span<const std::byte> map_file(const stored_file& file, std::uint64_t size,
                                                         const error_where& where) {
    if (std::cmp_greater(size, std::numeric_limits<std::size_t>::max()))
        raise(errc::out_of_memory, "the file is larger than the address space", where);
    constexpr unsigned long map_read = 4;
    const windows::handle mapping(
        windows::CreateFileMappingW(file.native(), nullptr, windows::read_only, 0, 0, nullptr));  // 0, 0: all of it
    if (!mapping) stored_file::refuse(windows::GetLastError(), where);
    const void* const data = windows::MapViewOfFile(mapping.value, map_read, 0, 0, 0);  // keeps the mapping alive
    if (data == nullptr) stored_file::refuse(windows::GetLastError(), where);
    return {static_cast<const std::byte*>(data), static_cast<std::size_t>(size)};
}

inline void unmap_file(std::span<const std::byte> mapping) noexcept { windows::UnmapViewOfFile(mapping.data()); }

inline void will_need(std::span<const std::byte> part) noexcept {
    struct {  // WIN32_MEMORY_RANGE_ENTRY
        const void* begin;
        windows::word size;
    } range{part.data(), part.size()};
    if (!part.empty())
        windows::PrefetchVirtualMemory(windows::GetCurrentProcess(), 1,
                                       reinterpret_cast<_WIN32_MEMORY_RANGE_ENTRY*>(&range), 0);
}

inline void wont_need(std::span<const std::byte> part) noexcept {
    // To unlock pages that are not locked takes them out of the working set: that is its documented answer.
    if (!part.empty()) windows::VirtualUnlock(const_cast<std::byte*>(part.data()), part.size());
}

}  // namespace wafer::inline WAFER_ABI::system

#endif

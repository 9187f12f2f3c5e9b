// SPDX-License-Identifier: MIT
// L3 io: read-only file mappings on Windows, for io/mapped_file.hpp. Declares what it needs of <windows.h> itself, for the
// reasons given in core/system_windows.hpp.
#pragma once

#if defined(_WIN32)

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <limits>
#include <span>
#include <string>
#include <system_error>
#include <utility>

#include <wafer/core/config.hpp>
#include <wafer/core/error.hpp>
#include <wafer/core/system_windows.hpp>
#include <wafer/io/path_text.hpp>

struct _SECURITY_ATTRIBUTES;  // the system's own names
union _LARGE_INTEGER;
struct _WIN32_MEMORY_RANGE_ENTRY;

namespace wafer::inline WAFER_ABI::system {

namespace windows {

extern "C" {
__declspec(dllimport) void* __stdcall CreateFileW(const wchar_t*, unsigned long, unsigned long, _SECURITY_ATTRIBUTES*,
                                                  unsigned long, unsigned long, void*);
__declspec(dllimport) unsigned long __stdcall GetFileAttributesW(const wchar_t*);
__declspec(dllimport) unsigned long __stdcall GetFileType(void*);
__declspec(dllimport) int __stdcall GetFileSizeEx(void*, _LARGE_INTEGER*);
__declspec(dllimport) void* __stdcall CreateFileMappingW(void*, _SECURITY_ATTRIBUTES*, unsigned long, unsigned long,
                                                         unsigned long, const wchar_t*);
__declspec(dllimport) void* __stdcall MapViewOfFile(void*, unsigned long, unsigned long, unsigned long, word);
__declspec(dllimport) int __stdcall UnmapViewOfFile(const void*);
__declspec(dllimport) int __stdcall VirtualUnlock(void*, word);
__declspec(dllimport) int __stdcall PrefetchVirtualMemory(void*, word, _WIN32_MEMORY_RANGE_ENTRY*, unsigned long);
__declspec(dllimport) int __stdcall CloseHandle(void*);
__declspec(dllimport) unsigned long __stdcall GetLastError();
}

[[nodiscard]] inline void* no_handle() noexcept {
    return reinterpret_cast<void*>(std::intptr_t{-1});
}  // INVALID_HANDLE_VALUE

struct handle {
    void* value;
    ~handle() {
        if (*this) CloseHandle(value);
    }
    [[nodiscard]] explicit operator bool() const noexcept { return value != nullptr && value != no_handle(); }
};

[[nodiscard]] inline bool is_directory(const std::filesystem::path& path) noexcept {
    const unsigned long attributes = GetFileAttributesW(path.c_str());
    return attributes != 0xFFFF'FFFF && (attributes & 0x10) != 0;
}

}  // namespace windows

/// Maps a regular file whole. Nothing is read yet; nobody can write to the file as long as it is mapped.
/// @throws error{file_not_found, permission_denied, not_a_file, truncated (an empty file), out_of_memory, io_failed}
[[nodiscard]] inline std::span<const std::byte> map_file(const std::filesystem::path& path) {
    const error_where where{path_text(path), {}, {}};
    if (path.native().find(L'\0') != path.native().npos) raise(errc::file_not_found, "no such file", where);
    const auto refuse = [&](unsigned long code) {
        switch (code) {
            case 2:    // ERROR_FILE_NOT_FOUND
            case 3:    // ERROR_PATH_NOT_FOUND
            case 123:  // ERROR_INVALID_NAME
            case 267:  // ERROR_DIRECTORY: a file is named as if it were one
                raise(errc::file_not_found, "no such file", where);
            case 5:   // ERROR_ACCESS_DENIED
            case 32:  // ERROR_SHARING_VIOLATION
                raise(errc::permission_denied, "no permission to read, or another program is writing to it", where);
            case 8:     // ERROR_NOT_ENOUGH_MEMORY
            case 1455:  // ERROR_COMMITMENT_LIMIT
                raise(errc::out_of_memory, "no address space to map the file", where);
            default:
                raise(errc::io_failed,
                      "cannot open: " + std::system_category().message(static_cast<int>(code)) + " (system error " +
                          std::to_string(code) + ")",
                      where);
        }
    };
    constexpr unsigned long generic_read = 0x8000'0000, share_read_and_delete = 1 | 4, open_existing = 3, on_disk = 1,
                            map_read = 4;
    if (windows::is_directory(path)) raise(errc::not_a_file, "this is a directory; name a file in it", where);
    const windows::handle file{
        windows::CreateFileW(path.c_str(), generic_read, share_read_and_delete, nullptr, open_existing, 0, nullptr)};
    if (!file) refuse(windows::GetLastError());
    if (windows::GetFileType(file.value) != on_disk)
        raise(errc::not_a_file, "not a regular file, so it cannot be mapped", where);
    std::int64_t size = 0;
    if (windows::GetFileSizeEx(file.value, reinterpret_cast<_LARGE_INTEGER*>(&size)) == 0)
        refuse(windows::GetLastError());
    if (size == 0) raise(errc::truncated, "the file is empty", where);
    if (std::cmp_greater(size, std::numeric_limits<std::size_t>::max()))
        raise(errc::out_of_memory, "the file is larger than the address space", where);
    const windows::handle mapping{
        windows::CreateFileMappingW(file.value, nullptr, windows::read_only, 0, 0, nullptr)};  // 0, 0: all of it
    if (!mapping) refuse(windows::GetLastError());
    const void* const data = windows::MapViewOfFile(mapping.value, map_read, 0, 0, 0);  // keeps the mapping alive
    if (data == nullptr) refuse(windows::GetLastError());
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

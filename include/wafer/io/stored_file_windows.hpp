// SPDX-License-Identifier: MIT
// L3 io: files that are there and are read, on Windows, for io/input_file.hpp. Declares what it needs of <windows.h> itself, for
// the reasons given in core/system_windows.hpp.
#pragma once

#if defined(_WIN32)

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <system_error>
#include <utility>

#include <wafer/core/config.hpp>
#include <wafer/core/error.hpp>
#include <wafer/io/path_text.hpp>

struct _SECURITY_ATTRIBUTES;  // the system's own names
union _LARGE_INTEGER;
struct _FILETIME;
struct _OVERLAPPED;

namespace wafer::inline WAFER_ABI::system {

namespace windows {

extern "C" {
__declspec(dllimport) void* __stdcall CreateFileW(const wchar_t*, unsigned long, unsigned long, _SECURITY_ATTRIBUTES*,
                                                  unsigned long, unsigned long, void*);
__declspec(dllimport) unsigned long __stdcall GetFileAttributesW(const wchar_t*);
__declspec(dllimport) unsigned long __stdcall GetFileType(void*);
__declspec(dllimport) int __stdcall GetFileSizeEx(void*, _LARGE_INTEGER*);
__declspec(dllimport) int __stdcall GetFileTime(void*, _FILETIME*, _FILETIME*, _FILETIME*);
__declspec(dllimport) int __stdcall ReadFile(void*, void*, unsigned long, unsigned long*, _OVERLAPPED*);
__declspec(dllimport) int __stdcall CloseHandle(void*);
__declspec(dllimport) unsigned long __stdcall GetLastError();
}

[[nodiscard]] inline void* no_handle() noexcept {
    return reinterpret_cast<void*>(std::intptr_t{-1});
}  // INVALID_HANDLE_VALUE

struct handle {
    void* value;
    explicit handle(void* owned) noexcept : value(owned) {}
    handle(handle&& o) noexcept : value(std::exchange(o.value, nullptr)) {}
    handle& operator=(handle&& o) noexcept {
        std::swap(value, o.value);
        return *this;
    }
    ~handle() {
        if (*this) CloseHandle(value);
    }
    [[nodiscard]] explicit operator bool() const noexcept { return value != nullptr && value != no_handle(); }
};

struct place_in_file {  // OVERLAPPED, of a handle that is not
    std::uintptr_t internal = 0, internal_high = 0;
    std::uint64_t offset = 0;
    void* event = nullptr;
};
static_assert(sizeof(place_in_file) == 32);

[[nodiscard]] inline bool is_directory(const std::filesystem::path& path) noexcept {
    const unsigned long attributes = GetFileAttributesW(path.c_str());
    return attributes != 0xFFFF'FFFF && (attributes & 0x10) != 0;
}

}  // namespace windows

/// An open regular file that is not empty.
class stored_file {
public:
    /// Who may write to it meanwhile.
    enum class writers : bool { kept_out, let_in };
    /// @throws error{file_not_found, permission_denied, not_a_file, truncated (an empty file), out_of_memory, io_failed}
    stored_file(const std::filesystem::path& path, writers others) : file_(open(path, others)) {
        const error_where where{path_text(path), {}, {}};
        opened_ = now(where);
        if (opened_.size == 0) raise(errc::truncated, "the file is empty", where);
    }

    /// What changes where somebody writes to the file.
    struct state {
        std::uint64_t size = 0;
        std::int64_t written = 0;  // when, in the system's own units
    };
    /// As it was when it was opened.
    [[nodiscard]] state opened() const noexcept { return opened_; }
    /// @throws error{errc::io_failed}; `where` names the file, as below
    [[nodiscard]] state now(const error_where& where) const {
        std::int64_t size = 0, written = 0;
        if (windows::GetFileSizeEx(file_.value, reinterpret_cast<_LARGE_INTEGER*>(&size)) == 0 ||
            windows::GetFileTime(file_.value, nullptr, nullptr, reinterpret_cast<_FILETIME*>(&written)) == 0)
            refuse(windows::GetLastError(), where);
        return {static_cast<std::uint64_t>(size), written};
    }
    /// True: what is open keeps its path.
    [[nodiscard]] bool is_at(const std::filesystem::path&) const noexcept { return true; }
    /// Fills the front of `to` with bytes from `offset` on and tells how many: none at the end. Any thread.
    /// @throws error{errc::io_failed}
    [[nodiscard]] std::size_t read(std::uint64_t offset, std::span<std::byte> to, const error_where& where) const {
        constexpr std::size_t most = std::size_t{1} << 30;  // in one call
        constexpr unsigned long end_of_file = 38;
        windows::place_in_file place{.offset = offset};
        unsigned long n = 0;
        const auto wanted = static_cast<unsigned long>(std::min(to.size(), most));
        if (windows::ReadFile(file_.value, to.data(), wanted, &n, reinterpret_cast<_OVERLAPPED*>(&place)) == 0)
            if (const auto code = windows::GetLastError(); code != end_of_file) refuse(code, where);
        return n;
    }
    /// For io/map_windows.hpp.
    [[nodiscard]] void* native() const noexcept { return file_.value; }

    /// The error that a code of the system is.
    [[noreturn]] static void refuse(unsigned long code, const error_where& where) {
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
                raise(errc::out_of_memory, "no memory or address space for the file", where);
            default:
                raise(errc::io_failed,
                      "cannot be read: " + std::system_category().message(static_cast<int>(code)) + " (system error " +
                          std::to_string(code) + ")",
                      where);
        }
    }

private:
    [[nodiscard]] static windows::handle open(const std::filesystem::path& path, writers others) {
        const error_where where{path_text(path), {}, {}};
        if (path.native().find(L'\0') != path.native().npos) raise(errc::file_not_found, "no such file", where);
        constexpr unsigned long generic_read = 0x8000'0000, share_read_and_delete = 1 | 4, share_write = 2,
                                open_existing = 3, on_disk = 1;
        if (windows::is_directory(path)) raise(errc::not_a_file, "this is a directory; name a file in it", where);
        const unsigned long share = share_read_and_delete | (others == writers::let_in ? share_write : 0);
        windows::handle file(
            windows::CreateFileW(path.c_str(), generic_read, share, nullptr, open_existing, 0, nullptr));
        if (!file) refuse(windows::GetLastError(), where);
        if (windows::GetFileType(file.value) != on_disk) raise(errc::not_a_file, "not a regular file", where);
        return file;
    }

    windows::handle file_;
    state opened_;
};

}  // namespace wafer::inline WAFER_ABI::system

#endif

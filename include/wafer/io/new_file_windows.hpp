// SPDX-License-Identifier: MIT
// L3 io: files that were not there before, on Windows, for io/replace_file.hpp.
#pragma once

#if defined(_WIN32)

#include <algorithm>
#include <cstddef>
#include <filesystem>
#include <span>
#include <string>
#include <utility>

#include <wafer/core/config.hpp>
#include <wafer/io/stored_file_windows.hpp>

namespace wafer::inline WAFER_ABI::system {

namespace windows {

extern "C" {
__declspec(dllimport) int __stdcall WriteFile(void*, const void*, unsigned long, unsigned long*, _OVERLAPPED*);
__declspec(dllimport) int __stdcall FlushFileBuffers(void*);
__declspec(dllimport) unsigned long __stdcall GetCurrentProcessId();
}

}  // namespace windows

[[nodiscard]] inline std::string process_id() { return std::to_string(windows::GetCurrentProcessId()); }

/// Open for writing, and made by the one who has it. Access rights are the folder's.
class new_file {
public:
    new_file() noexcept = default;
    ~new_file() { (void)close(); }
    new_file(const new_file&) = delete;
    new_file& operator=(const new_file&) = delete;

    enum class outcome : bool { settled, name_taken };
    outcome open(const std::filesystem::path& path, const std::filesystem::path&) noexcept {
        constexpr unsigned long generic_write = 0x4000'0000, create_new = 1, file_exists = 80;
        file_ = windows::CreateFileW(path.c_str(), generic_write, 0, nullptr, create_new, 0, nullptr);
        if (is_open()) return outcome::settled;
        return windows::GetLastError() == file_exists ? outcome::name_taken : outcome::settled;
    }
    [[nodiscard]] bool is_open() const noexcept { return file_ != nullptr && file_ != windows::no_handle(); }

    [[nodiscard]] bool write(std::span<const std::byte> part) noexcept {
        constexpr std::size_t most = std::size_t{1} << 30;  // in one call
        while (!part.empty()) {
            unsigned long n = 0;
            const auto now = static_cast<unsigned long>(std::min(part.size(), most));
            if (windows::WriteFile(file_, part.data(), now, &n, nullptr) == 0 || n == 0) return false;
            part = part.subspan(n);
        }
        return true;
    }
    [[nodiscard]] bool flush() noexcept { return windows::FlushFileBuffers(file_) != 0; }
    [[nodiscard]] bool close() noexcept {
        const bool closed = !is_open() || windows::CloseHandle(file_) != 0;
        file_ = nullptr;
        return closed;
    }

private:
    void* file_ = nullptr;
};

}  // namespace wafer::inline WAFER_ABI::system

#endif

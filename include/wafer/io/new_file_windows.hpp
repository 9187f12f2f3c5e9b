// SPDX-License-Identifier: MIT
// L3 io: files that were not there before, on Windows, for io/replace_file.hpp.
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
    ~new_file() {
        if (is_open()) windows::CloseHandle(file_);
    }
    new_file(const new_file&) = delete;
    new_file& operator=(const new_file&) = delete;

    enum class outcome : bool { settled, name_taken };
    outcome open(const std::filesystem::path& path, const std::filesystem::path&) noexcept {
        constexpr unsigned long generic_write = 0x4000'0000, create_new = 1, file_exists = 80;
        file_ = windows::CreateFileW(path.c_str(), generic_write, 0, nullptr, create_new, 0, nullptr);
        if (is_open()) return outcome::settled;
        refused_ = windows::GetLastError();
        return refused_ == file_exists ? outcome::name_taken : outcome::settled;
    }
    [[nodiscard]] bool is_open() const noexcept { return file_ != nullptr && file_ != windows::no_handle(); }
    [[nodiscard]] std::string why_not_open() const { return reason(refused_); }

    // Each of these tells in words what stands in the way; nothing: it is done.

    /// Nothing: the disk is asked when it is written to.
    [[nodiscard]] std::string reserve(std::uint64_t) { return {}; }
    [[nodiscard]] std::string write(std::span<const std::byte> part) {
        constexpr std::size_t most = std::size_t{1} << 30;  // in one call
        while (!part.empty()) {
            unsigned long n = 0;
            const auto now = static_cast<unsigned long>(std::min(part.size(), most));
            if (windows::WriteFile(file_, part.data(), now, &n, nullptr) == 0 || n == 0) return reason();
            part = part.subspan(n);
        }
        return {};
    }
    [[nodiscard]] std::string flush() { return windows::FlushFileBuffers(file_) != 0 ? std::string() : reason(); }
    [[nodiscard]] std::string close() {
        void* const file = std::exchange(file_, nullptr);
        return file == nullptr || file == windows::no_handle() || windows::CloseHandle(file) != 0 ? std::string()
                                                                                                  : reason();
    }

private:
    [[nodiscard]] static std::string reason(unsigned long code = windows::GetLastError()) {
        return std::system_category().message(static_cast<int>(code)) + " (system error " + std::to_string(code) + ")";
    }

    void* file_ = nullptr;
    unsigned long refused_ = 0;
};

}  // namespace wafer::inline WAFER_ABI::system

#endif

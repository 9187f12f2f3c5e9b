// SPDX-License-Identifier: MIT
// L3 io: a file as read-only memory. Knows no format.
// If another program shortens the file while it is mapped, reading the lost part kills the process (SIGBUS on POSIX):
// do not edit a model file in place while it is loaded.
#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <utility>

#include <wafer/core/config.hpp>

#if defined(_WIN32)
#include <wafer/io/map_windows.hpp>
#else
#include <wafer/io/map_posix.hpp>
#endif

namespace wafer::inline WAFER_ABI {

/// Owns one read-only mapping of a whole file. Opening reads nothing; pages come when they are touched.
class mapped_file {
public:
    /// @throws error{file_not_found, permission_denied, not_a_file, truncated (empty), out_of_memory, io_failed}
    explicit mapped_file(const std::filesystem::path& path) : data_(system::map_file(path)) {}
    mapped_file(mapped_file&& other) noexcept : data_(std::exchange(other.data_, {})) {}
    mapped_file& operator=(mapped_file&& other) noexcept {
        std::swap(data_, other.data_);
        return *this;
    }
    ~mapped_file() {
        if (!data_.empty()) system::unmap_file(data_);
    }

    /// The whole file. Valid as long as the mapping, wherever that is moved.
    [[nodiscard]] std::span<const std::byte> data() const noexcept { return data_; }

    /// Hints about a part of data(): it will be read soon; or not again for now (its memory is given
    /// back, and a later read fetches it anew).
    static void will_need(std::span<const std::byte> part) noexcept { system::will_need(part); }
    static void wont_need(std::span<const std::byte> part) noexcept { system::wont_need(part); }

private:
    std::span<const std::byte> data_;
};

}  // namespace wafer::inline WAFER_ABI

// SPDX-License-Identifier: MIT
// L3 io: a file as read-only memory. Knows no format.
// If another program shortens the file while it is mapped, to touch the lost part kills the process (SIGBUS on POSIX), and the
// same where a network or a disk fails: read files that others may write to, and those on network mounts (io/input_file.hpp).
#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <utility>

#include <wafer/core/config.hpp>
#include <wafer/io/input_file.hpp>

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
    explicit mapped_file(const std::filesystem::path& path)
        : file_(path, input_file::writers::kept_out),
          data_(system::map_file(file_.native(), file_.size(), {file_.name(), {}, {}})) {}
    mapped_file(mapped_file&& other) noexcept : file_(std::move(other.file_)), data_(std::exchange(other.data_, {})) {}
    mapped_file& operator=(mapped_file&& other) noexcept {
        std::swap(file_, other.file_);
        std::swap(data_, other.data_);
        return *this;
    }
    ~mapped_file() {
        if (!data_.empty()) system::unmap_file(data_);
    }

    /// The whole file. Valid as long as the mapping, wherever that is moved.
    [[nodiscard]] std::span<const std::byte> data() const noexcept { return data_; }
    /// What is mapped: to ask whether it is still as it was.
    [[nodiscard]] const input_file& file() const noexcept { return file_; }

    /// Hints about a part of data(): it will be read soon; or not again for now (its memory is given
    /// back, and a later read fetches it anew).
    static void will_need(std::span<const std::byte> part) noexcept { system::will_need(part); }
    static void wont_need(std::span<const std::byte> part) noexcept { system::wont_need(part); }

private:
    input_file file_;
    std::span<const std::byte> data_;
};

}  // namespace wafer::inline WAFER_ABI

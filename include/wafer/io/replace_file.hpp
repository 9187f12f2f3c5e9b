// SPDX-License-Identifier: MIT
// L3 io: writes a file so that its path holds either the old content or all of the new, never a half. Knows no format.
#pragma once

#include <cstddef>
#include <filesystem>
#include <fstream>
#include <span>
#include <system_error>

#include <wafer/core/config.hpp>
#include <wafer/core/error.hpp>

namespace wafer::inline WAFER_ABI {

/// Writes beside the path (its name and ".part"), and takes its place on commit(); without that nothing is left behind.
class replace_file {
public:
    /// @throws error{errc::not_a_file} if the path is there and no regular file; error{errc::io_failed}
    explicit replace_file(const std::filesystem::path& path) : path_(path), part_(path) {
        part_ += ".part";
        std::error_code ignored;
        if (const auto there = std::filesystem::status(path, ignored);
            std::filesystem::exists(there) && !std::filesystem::is_regular_file(there))
            raise(errc::not_a_file, "only a regular file can be replaced", {path.string(), {}, {}});
        out_.open(part_, std::ios::binary | std::ios::trunc);
        check("cannot be written: is its folder there, and may you write to it?");
    }
    ~replace_file() {
        if (part_.empty()) return;
        out_.close();
        std::error_code ignored;
        std::filesystem::remove(part_, ignored);
    }
    replace_file(const replace_file&) = delete;
    replace_file& operator=(const replace_file&) = delete;

    /// @throws error{errc::io_failed}
    void write(std::span<const std::byte> part) {
        out_.write(reinterpret_cast<const char*>(part.data()), static_cast<std::streamsize>(part.size()));
        check("could not be written to its end: is there space left?");
    }
    /// @throws error{errc::io_failed}
    void commit() {
        out_.close();
        check("could not be written to its end: is there space left?");
        std::error_code failure;
        std::filesystem::rename(part_, path_, failure);
        if (failure) raise(errc::io_failed, "cannot be replaced: " + failure.message(), {path_.string(), {}, {}});
        part_.clear();
    }

private:
    void check(const char* otherwise) const {
        if (!out_) raise(errc::io_failed, otherwise, {path_.string(), {}, {}});
    }

    std::filesystem::path path_, part_;
    std::ofstream out_;
};

}  // namespace wafer::inline WAFER_ABI

// SPDX-License-Identifier: MIT
// L3 io: writes a file so that its path holds either the old content or all of the new, never a half. Knows no format.
#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <string>
#include <system_error>

#include <wafer/core/config.hpp>
#include <wafer/core/error.hpp>
#include <wafer/io/path_text.hpp>

#if defined(_WIN32)
#include <wafer/io/new_file_windows.hpp>
#else
#include <wafer/io/new_file_posix.hpp>
#endif

namespace wafer::inline WAFER_ABI {

/// Writes a new file beside the path, and lets it take the path's place on commit(), with the same access rights; without that
/// nothing is left behind. Of several who write to one path at once, the last to commit stays. A link stays a link.
class replace_file {
public:
    /// @throws error{errc::not_a_file} if the path is there and no regular file; error{errc::io_failed}
    explicit replace_file(const std::filesystem::path& path) : name_(path_text(path)), path_(path) {
        namespace fs = std::filesystem;
        std::error_code ignored;
        for (int links = 0; links < 40 && fs::is_symlink(fs::symlink_status(path_, ignored)); ++links)
            path_ = path_.parent_path() / fs::read_symlink(path_, ignored);
        if (const auto there = fs::symlink_status(path_, ignored); fs::exists(there) && !fs::is_regular_file(there))
            raise(errc::not_a_file, "only a regular file can be replaced", {name_, {}, {}});
        const std::string stem = "wafer-" + system::process_id() + "-";
        auto outcome = system::new_file::outcome::name_taken;
        for (int i = 0; i < 1000 && outcome == system::new_file::outcome::name_taken; ++i) {
            part_ = path_.parent_path() / (stem + std::to_string(i) + ".part");
            outcome = out_.open(part_, path_);
        }
        check(out_.is_open(), "cannot be written: is its folder there, and may you write to it?");
    }
    ~replace_file() {
        if (part_.empty()) return;
        (void)out_.close();
        std::error_code ignored;
        std::filesystem::remove(part_, ignored);
    }
    replace_file(const replace_file&) = delete;
    replace_file& operator=(const replace_file&) = delete;

    /// @throws error{errc::io_failed}
    void write(std::span<const std::byte> part) { check(out_.write(part), no_space); }
    /// On return the new content outlives a loss of power as well.  @throws error{errc::io_failed}
    void commit() {
        check(out_.flush() && out_.close(), no_space);
        std::error_code failure;
        std::filesystem::rename(part_, path_, failure);
        if (failure) raise(errc::io_failed, "cannot be replaced: " + failure.message(), {name_, {}, {}});
        part_.clear();
    }

private:
    static constexpr const char* no_space = "could not be written to its end: is there space left?";

    void check(bool good, const char* otherwise) const {
        if (!good) raise(errc::io_failed, otherwise, {name_, {}, {}});
    }

    std::string name_;  // as the caller gave it
    std::filesystem::path path_, part_;
    system::new_file out_;
};

}  // namespace wafer::inline WAFER_ABI

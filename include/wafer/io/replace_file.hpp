// SPDX-License-Identifier: MIT
// L3 io: writes a file so that its path holds either the old content or all of the new, never a half. Knows no format.
#pragma once

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
    /// @param size  bytes that will be written, where they are known: room for all of them is asked for first
    /// @throws error{errc::not_a_file} if the path is there and no regular file; error{errc::io_failed}
    explicit replace_file(const std::filesystem::path& path, std::uint64_t size = 0)
        : name_(path_text(path)), path_(path) {
        namespace fs = std::filesystem;
        std::error_code ignored;
        for (int links = 0; links < 40 && fs::is_symlink(fs::symlink_status(path_, ignored)); ++links)
            path_ = path_.parent_path() / fs::read_symlink(path_, ignored);
        if (const auto there = fs::symlink_status(path_, ignored); fs::exists(there) && !fs::is_regular_file(there))
            raise(errc::not_a_file, "only a regular file can be replaced", {name_, {}, {}});
        const std::string stem = "wafer-" + system::process_id() + "-";
        auto outcome = system::new_file::outcome::name_taken;
        for (int i = 0; i < 1000 && outcome == system::new_file::outcome::name_taken; ++i) {
            auto part = path_.parent_path() / (stem + std::to_string(i) + ".part");
            outcome = out_.open(part, path_);
            if (out_.is_open()) part_.path = std::move(part);
        }
        if (!out_.is_open())
            fail("cannot be written: " + out_.why_not_open() + ": is its folder there, and may you write to it?");
        check(out_.reserve(size));
    }
    replace_file(const replace_file&) = delete;
    replace_file& operator=(const replace_file&) = delete;

    /// @throws error{errc::io_failed}, as below: a disk that is full, a quota, a limit on the size of files
    void write(std::span<const std::byte> part) { check(out_.write(part)); }
    /// On return the new content outlives a loss of power as well.  @throws error{errc::io_failed}
    void commit() {
        check(out_.flush());
        check(out_.close());
        std::error_code failure;
        std::filesystem::rename(part_.path, path_, failure);
        if (failure) fail("cannot be replaced: " + failure.message());
        part_.path.clear();
    }

private:
    /// Is gone when it goes.
    struct part_file {
        std::filesystem::path path;
        ~part_file() { remove(); }
        void remove() noexcept {
            std::error_code ignored;
            if (!path.empty()) std::filesystem::remove(path, ignored);
            path.clear();
        }
    };

    void check(const std::string& refusal) {
        if (!refusal.empty()) fail("could not be written to its end: " + refusal);
    }
    [[noreturn]] void fail(const std::string& why) {
        static_cast<void>(out_.close());
        part_.remove();
        raise(errc::io_failed, why, {name_, {}, {}});
    }

    std::string name_;  // as the caller gave it
    std::filesystem::path path_;
    part_file part_;
    system::new_file out_;  // closed before the part is removed
};

}  // namespace wafer::inline WAFER_ABI

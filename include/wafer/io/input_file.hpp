// SPDX-License-Identifier: MIT
// L3 io: a file that is read where it is asked for, a stretch at a time. Knows no format.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <utility>

#include <wafer/core/config.hpp>
#include <wafer/core/error.hpp>
#include <wafer/io/path_text.hpp>

#if defined(_WIN32)
#include <wafer/io/stored_file_windows.hpp>
#else
#include <wafer/io/stored_file_posix.hpp>
#endif

namespace wafer::inline WAFER_ABI {

/// A regular file, open for reading. Whatever others do to it meanwhile, to read it is an error at worst; and whether they
/// wrote to it can be asked.
class input_file {
public:
    using writers = system::stored_file::writers;
    /// Reads nothing. @param others  whether they may write to it meanwhile; only Windows can keep them out
    /// @throws error{file_not_found, permission_denied, not_a_file, truncated (empty), out_of_memory, io_failed}
    explicit input_file(const std::filesystem::path& path, writers others = writers::let_in)
        : path_(path), name_(path_text(path)), file_(path, others) {}

    /// The path, as errors give it.
    [[nodiscard]] const std::string& name() const noexcept { return name_; }
    /// Its bytes when it was opened; at least one.
    [[nodiscard]] std::uint64_t size() const noexcept { return file_.opened().size; }

    /// Fills `to` with the bytes from `offset` on. Several threads at once.
    /// @throws error{errc::truncated} where the file ends, as one that was shortened does; error{errc::io_failed}
    void read(std::uint64_t offset, std::span<std::byte> to) const {
        while (!to.empty()) {
            const std::size_t n = file_.read(offset, to, {name_, offset, {}});
            if (n == 0)
                raise(errc::truncated,
                      "the file ends here; it had " + std::to_string(size()) + " bytes when it was opened",
                      {name_, offset, {}});
            offset += n;
            to = to.subspan(n);
        }
    }

    /// Whoever has read a file asks at the end: if others wrote to it meanwhile, what was read may be of two files.
    /// @throws error{errc::truncated} if it is shorter than when it was opened; error{errc::io_failed} if it is longer or was
    /// written to, as far as the time of its last change tells
    void check_unchanged() const {
        const auto now = file_.now({name_, {}, {}});
        const auto sizes = " from " + std::to_string(size()) + " to " + std::to_string(now.size) + " bytes";
        if (now.size < size())
            raise(errc::truncated, "the file shrank" + sizes + " while it was in use", {name_, now.size, {}});
        if (now.size > size())
            raise(errc::io_failed, "the file grew" + sizes + " while it was in use: load it when it is complete",
                  {name_, size(), {}});
        if (now.written != file_.opened().written)
            raise(errc::io_failed, "the file was written to while it was in use: load it again", {name_, {}, {}});
    }
    /// Whether its path names another file by now, or none. What was opened is whole all the same.
    [[nodiscard]] bool is_replaced() const noexcept { return !file_.is_at(path_); }

    /// For io/mapped_file.hpp.
    [[nodiscard]] const system::stored_file& native() const noexcept { return file_; }

private:
    std::filesystem::path path_;
    std::string name_;  // of the path
    system::stored_file file_;
};

}  // namespace wafer::inline WAFER_ABI

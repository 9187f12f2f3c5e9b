// SPDX-License-Identifier: MIT
// L3 io: files that are there and are read, on POSIX systems, for io/input_file.hpp. Another system is another file with this
// class.
#pragma once

#if defined(__unix__) || defined(__APPLE__)

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <fcntl.h>
#include <filesystem>
#include <span>
#include <string>
#include <sys/stat.h>
#include <system_error>
#include <unistd.h>
#include <utility>

#include <wafer/core/config.hpp>
#include <wafer/core/error.hpp>
#include <wafer/io/path_text.hpp>

namespace wafer::inline WAFER_ABI::system {

/// An open regular file that is not empty. Another program may write to it all the same.
class stored_file {
public:
    /// Who may write to it meanwhile, where the system can keep them out: here it cannot.
    enum class writers : bool { kept_out, let_in };
    /// @throws error{file_not_found, permission_denied, not_a_file, truncated (an empty file), out_of_memory, io_failed}
    stored_file(const std::filesystem::path& path, writers) {
        const error_where where{path_text(path), {}, {}};
        // The system would take a name to end at its first zero.
        if (path.native().find('\0') != path.native().npos) raise(errc::file_not_found, "no such file", where);
        file_.fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);  // a pipe must not hang us
        if (file_.fd < 0) refuse(errno, where);
        struct stat facts {};
        if (::fstat(file_.fd, &facts) != 0) refuse(errno, where);
        if (S_ISDIR(facts.st_mode)) raise(errc::not_a_file, "this is a directory; name a file in it", where);
        if (!S_ISREG(facts.st_mode)) raise(errc::not_a_file, "not a regular file", where);
        if (facts.st_size == 0) raise(errc::truncated, "the file is empty", where);
        opened_ = state_of(facts);
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
        struct stat facts {};
        if (::fstat(file_.fd, &facts) != 0) refuse(errno, where);
        return state_of(facts);
    }
    /// Whether the path names it still.
    [[nodiscard]] bool is_at(const std::filesystem::path& path) const noexcept {
        struct stat mine {
        }, theirs{};
        return ::fstat(file_.fd, &mine) == 0 && ::stat(path.c_str(), &theirs) == 0 && mine.st_dev == theirs.st_dev &&
               mine.st_ino == theirs.st_ino;
    }
    /// Fills the front of `to` with bytes from `offset` on and tells how many: none at the end. Any thread.
    /// @throws error{errc::io_failed}
    [[nodiscard]] std::size_t read(std::uint64_t offset, std::span<std::byte> to, const error_where& where) const {
        constexpr std::size_t most = std::size_t{1} << 30;  // in one call
        if (!std::in_range<::off_t>(offset)) return 0;
#if defined(POSIX_FADV_WILLNEED)
        // All of it is fetched at once, and as much again while this is being used: what the system guesses by itself is less.
        constexpr std::size_t worth_telling = std::size_t{128} << 10;
        if (to.size() >= worth_telling)
            (void)::posix_fadvise(file_.fd, static_cast<::off_t>(offset),
                                  static_cast<::off_t>(2 * std::min(to.size(), most)), POSIX_FADV_WILLNEED);
#endif
        for (;;) {
            const auto n = ::pread(file_.fd, to.data(), std::min(to.size(), most), static_cast<::off_t>(offset));
            if (n >= 0) return static_cast<std::size_t>(n);
            if (errno != EINTR) refuse(errno, where);
        }
    }
    /// For io/map_posix.hpp.
    [[nodiscard]] int native() const noexcept { return file_.fd; }

    /// The error that a code of the system is.
    [[noreturn]] static void refuse(int code, const error_where& where) {
        switch (code) {
            case ENOENT:
            case ENOTDIR: raise(errc::file_not_found, "no such file", where);
            case EACCES:
            case EPERM: raise(errc::permission_denied, "no permission to read", where);
            case ENOMEM: raise(errc::out_of_memory, "no memory or address space for the file", where);
            default: raise(errc::io_failed, "cannot be read: " + std::generic_category().message(code), where);
        }
    }

private:
    struct descriptor {
        int fd = -1;
        descriptor() noexcept = default;
        descriptor(descriptor&& o) noexcept : fd(std::exchange(o.fd, -1)) {}
        descriptor& operator=(descriptor&& o) noexcept {
            std::swap(fd, o.fd);
            return *this;
        }
        ~descriptor() {
            if (fd >= 0) ::close(fd);
        }
    };
    [[nodiscard]] static state state_of(const struct stat& facts) noexcept {
#if defined(__APPLE__)
        const auto& time = facts.st_mtimespec;
#else
        const auto& time = facts.st_mtim;
#endif
        return {static_cast<std::uint64_t>(facts.st_size), std::int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec};
    }

    descriptor file_;
    state opened_;
};

}  // namespace wafer::inline WAFER_ABI::system

#endif

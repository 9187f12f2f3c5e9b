// SPDX-License-Identifier: MIT
// L3 io: files that were not there before, on POSIX systems, for io/replace_file.hpp. Another system is another file with
// this class.
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
#include <sys/resource.h>
#include <sys/stat.h>
#include <system_error>
#include <unistd.h>
#include <utility>

#include <wafer/core/config.hpp>

namespace wafer::inline WAFER_ABI::system {

[[nodiscard]] inline std::string process_id() { return std::to_string(::getpid()); }

/// Open for writing, and made by the one who has it: nobody else's file, and no link to one.
class new_file {
public:
    new_file() noexcept = default;
    ~new_file() {
        if (fd_ >= 0) ::close(fd_);
    }
    new_file(const new_file&) = delete;
    new_file& operator=(const new_file&) = delete;

    enum class outcome : bool { settled, name_taken };
    /// @param like  the file whose access rights it gets, where there is one
    outcome open(const std::filesystem::path& path, const std::filesystem::path& like) noexcept {
        struct stat model {};
        const bool has_model = ::stat(like.c_str(), &model) == 0;
        fd_ = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, has_model ? 0600 : 0666);
        if (fd_ < 0) refused_ = errno;
        if (fd_ < 0) return refused_ == EEXIST ? outcome::name_taken : outcome::settled;
        if (has_model) (void)::fchmod(fd_, model.st_mode & 0777);
        return outcome::settled;
    }
    [[nodiscard]] bool is_open() const noexcept { return fd_ >= 0; }
    [[nodiscard]] std::string why_not_open() const { return reason(refused_); }

    // Each of these tells in words what stands in the way; nothing: it is done.

    /// Asks for room, for as many bytes as will be written. What the system cannot promise, writing will tell.
    [[nodiscard]] std::string reserve(std::uint64_t size) {
        if (auto refusal = beyond_limit(size); !refusal.empty()) return refusal;
#if defined(FALLOC_FL_KEEP_SIZE)
        if (std::in_range<::off_t>(size) && ::fallocate(fd_, FALLOC_FL_KEEP_SIZE, 0, static_cast<::off_t>(size)) != 0 &&
            (errno == ENOSPC || errno == EDQUOT || errno == EFBIG))
            return reason(errno) + ", with " + std::to_string(size) + " bytes to write";
#endif
        return {};
    }
    [[nodiscard]] std::string write(std::span<const std::byte> part) {
        constexpr std::size_t most = std::size_t{1} << 30;  // in one call
        if (auto refusal = beyond_limit(written_ + part.size()); !refusal.empty()) return refusal;
        while (!part.empty()) {
            const auto n = ::write(fd_, part.data(), std::min(part.size(), most));
            if (n < 0 && errno == EINTR) continue;
            if (n <= 0) return reason(n < 0 ? errno : ENOSPC);
            written_ += static_cast<std::size_t>(n);
            part = part.subspan(static_cast<std::size_t>(n));
        }
        return {};
    }
    /// Afterwards what was written outlives a loss of power.
    [[nodiscard]] std::string flush() {
        return ::fsync(fd_) == 0 || errno == EINVAL || errno == ENOTSUP ? std::string() : reason(errno);
    }
    [[nodiscard]] std::string close() {
        const int fd = std::exchange(fd_, -1);
        return fd < 0 || ::close(fd) == 0 ? std::string() : reason(errno);
    }

private:
    [[nodiscard]] static std::string reason(int code) { return std::generic_category().message(code); }
    /// To write beyond this limit would not fail: it would kill the process, by SIGXFSZ.
    [[nodiscard]] static std::string beyond_limit(std::uint64_t size) {
        rlimit limit{};
        if (::getrlimit(RLIMIT_FSIZE, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY || size <= limit.rlim_cur)
            return {};
        return std::to_string(size) + " bytes are more than a file of this process may have, " +
               std::to_string(limit.rlim_cur) + " (RLIMIT_FSIZE, ulimit -f)";
    }

    int fd_ = -1, refused_ = 0;
    std::uint64_t written_ = 0;
};

}  // namespace wafer::inline WAFER_ABI::system

#endif

// SPDX-License-Identifier: MIT
// L3 io: files that were not there before, on POSIX systems, for io/replace_file.hpp. Another system is another file with
// this class.
#pragma once

#if defined(__unix__) || defined(__APPLE__)

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <fcntl.h>
#include <filesystem>
#include <span>
#include <string>
#include <sys/stat.h>
#include <unistd.h>

#include <wafer/core/config.hpp>

namespace wafer::inline WAFER_ABI::system {

[[nodiscard]] inline std::string process_id() { return std::to_string(::getpid()); }

/// Open for writing, and made by the one who has it: nobody else's file, and no link to one.
class new_file {
public:
    new_file() noexcept = default;
    ~new_file() { (void)close(); }
    new_file(const new_file&) = delete;
    new_file& operator=(const new_file&) = delete;

    enum class outcome : bool { settled, name_taken };
    /// @param like  the file whose access rights it gets, where there is one
    outcome open(const std::filesystem::path& path, const std::filesystem::path& like) noexcept {
        struct stat model {};
        const bool has_model = ::stat(like.c_str(), &model) == 0;
        fd_ = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, has_model ? 0600 : 0666);
        if (fd_ < 0) return errno == EEXIST ? outcome::name_taken : outcome::settled;
        if (has_model) (void)::fchmod(fd_, model.st_mode & 0777);
        return outcome::settled;
    }
    [[nodiscard]] bool is_open() const noexcept { return fd_ >= 0; }

    /// False where not all could be written.
    [[nodiscard]] bool write(std::span<const std::byte> part) noexcept {
        constexpr std::size_t most = std::size_t{1} << 30;  // in one call
        while (!part.empty()) {
            const auto n = ::write(fd_, part.data(), std::min(part.size(), most));
            if (n < 0 && errno == EINTR) continue;
            if (n <= 0) return false;
            part = part.subspan(static_cast<std::size_t>(n));
        }
        return true;
    }
    /// False where what was written may not outlive a loss of power.
    [[nodiscard]] bool flush() noexcept { return ::fsync(fd_) == 0 || errno == EINVAL || errno == ENOTSUP; }
    [[nodiscard]] bool close() noexcept {
        const bool closed = fd_ < 0 || ::close(fd_) == 0;
        fd_ = -1;
        return closed;
    }

private:
    int fd_ = -1;
};

}  // namespace wafer::inline WAFER_ABI::system

#endif

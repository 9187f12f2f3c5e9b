// SPDX-License-Identifier: MIT
// L3 io: read-only file mappings on POSIX systems, for io/mapped_file.hpp. Another system is another file with these functions.
#pragma once

#if defined(__unix__) || defined(__APPLE__)

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <fcntl.h>
#include <filesystem>
#include <limits>
#include <span>
#include <string>
#include <sys/mman.h>
#include <sys/stat.h>
#include <system_error>
#include <unistd.h>
#include <utility>

#include <wafer/core/config.hpp>
#include <wafer/core/error.hpp>
#include <wafer/io/path_text.hpp>

namespace wafer::inline WAFER_ABI::system {

/// Maps a regular file whole. Nothing is read yet.
/// @throws error{file_not_found, permission_denied, not_a_file, truncated (an empty file), out_of_memory, io_failed}
[[nodiscard]] inline std::span<const std::byte> map_file(const std::filesystem::path& path) {
    const error_where where{path_text(path), {}, {}};
    // The system would take a name to end at its first zero.
    if (path.native().find('\0') != path.native().npos) raise(errc::file_not_found, "no such file", where);
    const auto refuse = [&](int code) {
        const std::string reason = std::generic_category().message(code);
        switch (code) {
            case ENOENT:
            case ENOTDIR: raise(errc::file_not_found, "no such file", where);
            case EACCES:
            case EPERM: raise(errc::permission_denied, "no permission to read", where);
            case ENOMEM: raise(errc::out_of_memory, "no address space to map the file", where);
            default: raise(errc::io_failed, "cannot open: " + reason, where);
        }
    };
    struct descriptor {
        int fd;
        ~descriptor() {
            if (fd >= 0) ::close(fd);
        }
    };
    const descriptor file{::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)};  // a pipe must not hang us
    if (file.fd < 0) refuse(errno);
    struct stat facts {};
    if (::fstat(file.fd, &facts) != 0) refuse(errno);
    if (S_ISDIR(facts.st_mode)) raise(errc::not_a_file, "this is a directory; name a file in it", where);
    if (!S_ISREG(facts.st_mode)) raise(errc::not_a_file, "not a regular file, so it cannot be mapped", where);
    if (facts.st_size == 0) raise(errc::truncated, "the file is empty", where);
    if (std::cmp_greater(facts.st_size, std::numeric_limits<std::size_t>::max()))
        raise(errc::out_of_memory, "the file is larger than the address space", where);
    const auto size = static_cast<std::size_t>(facts.st_size);
    void* const data = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, file.fd, 0);
    if (data == MAP_FAILED) refuse(errno);
    return {static_cast<const std::byte*>(data), size};
}

inline void unmap_file(std::span<const std::byte> mapping) noexcept {
    ::munmap(const_cast<std::byte*>(mapping.data()), mapping.size());
}

namespace detail {

enum class pages : bool { touched, filled };

// Advises the pages that a part of a mapping touches, or only those that it fills. False where the system refuses: advice
// changes nothing but speed.
inline bool advise(std::span<const std::byte> part, pages which, int how) noexcept {
    const auto page = static_cast<std::uintptr_t>(::sysconf(_SC_PAGESIZE));
    auto begin = reinterpret_cast<std::uintptr_t>(part.data());
    auto end = begin + part.size();
    if (which == pages::filled) {
        begin = (begin + page - 1) / page * page;
        end = end / page * page;
    } else {
        begin = begin / page * page;
    }
    return begin >= end || ::madvise(reinterpret_cast<void*>(begin), end - begin, how) == 0;
}

}  // namespace detail

inline void will_need(std::span<const std::byte> part) noexcept {
#if defined(MADV_POPULATE_READ)
    // Maps the pages in one call instead of a fault for every few of them. Linux 5.14; older ones refuse, and get the hint.
    if (detail::advise(part, detail::pages::touched, MADV_POPULATE_READ)) return;
#endif
    detail::advise(part, detail::pages::touched, MADV_WILLNEED);
}

inline void wont_need(std::span<const std::byte> part) noexcept {
    detail::advise(part, detail::pages::filled, MADV_DONTNEED);
}

}  // namespace wafer::inline WAFER_ABI::system

#endif

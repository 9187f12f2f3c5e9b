// SPDX-License-Identifier: MIT
// L3 io: read-only file mappings on POSIX systems, for io/mapped_file.hpp. Another system is another file with these functions.
#pragma once

#if defined(__unix__) || defined(__APPLE__)

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <sys/mman.h>
#include <unistd.h>
#include <utility>

#include <wafer/core/config.hpp>
#include <wafer/core/error.hpp>
#include <wafer/io/stored_file_posix.hpp>

namespace wafer::inline WAFER_ABI::system {

/// Maps a file whole. Nothing is read yet.  @throws error{out_of_memory, io_failed}
[[nodiscard]] inline std::span<const std::byte> map_file(const stored_file& file, std::uint64_t size,
                                                         const error_where& where) {
    if (std::cmp_greater(size, std::numeric_limits<std::size_t>::max()))
        raise(errc::out_of_memory, "the file is larger than the address space", where);
    const auto n = static_cast<std::size_t>(size);
    void* const data = ::mmap(nullptr, n, PROT_READ, MAP_PRIVATE, file.native(), 0);
    if (data == MAP_FAILED) stored_file::refuse(errno, where);
    return {static_cast<const std::byte*>(data), n};
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

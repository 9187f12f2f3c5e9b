// SPDX-License-Identifier: MIT
#include <cstddef>
#include <sstream>
#include <vector>

#include <doctest/doctest.h>

#include <wafer/core/huge_pages.hpp>

using wafer::system::huge_page_bytes;

namespace {

constexpr const char* listed = "7f0000000000-7f0000400000 r--p 00000000 00:00 0 \n"
                               "Size:               4096 kB\n"
                               "AnonHugePages:      2048 kB\n"
                               "ShmemPmdMapped:        0 kB\n"
                               "VmFlags: rd mr mw me ac hg \n"
                               "7f0000400000-7f0000800000 rw-p 00000000 00:00 0                   [heap]\n"
                               "AnonHugePages:      4096 kB\n"
                               "ffffffffff600000-ffffffffff601000 --xp 00000000 00:00 0           [vsyscall]\n"
                               "AnonHugePages:  \n";

std::uint64_t in(std::uintptr_t begin, std::uintptr_t end) {
    std::istringstream smaps(listed);
    return huge_page_bytes(smaps, begin, end);
}

}  // namespace

TEST_CASE("huge_pages: the mappings that memory touches are summed") {
    CHECK(in(0x7f0000000000, 0x7f0000400000) == 2048 * 1024);
    CHECK(in(0x7f00003fffff, 0x7f0000400001) == 6144 * 1024);
    CHECK(in(0x7f0000400000, 0x7f0000400001) == 4096 * 1024);
    CHECK(in(0x7f0000800000, 0x7f0000900000) == 0);
    CHECK(in(0xffffffffff600000, 0xffffffffff600010) == 0);
}

TEST_CASE("huge_pages: this process is listed, or not, but nothing fails") {
    const std::vector<std::byte> memory(4096);
    if (const auto n = huge_page_bytes(memory)) CHECK(*n % 1024 == 0);
}

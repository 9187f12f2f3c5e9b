// SPDX-License-Identifier: MIT
#include <cstdint>
#include <filesystem>
#include <limits>
#include <string>
#include <string_view>
#include <support/temporary.hpp>

#include <doctest/doctest.h>

#include <wafer/core/cgroup.hpp>

using wafer::system::cgroup_available_memory;
using wafer::system::cgroup_files;

namespace {

constexpr auto no_limit = std::numeric_limits<std::uint64_t>::max();

/// A tree of control groups as the kernel would show it.
struct tree {
    wafer_test::temporary_directory folder;

    void file(const std::string& path, std::string_view content) const {
        std::filesystem::create_directories((folder.path() / path).parent_path());
        (void)folder.file(path, content);
    }
    void v2(const std::string& group, std::string_view limit, std::string_view usage,
            std::string_view stat = "") const {
        file("fs" + group + "/memory.max", limit);
        file("fs" + group + "/memory.current", usage);
        file("fs" + group + "/memory.stat", stat);
    }
    void v1(const std::string& group, std::string_view limit, std::string_view usage,
            std::string_view stat = "") const {
        file("fs/memory" + group + "/memory.limit_in_bytes", limit);
        file("fs/memory" + group + "/memory.usage_in_bytes", usage);
        file("fs/memory" + group + "/memory.stat", stat);
    }
    [[nodiscard]] std::uint64_t available(std::string_view membership) const {
        return cgroup_available_memory(
            {folder.file("membership", membership).string(), (folder.path() / "fs").string()});
    }
};

}  // namespace

TEST_CASE("cgroup: version 2 leaves limit minus usage, and file cache does not count") {
    const tree t;
    t.v2("/a/b", "1000\n", "300\n");
    CHECK(t.available("0::/a/b\n") == 700);
    t.v2("/a/b", "1000\n", "300\n", "anon 50\ninactive_file 100\nactive_file 20\nfile 120\n");
    CHECK(t.available("0::/a/b\n") == 820);
    t.v2("/a/b", "1000\n", "1001\n");
    CHECK(t.available("0::/a/b\n") == 0);
    t.v2("/a/b", "max\n", "300\n");
    CHECK(t.available("0::/a/b\n") == no_limit);
}

TEST_CASE("cgroup: every group above counts, the tightest decides") {
    const tree t;
    t.v2("/a/b", "1000\n", "300\n");
    t.v2("/a", "5000\n", "4900\n");
    t.v2("", "10000\n", "4950\n");
    CHECK(t.available("0::/a/b\n") == 100);
    CHECK(t.available("0::/a/b/\n") == 100);
    CHECK(t.available("0::/a\n") == 100);
    CHECK(t.available("0::/\n") == 5050);
    CHECK(t.available("0::/gone\n") == 5050);          // a container that sees its own group as the root
    CHECK(t.available("0::/../elsewhere\n") == 5050);  // outside of what it sees
}

TEST_CASE("cgroup: version 1 is read by its controller, and its largest number is no limit") {
    const tree t;
    t.v1("/job", "2000\n", "500\n", "cache 9\ntotal_inactive_file 10\ntotal_active_file 5\n");
    const std::string_view membership = "5:cpu,cpuacct:/other\n4:hugetlb,memory:/job\n1:name=systemd:/x\n0::/\n";
    CHECK(t.available(membership) == 1515);
    CHECK(t.available("4:cpu:/job\n") == no_limit);
    t.v1("/job", "9223372036854771712\n", "500\n");
    CHECK(t.available(membership) == no_limit);
}

TEST_CASE("cgroup: what cannot be read is no limit") {
    const tree t;
    t.v2("/a", "many\n", "300\n");
    t.v2("/b", "100\n", "");
    for (const auto* membership : {"", "\n", "::", "0:", "0::", "0::a", "0::/a\n", "0::/b\n", "no colons"})
        CHECK(t.available(membership) == no_limit);
    CHECK(cgroup_available_memory({"/nowhere/at/all", "/nowhere"}) == no_limit);
    CHECK(cgroup_available_memory() > 0);  // this machine's, whatever it is
}

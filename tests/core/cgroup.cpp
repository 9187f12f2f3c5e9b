// SPDX-License-Identifier: MIT
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <limits>
#include <string>
#include <string_view>
#include <support/temporary.hpp>

#include <doctest/doctest.h>

#include <wafer/core/cgroup.hpp>

using wafer::system::cgroup_available_memory;
using wafer::system::cgroup_cpus;
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
    [[nodiscard]] cgroup_files files(std::string_view membership) const {
        return {folder.file("membership", membership).string(), (folder.path() / "fs").string()};
    }
    [[nodiscard]] std::uint64_t available(std::string_view membership) const {
        return cgroup_available_memory(files(membership));
    }
    [[nodiscard]] std::size_t cpus(std::string_view membership) const { return cgroup_cpus(files(membership)); }
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

TEST_CASE("cgroup: of CPUs the tightest quota counts, rounded up, at least one; of both versions") {
    constexpr auto all = std::numeric_limits<std::size_t>::max();
    const tree t;
    t.file("fs/a/b/cpu.max", "max 100000\n");
    CHECK(t.cpus("0::/a/b\n") == all);
    t.file("fs/a/b/cpu.max", "400000 100000\n");
    CHECK(t.cpus("0::/a/b\n") == 4);
    t.file("fs/a/cpu.max", "250000 100000\n");
    CHECK(t.cpus("0::/a/b\n") == 3);
    t.file("fs/cpu.max", "50000 100000\n");
    CHECK(t.cpus("0::/a/b\n") == 1);
    CHECK(t.cpus("4:memory:/a/b\n") == all);
    for (const std::string_view odd : {"", "max", "400000", "many 100000", "400000 0", "0 0"}) {
        t.file("fs/odd/cpu.max", odd);
        t.file("fs/cpu.max", "max 100000");
        CHECK(t.cpus("0::/odd\n") == all);
    }
    t.file("fs/cpu/job/cpu.cfs_quota_us", "150000\n");
    t.file("fs/cpu/job/cpu.cfs_period_us", "100000\n");
    t.file("fs/cpu/cpu.cfs_quota_us", "-1\n");
    t.file("fs/cpu/cpu.cfs_period_us", "100000\n");
    CHECK(t.cpus("5:cpu,cpuacct:/job\n4:memory:/\n") == 2);
    CHECK(t.cpus("5:cpu,cpuacct:/\n") == all);
    CHECK(cgroup_cpus({"/nowhere/at/all", "/nowhere"}) == all);
    CHECK(cgroup_cpus() > 0);  // this machine's, whatever it is
}

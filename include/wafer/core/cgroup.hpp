// SPDX-License-Identifier: MIT
// L0 core: the memory and the CPUs that Linux control groups (containers) leave to this process. Reads files, whose place is an
// argument.
#pragma once

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <fstream>
#include <limits>
#include <optional>
#include <string>
#include <string_view>

#include <wafer/core/bits.hpp>
#include <wafer/core/config.hpp>

namespace wafer::inline WAFER_ABI::system {

/// Where the kernel shows control groups.
struct cgroup_files {
    std::string membership = "/proc/self/cgroup";  // lines of "number:controllers:/path"
    std::string root = "/sys/fs/cgroup";           // of version 2; version 1 has folders "memory" and "cpu" in it
};

namespace detail {

[[nodiscard]] inline std::optional<std::uint64_t> number_of(std::string_view text) {
    std::uint64_t value = 0;
    const auto [end, bad] = std::from_chars(text.data(), text.data() + text.size(), value);
    return bad == std::errc{} && end == text.data() + text.size() ? std::optional(value) : std::nullopt;
}

/// The n-th number in a file; nothing for a file that is not there, and for "max" and "-1".
[[nodiscard]] inline std::optional<std::uint64_t> number_in(const std::string& path, int n = 0) {
    std::ifstream file(path);
    std::string text;
    for (int i = 0; i <= n; ++i)
        if (!(file >> text)) return std::nullopt;
    return number_of(text);
}

enum class cgroup_version : std::uint8_t { v1, v2 };

/// visit(folder, version) for every group that this process is in, each with all above it; of version 1 the controller's.
template <class Visit>
void for_each_cgroup(const cgroup_files& files, const std::string& controller, Visit&& visit) {
    // A container may see its own group as the root: folders that are not there have no limits.
    const auto walk = [&](const std::string& root, std::string_view path, cgroup_version version) {
        if (path.find("..") != path.npos) path = {};  // outside of what this process may see
        for (std::string folder(path);; folder.erase(folder.rfind('/'))) {
            while (folder.ends_with('/')) folder.pop_back();
            visit(root + folder, version);
            if (folder.empty()) return;
        }
    };
    std::ifstream membership(files.membership);
    for (std::string line; std::getline(membership, line);) {
        const auto first = line.find(':'), second = line.find(':', first + 1);
        if (first == line.npos || second == line.npos || second + 1 >= line.size() || line[second + 1] != '/') continue;
        const auto controllers = "," + line.substr(first + 1, second - first - 1) + ",";
        const auto path = std::string_view(line).substr(second + 1);
        if (controllers == ",,") walk(files.root, path, cgroup_version::v2);
        else if (controllers.find("," + controller + ",") != controllers.npos)
            walk(files.root + "/" + controller, path, cgroup_version::v1);
    }
}

/// How one version names what it counts.
struct cgroup_names {
    std::string_view limit, usage, inactive, active;
};
inline constexpr cgroup_names cgroup_v1{"memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file",
                                        "total_active_file"};
inline constexpr cgroup_names cgroup_v2{"memory.max", "memory.current", "inactive_file", "active_file"};

/// What one group has left. Files that the kernel keeps in memory count as used, but are given back before anything fails.
[[nodiscard]] inline std::uint64_t left_in_cgroup(const std::string& folder, const cgroup_names& names) {
    constexpr auto all = std::numeric_limits<std::uint64_t>::max();
    const auto limit = number_in(folder + "/" + std::string(names.limit));
    const auto usage = number_in(folder + "/" + std::string(names.usage));
    if (!limit || !usage || *limit >= all / 4) return all;  // version 1 writes "no limit" as about 2^63
    std::uint64_t cached = 0;
    std::ifstream stat(folder + "/memory.stat");
    std::string key;
    for (std::uint64_t n = 0; stat >> key >> n;)
        if (key == names.inactive || key == names.active) cached += n;
    const std::uint64_t used = *usage - std::min(*usage, cached);
    return *limit - std::min(*limit, used);
}

}  // namespace detail

/// Bytes that this process may still take before a control group of its own or above it is full: limit - usage + file cache,
/// the least of all; the largest number where there is no limit.
[[nodiscard]] inline std::uint64_t cgroup_available_memory(const cgroup_files& files = {}) {
    std::uint64_t least = std::numeric_limits<std::uint64_t>::max();
    detail::for_each_cgroup(files, "memory", [&](const std::string& folder, detail::cgroup_version version) {
        const auto& names = version == detail::cgroup_version::v2 ? detail::cgroup_v2 : detail::cgroup_v1;
        least = std::min(least, detail::left_in_cgroup(folder, names));
    });
    return least;
}

/// CPUs whose time the control groups let this process have, rounded up: the least quota of all; the largest number where there
/// is none. Threads beyond it would only be held up, all at once, while others wait for them.
[[nodiscard]] inline std::size_t cgroup_cpus(const cgroup_files& files = {}) {
    std::size_t least = std::numeric_limits<std::size_t>::max();
    detail::for_each_cgroup(files, "cpu", [&](const std::string& folder, detail::cgroup_version version) {
        const bool v2 = version == detail::cgroup_version::v2;
        const auto quota = detail::number_in(folder + (v2 ? "/cpu.max" : "/cpu.cfs_quota_us"));
        const auto period = detail::number_in(folder + (v2 ? "/cpu.max" : "/cpu.cfs_period_us"), v2 ? 1 : 0);
        if (!quota || !period || *period == 0) return;
        least = std::min<std::size_t>(least, std::max<std::size_t>(ceil_div(*quota, *period), 1));
    });
    return least;
}

}  // namespace wafer::inline WAFER_ABI::system

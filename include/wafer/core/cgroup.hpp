// SPDX-License-Identifier: MIT
// L0 core: the memory that Linux control groups (containers) leave to this process. Reads files, whose place is an argument.
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

#include <wafer/core/config.hpp>

namespace wafer::inline WAFER_ABI::system {

/// Where the kernel shows control groups.
struct cgroup_files {
    std::string membership = "/proc/self/cgroup";  // lines of "number:controllers:/path"
    std::string root = "/sys/fs/cgroup";           // of version 2; version 1 has a folder "memory" in it
};

namespace detail {

/// The one number in a file; nothing for a file that is not there, and for "max".
[[nodiscard]] inline std::optional<std::uint64_t> number_in(const std::string& path) {
    std::ifstream file(path);
    std::string text;
    std::uint64_t value = 0;
    if (!(file >> text)) return std::nullopt;
    const auto [end, bad] = std::from_chars(text.data(), text.data() + text.size(), value);
    return bad == std::errc{} && end == text.data() + text.size() ? std::optional(value) : std::nullopt;
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
    // A container may see its own group as the root: folders that are not there have no limits.
    const auto walk = [&](const std::string& root, std::string_view path, const detail::cgroup_names& names) {
        if (path.find("..") != path.npos) path = {};  // outside of what this process may see
        for (std::string folder(path);; folder.erase(folder.rfind('/'))) {
            while (folder.ends_with('/')) folder.pop_back();
            least = std::min(least, detail::left_in_cgroup(root + folder, names));
            if (folder.empty()) return;
        }
    };
    std::ifstream membership(files.membership);
    for (std::string line; std::getline(membership, line);) {
        const auto first = line.find(':'), second = line.find(':', first + 1);
        if (first == line.npos || second == line.npos || second + 1 >= line.size() || line[second + 1] != '/') continue;
        const auto controllers = "," + line.substr(first + 1, second - first - 1) + ",";
        const auto path = std::string_view(line).substr(second + 1);
        if (controllers == ",,") walk(files.root, path, detail::cgroup_v2);
        else if (controllers.find(",memory,") != controllers.npos)
            walk(files.root + "/memory", path, detail::cgroup_v1);
    }
    return least;
}

}  // namespace wafer::inline WAFER_ABI::system

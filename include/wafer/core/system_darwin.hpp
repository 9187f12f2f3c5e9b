// SPDX-License-Identifier: MIT
// L0 core: CPUs and memory on macOS, for core/system.hpp. It has no affinity: its scheduler takes no advice about CPUs.
#pragma once

#if defined(__APPLE__)

#include <cstddef>
#include <cstdint>
#include <limits>
#include <mach/mach.h>
#include <thread>
#include <unistd.h>

#include <wafer/core/config.hpp>
#include <wafer/core/system_posix.hpp>

namespace wafer::inline WAFER_ABI::system {

[[nodiscard]] inline std::size_t usable_cpus() {
    const unsigned n = std::thread::hardware_concurrency();
    return n == 0 ? 1 : n;
}

inline void pin_this_thread(std::size_t) noexcept {}

[[nodiscard]] inline std::uint64_t available_memory() {
    vm_statistics64_data_t pages{};
    mach_msg_type_number_t length = HOST_VM_INFO64_COUNT;
    const auto host = ::mach_host_self();
    const auto answer = ::host_statistics64(host, HOST_VM_INFO64, reinterpret_cast<host_info64_t>(&pages), &length);
    ::mach_port_deallocate(::mach_task_self(), host);
    if (answer != KERN_SUCCESS) return std::numeric_limits<std::uint64_t>::max();
    return (std::uint64_t{pages.free_count} + pages.inactive_count) *
           static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
}

}  // namespace wafer::inline WAFER_ABI::system

#endif

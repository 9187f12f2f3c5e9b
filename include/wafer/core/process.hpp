// SPDX-License-Identifier: MIT
// L0 core: which process something was made in. fork() copies all memory, but of the threads only the one that called it: in the
// child whatever waits for another thread, or for a lock that one held just then, waits for ever.
#pragma once

#include <cstdint>

#include <wafer/core/config.hpp>
#include <wafer/core/error.hpp>
#include <wafer/core/system.hpp>

namespace wafer::inline WAFER_ABI {

/// A member of whatever has threads or locks: the process that it belongs to. Copies belong to the same.
class home_process {
public:
    /// This process. @throws error{errc::out_of_memory}
    home_process() {
        system::watch_forks();
        forks_ = system::forks();
    }
    /// Whether this is that process, and no child of it. @cost one read of memory
    [[nodiscard]] bool is_here() const noexcept { return forks_ == system::forks(); }
    /// @throws error{errc::wrong_process} where it is not
    void check() const {
        if (!is_here())
            raise(errc::wrong_process, "made before fork(), and used in the child: load the model again in the child");
    }

private:
    std::uint32_t forks_ = 0;
};

}  // namespace wafer::inline WAFER_ABI

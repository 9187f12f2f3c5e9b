// SPDX-License-Identifier: MIT
// L8 gen: how a model is loaded.
#pragma once

#include <cstddef>
#include <memory>
#include <stop_token>

#include <wafer/core/config.hpp>
#include <wafer/core/log.hpp>
#include <wafer/exec/pool.hpp>
#include <wafer/io/byte_source.hpp>
#include <wafer/model/weights.hpp>
#include <wafer/sram/arena.hpp>

namespace wafer::inline WAFER_ABI {

/// How weights become resident.
struct load_options {
    std::size_t n_threads = 0;            // 0: one for each CPU this process may use
    bool pin_threads = false;             // keep each on a CPU of its own
    std::shared_ptr<thread_pool> pool{};  // use these threads instead of new ones
    progress_fn progress{};               // return false to stop loading
    std::stop_token stop{};               // stops loading from another thread, within milliseconds
    log_fn log{};                         // hears what was chosen and what will be slow; the library prints nothing
    unused_tensors others = unused_tensors::refused;  // tensors that the architecture does not use
    /// How files at paths are had, those of later swaps too: file_access::read for network mounts, and where others may write.
    file_access access = file_access::map;
};

}  // namespace wafer::inline WAFER_ABI

// SPDX-License-Identifier: MIT
// L3 io: opens a checkpoint of whichever format it is. A new format is its own file and one entry here.
#pragma once

#include <filesystem>

#include <wafer/core/config.hpp>
#include <wafer/io/checkpoint.hpp>
#include <wafer/io/gguf.hpp>

namespace wafer::inline WAFER_ABI {

/// @throws error: file_not_found and the like; bad_magic if no known format begins like this file
[[nodiscard]] inline checkpoint open_checkpoint(const std::filesystem::path& path) { return open_gguf(path); }

}  // namespace wafer::inline WAFER_ABI

// SPDX-License-Identifier: MIT
// L3 io: opens a checkpoint of whichever format it is. A new format is its own file and one entry here.
#pragma once

#include <filesystem>
#include <utility>

#include <wafer/core/config.hpp>
#include <wafer/io/byte_source.hpp>
#include <wafer/io/checkpoint.hpp>
#include <wafer/io/gguf.hpp>

namespace wafer::inline WAFER_ABI {

/// @throws error: file_not_found and the like; bad_magic if no known format begins like this file
[[nodiscard]] inline checkpoint open_checkpoint(const std::filesystem::path& path) { return open_gguf(path); }
/// The same for a model that is in memory or behind a reader. Models in several files are opened from their paths alone.
[[nodiscard]] inline checkpoint open_checkpoint(byte_source file) { return open_gguf(std::move(file)); }

}  // namespace wafer::inline WAFER_ABI

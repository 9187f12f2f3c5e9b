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

/// Opens a model's file, and with one shard of a split model all of them. Reads headers, no weight.
/// @throws error: file_not_found, permission_denied, not_a_file, io_failed, out_of_memory; bad_magic if no known format
/// begins like this file; unsupported_version, truncated, corrupt, duplicate_name, unsupported_dtype, wrong_type
/// @param how  whether they are mapped or read, now and when weights are loaded
[[nodiscard]] inline checkpoint open_checkpoint(const std::filesystem::path& path, file_access how = file_access::map) {
    return open_gguf(path, how);
}
/// The same for a model that is in memory or behind a reader. Models in several files are opened from their paths alone.
[[nodiscard]] inline checkpoint open_checkpoint(byte_source file) { return open_gguf(std::move(file)); }

}  // namespace wafer::inline WAFER_ABI

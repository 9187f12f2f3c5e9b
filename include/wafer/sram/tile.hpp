// SPDX-License-Identifier: MIT
// L3 sram: one tile: a little memory with a processor beside it. Knows nothing of meshes, tensors or time.
#pragma once

#include <cstdint>
#include <limits>

#include <wafer/core/config.hpp>
#include <wafer/core/units.hpp>

namespace wafer::inline WAFER_ABI::sram {

/// Capacity of a tile that takes whatever it is given, as host memory does.
inline constexpr bytes unlimited{std::numeric_limits<std::uint64_t>::max()};

/// A tile's memory and pace. What is unknown stays zero, except the capacity.
struct tile_spec {
    bytes capacity = unlimited;
    bytes reserved{};              // program and buffers: not for weights or cache
    bytes_per_second bandwidth{};  // between its memory and its processor
    hertz clock{};

    /// What tensors may fill.
    [[nodiscard]] constexpr bytes usable() const noexcept {
        if (capacity == unlimited) return unlimited;
        return capacity > reserved ? capacity - reserved : bytes{};
    }
};

}  // namespace wafer::inline WAFER_ABI::sram

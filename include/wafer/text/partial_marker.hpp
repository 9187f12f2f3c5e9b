// SPDX-License-Identifier: MIT
// L1 text: what readers of streams hold back, since it may become a marker.
#pragma once

#include <algorithm>
#include <cstddef>
#include <string_view>

#include <wafer/core/config.hpp>

namespace wafer::inline WAFER_ABI {

/// Length of the longest end of a text that a marker begins with, without being all of it; 0 for an empty marker.
/// @cost the marker's length squared at worst
[[nodiscard]] inline std::size_t partial_marker(std::string_view text, std::string_view marker) noexcept {
    std::size_t n = std::min(marker.empty() ? 0 : marker.size() - 1, text.size());
    while (n > 0 && !text.ends_with(marker.substr(0, n))) --n;
    return n;
}

}  // namespace wafer::inline WAFER_ABI

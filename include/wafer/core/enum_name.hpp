// SPDX-License-Identifier: MIT
// L0 core: names of enumerators, for numbers that may have been cast from anything.
#pragma once

#include <cstddef>
#include <string_view>

#include <wafer/core/config.hpp>

namespace wafer::inline WAFER_ABI {

namespace detail {

// The name in a list that is in the order of the enumerators; "unknown" where the number is none of theirs.
template <class Enum, std::size_t N>
[[nodiscard]] constexpr std::string_view name_in(const std::string_view (&names)[N], Enum e) noexcept {
    const auto place = static_cast<std::size_t>(e);
    return place < N ? names[place] : "unknown";
}

}  // namespace detail

}  // namespace wafer::inline WAFER_ABI

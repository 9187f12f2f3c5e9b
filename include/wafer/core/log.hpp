// SPDX-License-Identifier: MIT
// L0 core: what the library has to say besides errors. It prints nothing: whoever wants to hear it passes a function.
#pragma once

#include <cstdint>
#include <functional>
#include <string_view>

#include <wafer/core/config.hpp>
#include <wafer/core/enum_name.hpp>

namespace wafer::inline WAFER_ABI {

/// How much a line matters.
enum class log_level : std::uint8_t {
    info,     // what was chosen: kernels, threads, sizes
    warning,  // what will not work or be slow, and what to do about it
};

/// The enumerator's name; "unknown" for a number that is none.
[[nodiscard]] constexpr std::string_view to_string(log_level level) noexcept {
    constexpr std::string_view names[] = {"info", "warning"};
    return detail::name_in(names, level);
}

/// Hears one line without its end. Called on the thread whose call it is about, so from several at once where a model is
/// shared; what it throws leaves that call.
using log_fn = std::function<void(log_level level, std::string_view line)>;

}  // namespace wafer::inline WAFER_ABI

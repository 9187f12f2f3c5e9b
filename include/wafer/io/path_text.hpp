// SPDX-License-Identifier: MIT
// L3 io: how errors name a file.
#pragma once

#include <filesystem>
#include <string>

#include <wafer/core/config.hpp>
#include <wafer/core/error.hpp>

namespace wafer::inline WAFER_ABI {

/// The path as text; UTF-8 on Windows, where string() throws for names outside of the code page.
[[nodiscard]] inline std::string path_text(const std::filesystem::path& path) {
    std::u8string text;
    if (exception_of([&] { text = path.u8string(); })) return "a name that is no Unicode";  // on Windows alone
    return {text.begin(), text.end()};
}

}  // namespace wafer::inline WAFER_ABI

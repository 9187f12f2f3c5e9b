// SPDX-License-Identifier: MIT
// A whole file as a string, for tests that read fixtures.
#pragma once

#include <fstream>
#include <iterator>
#include <optional>
#include <string>

namespace wafer_test {

inline std::optional<std::string> read_text(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    if (!file) return std::nullopt;
    return std::string(std::istreambuf_iterator<char>(file), {});
}

}  // namespace wafer_test

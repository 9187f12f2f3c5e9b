// SPDX-License-Identifier: MIT
#include <string>

#include <doctest/doctest.h>

#include <wafer/core/version.hpp>

TEST_CASE("version: the text, which packages carry, says what the numbers say, which code asks for") {
    CHECK(std::to_string(WAFER_VERSION_MAJOR) + "." + std::to_string(WAFER_VERSION_MINOR) + "." +
              std::to_string(WAFER_VERSION_PATCH) ==
          WAFER_VERSION_STRING);
}

// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <wafer/sram/tile.hpp>

using namespace wafer;

TEST_CASE("tile_spec: usable is what the program leaves, never less than nothing") {
    CHECK(sram::tile_spec{.capacity = 48_KiB, .reserved = 7_KiB}.usable() == 41_KiB);
    CHECK(sram::tile_spec{.capacity = 4_KiB, .reserved = 7_KiB}.usable() == bytes{});
    CHECK(sram::tile_spec{}.usable() == sram::unlimited);
    CHECK(sram::tile_spec{.reserved = 7_KiB}.usable() == sram::unlimited);
}

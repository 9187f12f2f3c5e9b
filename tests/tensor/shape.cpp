// SPDX-License-Identifier: MIT
#include <array>
#include <cstdint>
#include <limits>
#include <vector>

#include <doctest/doctest.h>

#include <wafer/tensor/shape.hpp>

using wafer::shape;

TEST_CASE("shape: extents are row-major and their product is the size") {
    constexpr shape dims{16, 320, 256};
    CHECK(dims.rank() == 3);
    CHECK(dims[0] == 16);
    CHECK(dims.cols() == 256);
    CHECK(dims.rows() == 16 * 320);
    CHECK(dims.elements() == 16 * 320 * 256);
    CHECK(wafer::to_string(dims) == "[16, 320, 256]");
    CHECK(dims == shape{16, 320, 256});
    CHECK_FALSE(dims == shape{16, 320, 256, 1});
    static_assert(shape{}.elements() == 1 && shape{}.rows() == 1 && shape{}.cols() == 1);
}

TEST_CASE("shape: what has no size is refused") {
    constexpr std::uint64_t huge = std::numeric_limits<std::uint64_t>::max();
    const std::vector<std::vector<std::uint64_t>> bad{{0},
                                                      {4, 0, 4},
                                                      {1, 1, 1, 1, 1},
                                                      {huge},
                                                      {std::uint64_t{1} << 63},
                                                      {std::uint64_t{1} << 32, std::uint64_t{1} << 32},
                                                      {std::uint64_t{1} << 32, std::uint64_t{1} << 32, 0},
                                                      {3, huge / 2}};
    for (const auto& extents : bad) CHECK_FALSE(shape::checked(extents));
    CHECK_THROWS_AS((shape{1, 0}), const wafer::error&);
    const std::array<std::uint64_t, 1> largest{static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())};
    CHECK(shape::checked(largest).has_value());
}

// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <wafer/text/partial_marker.hpp>

using namespace wafer;

TEST_CASE("partial_marker: the longest end that may become the marker is held back, and no whole marker") {
    CHECK(partial_marker("abc<", "<tool>") == 1);
    CHECK(partial_marker("<tool", "<tool>") == 5);
    CHECK(partial_marker("<tool>", "<tool>") == 0);
    CHECK(partial_marker("a<<", "<<<b") == 2);
    CHECK(partial_marker("<<<<", "<<<b") == 3);
    CHECK(partial_marker("ab", "<tool>") == 0);
    CHECK(partial_marker("", "<tool>") == 0);
    CHECK(partial_marker("ab", "") == 0);
    CHECK(partial_marker("ab", "b") == 0);
}

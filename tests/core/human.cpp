// SPDX-License-Identifier: MIT
#include <cstdint>
#include <limits>

#include <doctest/doctest.h>

#include <wafer/core/human.hpp>

using namespace wafer;

TEST_CASE("human: three digits and a unit, also where rounding reaches the next one") {
    CHECK(three_digits(0) == "0");
    CHECK(three_digits(0.01234) == "0.0123");
    CHECK(three_digits(1.2345) == "1.23");
    CHECK(three_digits(9.996) == "10.0");
    CHECK(three_digits(99.96) == "100");
    CHECK(three_digits(-12.34) == "-12.3");
    CHECK(three_digits(123456) == "123456");
    CHECK(three_digits(std::numeric_limits<double>::infinity()) == "inf");
    CHECK(fixed(2.0 / 3, 2) == "0.67");
    CHECK(fixed(std::numeric_limits<double>::max(), 9).size() == 319);

    CHECK(human(bytes(0)) == "0 B");
    CHECK(human(bytes(1023)) == "1023 B");
    CHECK(human(bytes(1024)) == "1.00 KiB");
    CHECK(human(48_KiB) == "48.0 KiB");
    CHECK(human(bytes((1u << 20) - 1)) == "1.00 MiB");
    CHECK(human(bytes(std::numeric_limits<std::uint64_t>::max())) == "16.0 EiB");
    CHECK(human(flops(15'000'000'000)) == "15.0 GFLOP");
    CHECK(human(flops(999'999)) == "1.00 MFLOP");
    CHECK(human(seconds(0)) == "0");
    CHECK(human(seconds(1.234e-6)) == "1.23 us");
    CHECK(human(seconds(0.9999)) == "1.00 s");
    CHECK(human(seconds(1234)) == "1234 s");
    CHECK(human(seconds(2e-12)) == "0.00200 ns");
}

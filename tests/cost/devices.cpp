// SPDX-License-Identifier: MIT
#include <set>
#include <string>
#include <string_view>

#include <doctest/doctest.h>

#include <wafer/cost/devices.hpp>

using namespace wafer;

TEST_CASE("make_device: reads what name() writes") {
    for (const char* text : {"a100", "h100", "h100x8", "h200x2", "b200x16", "wse2", "wse3x4", "wse2@660", "wse3x2@420",
                             "wse3-packed", "wse3x4@420-packed"})
        CHECK(cost::make_device(text).name() == text);
    CHECK(cost::make_device("h100x1").name() == "h100");
    CHECK(cost::make_device("h100x8").capacity() == cost::gpu(devices::h100_sxm, 8).capacity());
}

TEST_CASE("make_device: refuses the rest and says what is known") {
    for (const char* text : {"",       "x",       "x8",       "h10",         "h100x",
                             "h100x0", "h100x-1", "h100x8x8", "h100 x8",     "h100x99999999999",
                             "h100@4", "wse3@",   "wse3@0",   "wse3@9999",   "wse3x9999999",
                             "H100",   "@",       "wse3@4x4", "h100-packed", "-packed"}) {
        CAPTURE(text);
        try {
            (void)cost::make_device(text);
            FAIL_CHECK("accepted");
        } catch (const error& e) {
            CHECK(e.code() == errc::invalid_argument);
        }
    }
    try {
        (void)cost::make_device("tpu");
    } catch (const error& e) {
        CHECK(std::string(e.what()) == "device 'tpu' is not known; known are a100, h100, h200, b200, wse2, wse3, with "
                                       "a count behind them as in h100x8 or wse3x4");
    }
}

TEST_CASE("devices: names are unique and every figure that a model divides by is there") {
    std::set<std::string_view> names;
    for (const auto* d : devices::gpus) {
        CHECK(names.insert(d->name).second);
        CHECK_FALSE(d->basis.empty());
        CHECK(d->memory.count > 0);
        CHECK(d->bandwidth.count > 0);
        CHECK(d->peak.count > 0);
        CHECK(d->link.count > 0);
        CHECK((d->memory_efficiency > 0 && d->memory_efficiency <= 1));
        CHECK((d->compute_efficiency > 0 && d->compute_efficiency <= 1));
        CHECK((d->reduce[0] <= d->reduce[1] && d->reduce[1] <= d->reduce[2]));
    }
    for (const auto* d : devices::wafers) {
        CHECK(names.insert(d->name).second);
        CHECK_FALSE(d->basis.empty());
        CHECK(d->tile.usable().count > 0);
        CHECK(d->tile.bandwidth.count > 0);
        CHECK(d->tile.clock.count > 0);
        CHECK(d->columns * d->rows > 0);
        CHECK((d->mac_cycles > 0 && d->hop_cycles > 0 && d->batch_mac_cycles > 0 && d->batch_step_cycles > 0));
        CHECK(d->link.count > 0);
    }
}

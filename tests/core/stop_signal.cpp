// SPDX-License-Identifier: MIT
#include <chrono>

#include <doctest/doctest.h>

#include <wafer/core/stop_signal.hpp>

using namespace wafer;

TEST_CASE("stop_signal: is requested by word or by time, and either can be taken back") {
    stop_signal signal;
    CHECK(!signal.requested());
    signal.request();
    CHECK((signal.requested() && signal.asked()));
    signal.clear();
    CHECK(!signal.requested());
    signal.set_deadline(stop_signal::clock::now());
    CHECK((signal.requested() && !signal.asked()));
    signal.clear();
    CHECK(signal.requested());
    signal.set_deadline(stop_signal::clock::now() + std::chrono::hours(1));
    CHECK(!signal.requested());
    signal.set_deadline({});
    CHECK(!signal.requested());
}

TEST_CASE("stop_poll: hears of it within 256 rounds, and stays with that") {
    stop_signal signal;
    stop_poll stopped(&signal), never;
    for (int i = 0; i < 1000; ++i) CHECK(!stopped());
    signal.request();
    int rounds = 1;
    while (!stopped()) ++rounds;
    CHECK(rounds <= 256);
    signal.clear();
    CHECK(stopped());
    signal.request();
    CHECK((stop_poll(&signal, 1)() && stop_poll(&signal).now() && !stop_poll().now()));
    for (int i = 0; i < 1000; ++i) CHECK(!never());
}

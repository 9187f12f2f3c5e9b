// SPDX-License-Identifier: MIT
#include <array>
#include <atomic>
#include <chrono>
#include <mutex>
#include <thread>
#include <vector>

#include <doctest/doctest.h>

#include <wafer/exec/turnstile.hpp>

using namespace wafer;
using namespace std::chrono_literals;

TEST_SUITE("exec.turnstile") {

    TEST_CASE("turnstile: who comes again waits for those who wait already") {
        // A user that lets go asks again at once, so that without a queue the first would have nearly every turn.
        turnstile t;
        std::array<int, 4> turns{};
        int left = 200;
        std::vector<std::thread> users;
        for (auto& mine : turns)
            users.emplace_back([&] {
                for (bool over = false; !over;) {
                    const std::scoped_lock in(t);
                    over = left == 0;
                    if (!over) --left, ++mine;
                    std::this_thread::sleep_for(1ms);  // the others come meanwhile
                }
            });
        for (auto& u : users) u.join();
        CHECK(turns[0] + turns[1] + turns[2] + turns[3] == 200);
        for (const int n : turns) CHECK(n >= 20);  // 50 where all threads are on time
    }

    TEST_CASE("turnstile: who gives up leaves the queue, and those behind have their turn") {
        turnstile t;
        CHECK_FALSE(t.lock_unless([] { return true; }));
        t.lock();
        std::atomic<bool> stop{false}, gave_up{false}, last_in{false};
        std::thread first([&] { gave_up = !t.lock_unless([&] { return stop.load(); }); });
        std::this_thread::sleep_for(20ms);
        std::thread last([&] {
            const std::scoped_lock turn(t);
            last_in = true;
        });
        std::this_thread::sleep_for(20ms);
        stop = true;
        first.join();
        CHECK(gave_up);
        CHECK_FALSE(last_in);
        t.unlock();
        last.join();
        CHECK(last_in);
    }

    TEST_CASE("turnstile: who gives up just when called hands the turn on") {
        for (int i = 0; i < 300; ++i) {
            turnstile t;
            t.lock();
            std::atomic<bool> stop{false}, last_in{false};
            std::thread first([&] {
                if (t.lock_unless([&] { return stop.load(); })) t.unlock();
            });
            std::this_thread::sleep_for(std::chrono::microseconds(i % 20 * 20));
            std::thread last([&] {
                const auto until = std::chrono::steady_clock::now() + 20s;
                last_in = t.lock_unless([&] { return std::chrono::steady_clock::now() > until; });
                if (last_in) t.unlock();
            });
            std::this_thread::sleep_for(std::chrono::microseconds(i % 7 * 50));
            t.unlock();  // to the first, who finds both its turn and its stop
            stop = true;
            first.join();
            last.join();
            REQUIRE(last_in);
        }
    }
}

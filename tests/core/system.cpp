// SPDX-License-Identifier: MIT
#include <cstddef>
#include <cstdint>
#include <limits>
#include <thread>

#include <doctest/doctest.h>

#include <wafer/core/system.hpp>

#if defined(__linux__)
#include <sched.h>
#endif

using namespace wafer;

TEST_SUITE("core.system") {

    TEST_CASE("pages: zero at first, keep what is written, sealed and opened as a whole") {
        for (const std::size_t n : {std::size_t{1}, std::size_t{4096}, (std::size_t{5} << 20) + 7}) {
            std::byte* const p = system::reserve_pages(n);
            REQUIRE(p != nullptr);
            CHECK(reinterpret_cast<std::uintptr_t>(p) % 64 == 0);  // what panels need
            CHECK(p[0] == std::byte{0});
            CHECK(p[n - 1] == std::byte{0});
            p[n - 1] = std::byte{42};
            system::protect_pages(p, n, false);
            CHECK(p[n - 1] == std::byte{42});
            system::protect_pages(p, n, true);
            p[0] = std::byte{43};
            CHECK(p[0] == std::byte{43});
            system::release_pages(p, n);
        }
    }

    TEST_CASE("pages: more than any system has is null, and null may be released and sealed") {
        CHECK(system::reserve_pages(std::numeric_limits<std::size_t>::max() / 2) == nullptr);
        system::protect_pages(nullptr, 0, false);
        system::release_pages(nullptr, 0);
    }

    TEST_CASE("memory: some is available") { CHECK(system::available_memory() > (1u << 20)); }

    TEST_CASE("CPUs: at least one is usable, and a thread that is pinned keeps one, counted round and round") {
        const std::size_t n = system::usable_cpus();
        REQUIRE(n >= 1);
        for (std::size_t index = 0; index < 2 * n; ++index) {
            std::size_t left = 0;
            int cpu = -1;
            std::thread([&] {
                system::pin_this_thread(index);
                left = system::usable_cpus();
#if defined(__linux__)
                cpu = ::sched_getcpu();
#endif
            }).join();
#if defined(__linux__)
            CHECK(left == 1);
            CHECK(cpu >= 0);
#else
            CHECK(left >= 1);
#endif
        }
        CHECK(system::usable_cpus() == n);  // this thread is as free as before
    }
}

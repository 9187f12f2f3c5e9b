// SPDX-License-Identifier: MIT
#include <cstdint>
#include <cstring>

#include <doctest/doctest.h>

#include <wafer/exec/scratch.hpp>

using namespace wafer;

TEST_SUITE("exec.scratch") {

    TEST_CASE("scratch: buffers are aligned to 64 bytes, writable to their last byte and do not overlap") {
        scratch s(bytes(64 * 4));
        auto* a = s.take<char>(1);
        auto* b = s.take<float>(17);  // 68 bytes: two lines
        auto* c = s.take<double>(8);
        for (const void* p : {static_cast<void*>(a), static_cast<void*>(b), static_cast<void*>(c)})
            CHECK(reinterpret_cast<std::uintptr_t>(p) % 64 == 0);
        std::memset(b, 1, 17 * sizeof(float));
        std::memset(c, 2, 8 * sizeof(double));
        *a = 3;
        CHECK(reinterpret_cast<char*>(b) == a + 64);
        CHECK(reinterpret_cast<char*>(c) == a + 192);
        CHECK(reinterpret_cast<char*>(b)[67] == 1);
        CHECK(s.peak() == bytes(256));
        CHECK(s.peak() <= s.size());
    }

    TEST_CASE("scratch: a frame gives back what was taken in it, and the peak remembers the most") {
        scratch s(bytes(4096));
        auto* first = s.take<char>(64);
        void* inner = nullptr;
        {
            const scratch::frame frame(s);
            inner = s.take<char>(1000);
            {
                const scratch::frame deeper(s);
                CHECK(s.take<char>(64) == first + 64 + 1024);
            }
        }
        CHECK(s.take<char>(1) == inner);
        CHECK(s.peak() == bytes(64 + 1024 + 64));
    }

    TEST_CASE("scratch: without memory it counts just what a real one uses") {
        const auto pass = [](scratch& s) {
            const scratch::frame whole(s);
            bool null = s.take<float>(100) == nullptr;
            for (std::size_t i = 0; i < 10; ++i) {
                const scratch::frame frame(s);
                null = (s.take<double>(i * 7) == nullptr) == null && null;
                (void)s.take<char>(i * i);
            }
            return null;
        };
        scratch count;
        CHECK(pass(count));
        scratch real(count.peak());
        CHECK_FALSE(pass(real));
        CHECK(real.peak() == count.peak());
        CHECK(real.size() == count.peak());
    }

    TEST_CASE("scratch: moves with its memory, and impossible sizes are a typed error") {
        scratch a(bytes(128));
        auto* p = a.take<char>(64);
        *p = 7;
        scratch b(std::move(a));
        CHECK(*p == 7);
        CHECK(b.take<char>(64) == p + 64);
        scratch c;
        c = std::move(b);
        CHECK(*p == 7);
        CHECK(c.size() == bytes(128));
        try {
            scratch huge(bytes(std::uint64_t{1} << 62));
            FAIL("no error");
        } catch (const error& e) {
            CHECK(e.code() == errc::out_of_memory);
        }
    }
}

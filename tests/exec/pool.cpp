// SPDX-License-Identifier: MIT
#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <functional>
#include <limits>
#include <memory>
#include <string>
#include <support/child.hpp>
#include <thread>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

#include <wafer/exec/pool.hpp>

#if !defined(_WIN32)
#include <sys/resource.h>
#endif

using namespace wafer;
using namespace std::chrono_literals;

namespace {

double cpu_seconds() { return static_cast<double>(std::clock()) / CLOCKS_PER_SEC; }  // of all threads of this process

/// The least CPU time that all threads of this process took meanwhile, of a few tries: other programs cannot lower it.
template <class Work>
double least_cpu_seconds(const Work& work) {
    double least = 1e9;
    for (int i = 0; i < 3; ++i) {
        const double before = cpu_seconds();
        work();
        least = std::min(least, cpu_seconds() - before);
    }
    return least;
}

/// One counter a worker, not atomic and on one cache line: what one job wrote the caller and the next job must see.
struct tally {
    explicit tally(std::size_t n) : counts(n) {}
    void operator()(std::size_t worker) { ++counts[worker]; }
    std::vector<int> counts;
};

}  // namespace

TEST_SUITE("exec.pool") {

    TEST_CASE(
        "thread_pool: every job runs once on every worker, and its writes are seen by the caller and the next job") {
        for (const std::size_t n : {1u, 2u, 3u}) {
            thread_pool pool(n);
            REQUIRE(pool.size() == n);
            tally t(n);
            for (int job = 1; job <= 5000; ++job) {
                pool.run(t);
                for (const int c : t.counts) REQUIRE(c == job);
            }
        }
    }

    TEST_CASE("thread_pool: worker 0 is the caller, the others are threads of their own") {
        thread_pool pool(3);
        std::vector<std::thread::id> ids(3);
        pool.run([&](std::size_t worker) { ids[worker] = std::this_thread::get_id(); });
        CHECK(ids[0] == std::this_thread::get_id());
        CHECK(ids[1] != ids[0]);
        CHECK(ids[2] != ids[0]);
        CHECK(ids[1] != ids[2]);
        const auto again = ids;
        pool.run([&](std::size_t worker) { ids[worker] = std::this_thread::get_id(); });
        CHECK(ids == again);
    }

    TEST_CASE("thread_pool: more workers than CPUs finish many small jobs, without burning the CPUs for it") {
        thread_pool pool(4 * system::usable_cpus());
        tally t(pool.size());
        const auto start = std::chrono::steady_clock::now();
        for (int job = 0; job < 2000; ++job) pool.run(t);
        // Each job wakes all workers once: some 10 microseconds each. A pool that spins while others need the CPU takes a
        // scheduler's slice of milliseconds for each.
        CHECK(std::chrono::steady_clock::now() - start < 20s);
        for (const int c : t.counts) CHECK(c == 2000);
    }

    TEST_CASE("thread_pool: an idle pool uses no CPU") {
        for (const std::size_t n : {std::size_t{2}, 8 * system::usable_cpus()}) {
            thread_pool pool(n);
            pool.run([](std::size_t) {});
            std::this_thread::sleep_for(50ms);  // spinning and yielding is over after far less
            CHECK(least_cpu_seconds([] { std::this_thread::sleep_for(200ms); }) < 0.02);
        }
    }

    TEST_CASE("thread_pool: a caller that waits for a slow worker sleeps too") {
        thread_pool pool(2);
        const double used = least_cpu_seconds([&] {
            pool.run([](std::size_t worker) {
                if (worker == 1) std::this_thread::sleep_for(200ms);
            });
        });
        CHECK(used < 0.07);
    }

    TEST_CASE("thread_pool: no wake-up is lost, whenever a job comes: workers spin, yield, fall asleep or sleep then") {
        for (const std::size_t n : {std::size_t{2}, system::usable_cpus() + 1}) {  // spinning, and not
            thread_pool pool(n);
            std::atomic<int> finished{0};
            std::atomic<bool> over{false};
            std::thread watchdog([&] {  // a worker that sleeps for ever cannot be joined: end here, and say why
                int seen = -1;
                for (int idle = 0; !over && idle < 400; std::this_thread::sleep_for(50ms))
                    idle = std::exchange(seen, finished.load()) == finished ? idle + 1 : 0;
                if (over) return;
                std::fputs("thread_pool: a wake-up was lost\n", stderr);
                std::abort();
            });
            std::uint32_t random = 1;
            for (int job = 0; job < 4000; ++job) {
                pool.run([](std::size_t) {});
                ++finished;
                random = random * 1664525 + 1013904223;
                const auto until = std::chrono::steady_clock::now() + std::chrono::nanoseconds((random >> 15));
                while (std::chrono::steady_clock::now() < until) system::pause();  // up to 131 microseconds
            }
            over = true;
            watchdog.join();
            CHECK(finished == 4000);
        }
    }

    TEST_CASE("thread_pool: the workers of an oversubscribed pool use no CPU while worker 0 sleeps") {
        thread_pool pool(4 * system::usable_cpus());
        const double used = least_cpu_seconds([&] {
            for (int job = 0; job < 10; ++job)
                pool.run([](std::size_t worker) {
                    if (worker == 0) std::this_thread::sleep_for(30ms);
                });
        });
        CHECK(used < 0.1);
    }

    TEST_CASE("thread_pool: pools that want the same CPUs do not spin each other away") {
        if (system::usable_cpus() < 2) return;
        const auto seconds = [](std::size_t pools) {  // the least of a few tries
            double least = 1e9;
            for (int i = 0; i < 4; ++i) {
                const auto start = std::chrono::steady_clock::now();
                std::vector<std::thread> users;
                for (std::size_t p = 0; p < pools; ++p)
                    users.emplace_back([] {
                        thread_pool pool;
                        tally t(pool.size());
                        for (int job = 0; job < 4000; ++job)
                            pool.run([&](std::size_t worker) {
                                for (int spin = 0; spin < 100; ++spin) system::pause();
                                t(worker);
                            });
                        for (const int c : t.counts) CHECK(c == 4000);
                    });
                for (auto& user : users) user.join();
                const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
                least = std::min(least, took.count());
            }
            return least;
        };
        const double alone = seconds(1), together = seconds(2);
        CHECK(together < 10 * alone);  // 3; up to 30 where waiting threads spin all the same
    }

    TEST_CASE("thread_pool: several threads share a pool through lock(), each a series of jobs at a time") {
        thread_pool pool(3);
        tally t(pool.size());  // no lock of its own: a race is a wrong count, and a report under TSan
        std::vector<std::thread> users;
        for (int user = 0; user < 4; ++user)
            users.emplace_back([&] {
                for (int series = 0; series < 100; ++series) {
                    const auto turn = pool.lock();
                    const int before = t.counts[0];
                    for (int job = 0; job < 5; ++job) pool.run(t);
                    if (t.counts[0] != before + 5) t.counts[0] = -1'000'000;
                }
            });
        for (auto& u : users) u.join();
        for (const int c : t.counts) CHECK(c == 4 * 100 * 5);
    }

    TEST_CASE("thread_pool: can be destroyed at any time between jobs, also before the first") {
        for (int i = 0; i < 100; ++i) {
            thread_pool pool(4, i % 2 == 0);
            tally t(4);
            for (int job = 0; job < i % 3; ++job) pool.run(t);
            for (const int c : t.counts) CHECK(c == i % 3);
        }
    }

    TEST_CASE("thread_pool: more threads than any machine has are refused, and told how many there may be") {
        for (const std::size_t n : {max_threads + 1, std::size_t{1} << 32, std::numeric_limits<std::size_t>::max()}) {
            const auto refusal = error_of([&] { thread_pool pool(n); });
            REQUIRE(refusal);
            CHECK(refusal->code() == errc::invalid_argument);
            CHECK(std::string(refusal->what()) == std::to_string(n) + " threads are too many: at most 1024");
        }
        CHECK(worker_count(0) == system::usable_cpus());
        CHECK(worker_count(max_threads) == max_threads);
    }

#if !defined(_WIN32)
#if !WAFER_TEST_SANITIZED  // which need far more address space than there is here
    TEST_CASE("thread_pool: where the system gives fewer threads, that many it does give") {
        const int given = wafer_test::status_of_child([] {
            constexpr std::size_t n = 200;
            const rlimit room{rlim_t{600} << 20, rlim_t{600} << 20};  // for stacks of 8 MiB
            if (::setrlimit(RLIMIT_AS, &room) != 0) return 0;
            const auto refusal = error_of([] { thread_pool pool(n); });
            if (!refusal || refusal->code() != errc::out_of_memory) return 0;
            const std::string text = refusal->what(), before = "the system gives no more than ";
            if (!text.starts_with(before) || !text.ends_with(" of 200 threads: ask for fewer")) return 0;
            const auto figure = static_cast<std::size_t>(std::stoul(text.substr(before.size())));
            thread_pool pool(figure);
            tally t(figure);
            pool.run(t);
            return t.counts == std::vector<int>(figure, 1) ? static_cast<int>(figure) : 0;
        });
        CHECK(given > 1);
        CHECK(given < 200);
    }
#endif

    TEST_CASE(
        "thread_pool: in a forked child it is refused, its jobs run on the caller, and its end waits for nobody") {
        for (const std::size_t n : {1u, 3u})
            for (int i = 0; i < 50; ++i) {
                auto pool = std::make_unique<thread_pool>(n);
                auto turn = std::make_unique<std::unique_lock<turnstile>>(pool->lock());  // the parent is in a pass
                for (int job = 0; job < i % 3; ++job) pool->run([](std::size_t) {});
                const int status = wafer_test::status_of_child([&] {
                    int wrong = 0;
                    for (const std::function<void()>& use :
                         {std::function<void()>([&] { (void)pool->lock(); }),
                          std::function<void()>([&] { (void)pool->lock_unless([] { return true; }); }),
                          std::function<void()>([&] { pool->check_process(); })}) {
                        const auto refusal = error_of(use);
                        wrong += !refusal || refusal->code() != errc::wrong_process;
                    }
                    tally t(n);
                    pool->run(t);
                    wrong += t.counts != std::vector<int>(n, 1);
                    turn.reset();
                    pool.reset();
                    thread_pool own(n);
                    const auto in = own.lock();
                    own.run(t);
                    wrong += t.counts != std::vector<int>(n, 2);
                    return wrong;
                });
                REQUIRE(status == 0);
                tally t(n);
                pool->run(t);
                turn.reset();
                CHECK(t.counts == std::vector<int>(n, 1));
            }
    }

    TEST_CASE("thread_pool: a job may fork on any worker, and parent and child each come to an end") {
        // What ends where its main would, had it one, the sanitizers take for a leak, or fail to follow.
        for (std::size_t where = 0; where < (WAFER_TEST_SANITIZED ? 1 : 2); ++where) {
            CAPTURE(where);
            const int status = wafer_test::status_of_child([&] {  // what the forks leave behind ends with it
                thread_pool pool(3);
                pid_t child = -1;
                pool.run([&](std::size_t worker) {
                    if (worker == where) child = wafer_test::fork_mortal();
                });
                if (child == 0) ::_exit(7);  // run() ended here as well
                return wafer_test::status_of(child);
            });
            CHECK(status == (where == 0 ? 7 : 0));  // a child that is a worker ends as threads do
        }
    }
#endif

    TEST_CASE("share: parts follow one another, cover everything and differ by at most one item") {
        for (const std::size_t n : {0u, 1u, 5u, 1000u, 1001u})
            for (const std::size_t parts : {1u, 2u, 3u, 7u, 64u}) {
                std::size_t at = 0, least = n, most = 0;
                for (std::size_t i = 0; i < parts; ++i) {
                    const auto s = share::of(n, i, parts);
                    CHECK(s.begin == at);
                    CHECK(s.end >= s.begin);
                    at = s.end;
                    least = std::min(least, s.end - s.begin);
                    most = std::max(most, s.end - s.begin);
                }
                CHECK(at == n);
                CHECK(most - least <= 1);
            }
    }
}

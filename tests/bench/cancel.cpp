// SPDX-License-Identifier: MIT
// How long a load, a prompt and a decode go on after another thread said stop: the worst of many, at moments spread over each.
// Not a test: run it by hand on a quiet machine.
//   bench_cancel FILE [TIMES] [THREADS]
#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <functional>
#include <iostream>
#include <string>
#include <thread>
#include <vector>

#include <wafer/gen/model.hpp>
#include <wafer/model/sequence.hpp>

using namespace wafer;

namespace {

using clock_type = std::chrono::steady_clock;

double seconds_since(clock_type::time_point start) {
    return std::chrono::duration<double>(clock_type::now() - start).count();
}

/// Runs work() and calls stop() from another thread after `delay` seconds; seconds from stop() to the end of work().
double after_stop(double delay, const std::function<void()>& work, const std::function<void()>& stop) {
    clock_type::time_point stopped;
    std::thread other([&] {
        std::this_thread::sleep_for(std::chrono::duration<double>(delay));
        stopped = clock_type::now();
        stop();
    });
    work();
    const auto end = clock_type::now();
    other.join();
    return std::chrono::duration<double>(end - stopped).count();
}

void tell(const char* what, std::vector<double> times, double whole) {
    std::sort(times.begin(), times.end());
    std::printf("%-8s of %6.0f ms: worst of %zu cancels %5.1f ms, median %5.1f ms\n", what, 1e3 * whole, times.size(),
                1e3 * times.back(), 1e3 * times[times.size() / 2]);
}

int run(const std::string& path, std::size_t n, std::size_t n_threads) {
    const auto pool = std::make_shared<thread_pool>(n_threads);
    load_options how;
    how.pool = pool;
    (void)load(path, how);  // into the page cache
    auto start = clock_type::now();
    const model m = load(path, how);
    double whole = seconds_since(start);
    const auto delay = [&](std::size_t i) {
        return whole * (static_cast<double>(i) + 0.5) / (static_cast<double>(n) + 1);
    };

    std::vector<double> times;
    for (std::size_t i = 0; i < n; ++i) {
        std::stop_source source;
        auto stoppable = how;
        stoppable.stop = source.get_token();
        bool cancelled = false;
        const double t = after_stop(
            delay(i),
            [&] {
                try {
                    (void)load(path, stoppable);
                } catch (const error& e) {
                    cancelled = e.code() == errc::cancelled;
                }
            },
            [&] { source.request_stop(); });
        if (cancelled) times.push_back(t);
    }
    tell("load", times, whole);

    sequence_shape shape;
    shape.n_context = 1024;
    sequence<> s(m.net(), m.pool(), shape);
    std::vector<std::int32_t> prompt(512);
    for (std::size_t i = 0; i < prompt.size(); ++i) prompt[i] = static_cast<std::int32_t>(i * 37 % m.config().n_vocab);
    (void)s.eval(prompt);  // warms up
    s.rewind(0);
    start = clock_type::now();
    (void)s.eval(prompt);
    whole = seconds_since(start);
    times.clear();
    for (std::size_t i = 0; i < n; ++i) {
        s.rewind(0);
        s.clear_stop();
        eval_status status{};
        const double t = after_stop(
            delay(i), [&] { status = s.eval(prompt); }, [&] { s.request_stop(); });
        if (status == eval_status::stopped) times.push_back(t);
    }
    tell("prompt", times, whole);

    s.clear_stop();
    s.rewind(0);
    (void)s.eval(std::span(prompt).first(256));
    start = clock_type::now();
    for (std::size_t i = 0; i < 8; ++i) (void)s.eval(std::span(prompt).subspan(i, 1));
    whole = seconds_since(start);
    times.clear();
    for (std::size_t i = 0; i < n; ++i) {
        s.rewind(256);
        s.clear_stop();
        times.push_back(after_stop(
            delay(i),
            [&] {
                while (s.eval(std::span(prompt).first(1)) == eval_status::done) {
                }
            },
            [&] { s.request_stop(); }));
    }
    tell("decode", times, whole);

    // A second session reads a prompt that never ends: the first one waits for its turn when it is stopped.
    sequence<> other(m.net(), m.pool(), shape);
    std::atomic<bool> over{false};
    std::thread busy([&] {
        while (!over) {
            other.rewind(0);
            (void)other.eval(prompt);
        }
    });
    times.clear();
    for (std::size_t i = 0; i < n; ++i) {
        s.rewind(256);
        s.clear_stop();
        times.push_back(after_stop(
            delay(i),
            [&] {
                while (s.eval(std::span(prompt).first(1)) == eval_status::done) {
                }
            },
            [&] { s.request_stop(); }));
    }
    over = true;
    other.request_stop();
    busy.join();
    tell("waiting", times, whole);
    return 0;
}

}  // namespace

int main(int argc, char** argv) try {
    const std::vector<std::string> args(argv + 1, argv + argc);
    if (args.empty()) {
        std::cerr << "bench_cancel FILE [TIMES] [THREADS]\n";
        return 2;
    }
    return run(args[0], args.size() > 1 ? std::stoul(args[1]) : 20, args.size() > 2 ? std::stoul(args[2]) : 0);
} catch (const std::exception& e) {
    std::cerr << "bench_cancel: " << e.what() << '\n';
    return 1;
}

// SPDX-License-Identifier: MIT
#include <memory>
#include <vector>

#include <doctest/doctest.h>

#include <wafer/core/bits.hpp>
#include <wafer/exec/context.hpp>
#include <wafer/simd/kernels.hpp>

using namespace wafer;

namespace {

struct counting_device {
    std::shared_ptr<int> asked = std::make_shared<int>(0);
    static std::string name() { return "counting"; }
    charge price(const work& w, const pass&) const noexcept {
        ++*asked;
        charge c;
        c.total = c[bound::compute] = w.arithmetic / flops_per_second{1};
        return c;
    }
    static charge overhead(const pass&) noexcept { return {}; }
};

}  // namespace

TEST_SUITE("exec.context") {

    TEST_CASE(
        "context: split covers every item once, on one worker where little is to be done, in stretches where much is") {
        thread_pool pool(3);
        scratch memory;
        meter<cost::none> costs;
        exec::context<> ctx(pool, simd::select(), memory, costs);
        CHECK(ctx.workers() == 3);
        for (const std::size_t n : {0u, 1u, 2u, 3u, 10u, 1000u})
            for (const std::size_t each : {1u, 100u, 100000u}) {
                std::vector<std::atomic<int>> seen(n);
                std::atomic<std::size_t> calls = 0;
                ctx.split(n, each, [&](std::size_t begin, std::size_t end) {
                    ++calls;
                    for (std::size_t i = begin; i < end; ++i) ++seen[i];
                });
                for (const auto& s : seen) CHECK(s == 1);
                const std::size_t most = std::max<std::size_t>(1, (1 << 20) / std::max<std::size_t>(1, each));
                const std::size_t workers = n > 1 && n * each >= 32768 ? 3 : 1;
                std::size_t stretches = 0;
                for (std::size_t i = 0; i < workers; ++i) {
                    const auto part = share::of(n, i, workers);
                    stretches += ceil_div(part.end - part.begin, most);
                }
                CHECK(calls == stretches);
            }
    }

    TEST_CASE("context: run reaches every worker; a stopped context runs nothing") {
        thread_pool pool(2);
        scratch memory;
        meter<cost::none> costs;
        stop_signal stop;
        exec::context<> ctx(pool, simd::select(), memory, costs, &stop);
        std::atomic<int> runs{0};
        const auto job = [&](std::size_t) { ++runs; };
        const auto body = [&](std::size_t, std::size_t) { ++runs; };
        ctx.run(job);
        CHECK(runs == 2);
        CHECK_FALSE(ctx.stopped());
        stop.request();
        CHECK(ctx.stopped());
        ctx.run(job);
        ctx.split(1000, 1000, body);
        ctx.split(1, 1, body);
        CHECK(runs == 2);
        stop.clear();
        ctx.split(1, 1, body);
        CHECK(runs == 3);
        // Between two stretches it is heard.
        std::atomic<std::size_t> seen{0};
        ctx.split(100, 1 << 20, [&](std::size_t begin, std::size_t end) {
            seen += end - begin;
            stop.request();
        });
        CHECK((seen >= 1 && seen <= 2));
    }

    TEST_CASE("context: work is made once where the policy wants it, and never for cost::none") {
        thread_pool pool(1);
        scratch memory;
        int made = 0;
        const auto make = [&] {
            ++made;
            return work{.kind = op::head, .arithmetic = flops(10)};
        };
        meter<cost::none> nothing;
        exec::context<> none(pool, simd::select(), memory, nothing);
        { [[maybe_unused]] const auto metered = none.measure(make); }
        CHECK(made == 0);

        const counting_device device;
        meter<cost::compare<counting_device, counting_device>> two(cost::compare(device, device));
        const exec::context<cost::compare<counting_device, counting_device>> both(pool, simd::select(), memory, two);
        { [[maybe_unused]] const auto metered = both.measure(make); }
        CHECK(made == 1);
        CHECK(*device.asked == 2);

        meter<cost::host> clock;
        const exec::context<cost::host> timed(pool, simd::select(), memory, clock);
        { [[maybe_unused]] const auto metered = timed.measure(make); }
        CHECK(made == 2);
    }

    TEST_CASE("context: a phantom needs no threads, has the workers that it is told and computes nothing") {
        scratch count;
        meter<cost::none> costs;
        const exec::context<cost::none, exec::phantom> ctx(7, count, costs);
        CHECK(ctx.workers() == 7);
        CHECK_FALSE(decltype(ctx)::computes);
        CHECK(exec::context<>::computes);
        CHECK_FALSE(ctx.stopped());
    }
}

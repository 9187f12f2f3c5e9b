// SPDX-License-Identifier: MIT
#include <chrono>
#include <string>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

#include <wafer/cost/devices.hpp>
#include <wafer/cost/meter.hpp>

#include "../support/archetypes.hpp"
#include "../support/llama_work.hpp"

using namespace wafer;

TEST_CASE("meter: numbers that are no operation, no stage or no cause are told, or not counted") {
    const op no_op = static_cast<op>(77);
    const stage no_stage = static_cast<stage>(77);
    for (const int n : {10, 77, 255}) CHECK(to_string(static_cast<op>(n)) == "unknown");
    for (const int n : {2, 77, 255}) CHECK(to_string(static_cast<stage>(n)) == "unknown");
    for (const int n : {4, 77, 255}) CHECK(to_string(static_cast<bound>(n)) == "unknown");
    CHECK(to_string(op::head) == "head");
    CHECK(to_string(stage::decode) == "decode");
    CHECK(to_string(bound::latency) == "latency");
    charge c;
    stage_total totals;
    cost_report report;
    const auto code = [](auto&& work) { return error_of(work)->code(); };
    CHECK(code([&] { c[static_cast<bound>(4)] = {}; }) == errc::invalid_argument);
    CHECK(code([&] { totals[no_op] = {}; }) == errc::invalid_argument);
    CHECK(code([&] { (void)report[no_stage]; }) == errc::invalid_argument);
    const auto drive = [&](auto book) {
        book.begin({.at = no_stage, .n_tok = 3});
        {
            [[maybe_unused]] const auto odd = book.measure([&] { return work{.kind = no_op, .n_tok = 3}; });
        }
        {
            [[maybe_unused]] const auto good = book.measure([&] { return work{.kind = op::head, .n_tok = 3}; });
        }
        book.end();
        return book.reports()[0];
    };
    for (const cost_report& r : {drive(meter<cost::gpu>(cost::gpu{devices::h100_sxm})), drive(meter<cost::host>())}) {
        CHECK(r[stage::prefill].tokens == 3);
        CHECK(r[stage::prefill].sum().calls == 1);
        CHECK(r[stage::prefill][op::head].calls == 1);
    }
}

namespace {

// A second for each flop, and ten for each pass, so that sums are exact.
struct counting_device {
    std::string name() const { return "counting"; }
    std::string basis() const { return "counted"; }
    bytes capacity() const { return 1_KiB; }
    charge price(const work& w, const pass& whole) const noexcept {
        charge c;
        c.total = c[bound::compute] = seconds(w.arithmetic.value());
        c[bound::network] = seconds(static_cast<double>(whole.n_layer));
        return c;
    }
    charge overhead(const pass& whole) const noexcept {
        charge c;
        c.total = c[bound::latency] = seconds(10.0 * static_cast<double>(whole.n_tok));
        return c;
    }
};

work some(op kind, std::uint64_t n) {
    work w;
    w.kind = kind;
    w.n_tok = 1;
    w.arithmetic = flops(n);
    w.weights = bytes(2 * n);
    w.cache = bytes(3 * n);
    w.activations = bytes(4 * n);
    return w;
}
pass a_pass(stage at, std::uint64_t n_tok) { return {at, n_tok, 0, 7, 64, bytes(1000), bytes(100 * n_tok)}; }

template <class Meter>
void run(Meter& m) {
    m.begin(a_pass(stage::prefill, 5));
    {
        [[maybe_unused]] const auto metered = m.measure([] { return some(op::qkv, 100); });
    }
    {
        [[maybe_unused]] const auto metered = m.measure([] { return some(op::qkv, 1); });
    }
    m.end();
    for (std::uint64_t i = 0; i < 3; ++i) {
        m.begin(a_pass(stage::decode, 1));
        {
            [[maybe_unused]] const auto metered = m.measure([&] { return some(op::head, 20 + i); });
        }
        m.end();
    }
}

}  // namespace

TEST_CASE("meter: totals are the sums of what was reported, by stage and operation") {
    meter<counting_device> m;
    run(m);
    const auto reports = m.reports();
    REQUIRE(reports.size() == 1);
    const auto& r = reports[0];
    CHECK(r.device == "counting");
    CHECK(r.basis == "counted");
    CHECK(r.modelled);
    CHECK(r.needed == bytes(1500));
    CHECK(r.capacity == 1_KiB);
    CHECK_FALSE(r.fits());

    const auto& prefill = r[stage::prefill];
    CHECK(prefill.passes == 1);
    CHECK(prefill.tokens == 5);
    CHECK(prefill[op::qkv].calls == 2);
    CHECK(prefill[op::qkv].arithmetic == flops(101));
    CHECK(prefill[op::qkv].weights == bytes(202));
    CHECK(prefill[op::qkv].cache == bytes(303));
    CHECK(prefill[op::qkv].activations == bytes(404));
    CHECK(prefill[op::qkv].time.total == seconds(101));
    CHECK(prefill[op::qkv].time[bound::network] == seconds(14));  // the pass reached price()
    CHECK(prefill[op::head].calls == 0);
    CHECK(prefill.overhead.total == seconds(50));
    CHECK(prefill.time() == seconds(151));
    CHECK(prefill.per_token() == seconds(151.0 / 5));
    CHECK(prefill.rate() == doctest::Approx(5.0 / 151));
    CHECK(prefill.bound_by() == bound::compute);

    const auto& decode = r[stage::decode];
    CHECK(decode.passes == 3);
    CHECK(decode.tokens == 3);
    CHECK(decode[op::head].calls == 3);
    CHECK(decode[op::head].time.total == seconds(63));
    CHECK(decode.sum().calls == 3);
    CHECK(r.time() == seconds(151 + 63 + 30));

    m.reset();
    CHECK(m.reports()[0].time() == seconds(0));
    CHECK(m.reports()[0].needed == bytes{});
    CHECK(stage_total{}.rate() == 0);
    CHECK(stage_total{}.per_token() == seconds{});
}

TEST_CASE("meter: several models are fed by one run, and each call makes its work once") {
    int made = 0;
    const auto make = [&] {
        ++made;
        return some(op::norm, 4);
    };
    meter m{cost::compare{counting_device{}, archetype::device(2.0)}};
    m.begin(a_pass(stage::decode, 1));
    { [[maybe_unused]] const auto metered = m.measure(make); }
    m.end();
    CHECK(made == 1);
    const auto reports = m.reports();
    REQUIRE(reports.size() == 2);
    CHECK(reports[0].device == "counting");
    CHECK(reports[1].device == "archetype");
    CHECK(reports[0][stage::decode][op::norm].time.total == seconds(4));
    CHECK(reports[1][stage::decode][op::norm].time.total == seconds(2));
    CHECK(reports[1].fits());  // its capacity is not stated

    meter f{cost::fleet{{counting_device{}, archetype::device(2.0), cost::make_device("wse3x4")}}};
    f.begin(a_pass(stage::decode, 1));
    { [[maybe_unused]] const auto metered = f.measure(make); }
    f.end();
    CHECK(made == 2);
    REQUIRE(f.reports().size() == 3);
    CHECK(f.reports()[0].basis == "counted");
    CHECK(f.reports()[0].capacity == 1_KiB);
    CHECK(f.reports()[1][stage::decode].time() == seconds(2));
    CHECK(f.reports()[2].device == "wse3x4");

    meter<cost::fleet> idle;
    idle.begin(a_pass(stage::decode, 1));
    { [[maybe_unused]] const auto metered = idle.measure(make); }
    idle.end();
    CHECK(made == 2);
    CHECK(idle.reports().empty());
}

TEST_CASE("meter: one model alone and the same in company give the same figures") {
    meter alone{cost::gpu(devices::h100_sxm, 8)};
    meter both{cost::compare{cost::wafer(devices::wse3, 4), cost::gpu(devices::h100_sxm, 8)}};
    const auto step = llama_work::forward(llama_work::llama3_8b, stage::decode, 1, 1000);
    llama_work::feed(alone, step);
    llama_work::feed(both, step);
    CHECK(alone.reports()[0].time() == both.reports()[1].time());
    CHECK(alone.reports()[0].time().count ==
          doctest::Approx(llama_work::time(cost::gpu(devices::h100_sxm, 8), step)).epsilon(1e-12));
}

TEST_CASE("meter<host>: takes the time that passes while the scope lives; the rest of the pass is overhead") {
    const auto nap = [] { std::this_thread::sleep_for(std::chrono::milliseconds(4)); };
    meter<cost::host> m;
    m.begin(a_pass(stage::decode, 1));
    {
        [[maybe_unused]] const auto metered = m.measure([] { return some(op::qkv, 5); });
        nap();
    }
    nap();
    m.end();
    const auto reports = m.reports();
    REQUIRE(reports.size() == 1);
    CHECK_FALSE(reports[0].modelled);
    const auto& s = reports[0][stage::decode];
    CHECK(s[op::qkv].calls == 1);
    CHECK(s[op::qkv].arithmetic == flops(5));
    CHECK(s[op::qkv].time.total.count >=
          0.004);  // sleep_for never returns early; how late it returns is the machine's affair
    CHECK(s.overhead.total.count >= 0.004);
    CHECK(reports[0].needed == bytes(1100));
    m.reset();
    CHECK(m.reports()[0].time() == seconds(0));
}

TEST_CASE("meter<none>: is empty and never asks what was done") {
    static_assert(std::is_empty_v<meter<cost::none>>);
    static_assert(std::is_trivially_copyable_v<meter<cost::none>> &&
                  std::is_trivially_destructible_v<meter<cost::none>>);
    static_assert(std::is_empty_v<decltype(std::declval<meter<cost::none>&>().measure([] { return work{}; }))>);
    struct holder {
        int x;
        [[no_unique_address]] meter<cost::none> m;
    };
    static_assert(sizeof(holder) == sizeof(int));
    meter<cost::none> m;
    bool asked = false;
    m.begin(a_pass(stage::decode, 1));
    {
        [[maybe_unused]] const auto metered = m.measure([&] {
            asked = true;
            return work{};
        });
    }
    m.end();
    m.reset();
    CHECK_FALSE(asked);
    CHECK(m.reports().empty());
}

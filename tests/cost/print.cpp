// SPDX-License-Identifier: MIT
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

#include <wafer/cost/devices.hpp>
#include <wafer/cost/meter.hpp>
#include <wafer/cost/print.hpp>

#include "../support/archetypes.hpp"

using namespace wafer;

namespace {

template <class T>
std::string text(const T& x) {
    std::ostringstream out;
    out << x;
    return out.str();
}
template <class Policy>
std::vector<cost_report> run(Policy policy) {
    meter<Policy> m(std::move(policy));
    const auto one = [&](op kind, std::uint64_t n) {
        [[maybe_unused]] const auto metered = m.measure([&] {
            work w;
            w.kind = kind;
            w.n_tok = 1;
            w.arithmetic = flops(n);
            w.weights = bytes(n / 2);
            return w;
        });
    };
    m.begin({stage::prefill, 10, 0, 1, 64, 2_KiB, bytes{}});
    one(op::ffn_up, 40'000'000);
    m.end();
    for (int i = 0; i < 2; ++i) {
        m.begin({stage::decode, 1, 10, 1, 64, 2_KiB, bytes{}});
        one(op::norm, 1'000'000);
        one(op::ffn_up, 3'000'000);
        m.end();
    }
    return m.reports();
}

}  // namespace

TEST_CASE("print: one device reads as a table for each stage") {
    CHECK(text(run(archetype::device(1e9))) ==
          "archetype (modelled; sources not stated)\n"
          "\n"
          "prefill: 10 tokens in 1 pass, 40.0 ms, 4.00 ms each: 250 tokens/s, mostly compute\n"
          "  operation  calls        work   weights  cache     time    share  bound by\n"
          "  ffn_up         1  40.0 MFLOP  19.1 MiB         40.0 ms  100.0 %  compute\n"
          "  overhead                                             0    0.0 %\n"
          "  total          1  40.0 MFLOP  19.1 MiB         40.0 ms  100.0 %  compute\n"
          "\n"
          "decode: 2 tokens in 2 passes, 8.00 ms, 4.00 ms each: 250 tokens/s, mostly compute\n"
          "  operation  calls        work   weights  cache     time    share  bound by\n"
          "  norm           2  2.00 MFLOP   977 KiB         2.00 ms   25.0 %  compute\n"
          "  ffn_up         2  6.00 MFLOP  2.86 MiB         6.00 ms   75.0 %  compute\n"
          "  overhead                                             0    0.0 %\n"
          "  total          4  8.00 MFLOP  3.81 MiB         8.00 ms  100.0 %  compute\n");
}

TEST_CASE("print: several devices stand side by side, with where their figures come from") {
    CHECK(text(run(cost::compare{archetype::device(1e9), archetype::device(2e9)})) ==
          "prefill: 10 tokens in 1 pass, time per token\n"
          "  operation  archetype           archetype\n"
          "  ffn_up       4.00 ms  compute    2.00 ms  compute\n"
          "  overhead           0                   0\n"
          "  total        4.00 ms  compute    2.00 ms  compute\n"
          "  tokens/s         250                 500\n"
          "\n"
          "decode: 2 tokens in 2 passes, time per token\n"
          "  operation  archetype           archetype\n"
          "  norm         1.00 ms  compute     500 us  compute\n"
          "  ffn_up       3.00 ms  compute    1.50 ms  compute\n"
          "  overhead           0                   0\n"
          "  total        4.00 ms  compute    2.00 ms  compute\n"
          "  tokens/s         250                 500\n"
          "\n"
          "archetype: modelled; sources not stated\n"
          "archetype: modelled; sources not stated\n");
    CHECK(text(std::vector<cost_report>{}).empty());
}

TEST_CASE("print: measured time claims no bound, and a model that does not fit is said so") {
    const auto host = text(run(cost::host{}));
    CHECK(host.find("host (measured on this machine)") == 0);
    for (const char* word : {"compute", "memory", "network", "latency", "bound", "mostly"})
        CHECK(host.find(word) == std::string::npos);

    auto reports = run(cost::compare{cost::gpu(devices::h100_sxm), cost::wafer(devices::wse3)});
    CHECK(text(reports).find("does not fit") == std::string::npos);
    reports[0].needed = reports[1].needed = bytes(70'000'000'000);
    CHECK(text(reports).find("wse3: does not fit: 65.2 GiB needed, 35.2 GiB there; priced as if it did\n") !=
          std::string::npos);
    CHECK(text(reports).find("h100: does not") == std::string::npos);
}

TEST_CASE("print: JSON carries the same figures, also with a name that needs escapes") {
    auto reports = run(cost::compare{archetype::device(1e9), cost::wafer(devices::wse3)});
    reports[0].device = "a \"b\"\n";
    const auto all = json::parse(to_json(reports).dump());
    CHECK(all.dump() == to_json(reports).dump());
    const auto one = to_json(reports[0]).dump();
    CHECK(one.find(R"("device":"a \"b\"\n")") != std::string::npos);
    CHECK(one.find("capacity") == std::string::npos);
    CHECK(one.find(R"("decode":{"passes":2,"tokens":2,"seconds":0.008)") != std::string::npos);
    CHECK(to_json(reports[1]).dump().find(R"("fits":true)") != std::string::npos);
    CHECK(to_json(run(cost::host{})[0]).dump().find("bound_by") == std::string::npos);
}

// SPDX-License-Identifier: MIT
#include <cmath>

#include <doctest/doctest.h>

#include <wafer/cost/devices.hpp>

#include "../support/llama_work.hpp"

using namespace wafer;
using llama_work::forward;
using llama_work::off;

namespace {

// Tokens per second of a decode step behind n_past others.
double decode_rate(const cost::gpu& device, const llama_work::shape& m, std::uint64_t n_past) {
    return 1 / llama_work::time(device, forward(m, stage::decode, 1, n_past));
}

constexpr cost::gpu_spec round_numbers{.name = "round",
                                       .basis = "made up",
                                       .memory = bytes(1000),
                                       .bandwidth = bytes_per_second{100},
                                       .peak = flops_per_second{1000},
                                       .link = bytes_per_second{10},
                                       .memory_efficiency = 0.5,
                                       .compute_efficiency = 0.1,
                                       .product_kernel = seconds{3},
                                       .small_kernel = seconds{1},
                                       .reduce = {seconds{4}, seconds{5}, seconds{6}},
                                       .host = seconds{7}};

}  // namespace

TEST_CASE("gpu: an operation takes its stream or its arithmetic, a kernel, and its all-reduce") {
    work w;
    w.kind = op::ffn_down;
    w.n_tok = 2;
    w.outputs = 10;
    w.weights = bytes(800);
    w.cache = bytes(100);
    w.activations = bytes(200);  // as f32: half of that at 16 bits
    w.arithmetic = flops(500);
    const auto one = cost::gpu(round_numbers).price(w, {});
    CHECK(one[bound::memory].count == doctest::Approx(1000 / 50.0));
    CHECK(one[bound::compute].count == doctest::Approx(500 / 100.0));
    CHECK(one[bound::latency] == seconds(3));
    CHECK(one[bound::network] == seconds(0));
    CHECK(one.total.count == doctest::Approx(23));
    CHECK(one.bound_by() == bound::memory);

    const auto four = cost::gpu(round_numbers, 4).price(w, {});
    CHECK(four[bound::memory].count == doctest::Approx(5));
    CHECK(four[bound::network].count ==
          doctest::Approx(5 + 2 * 0.75 * 40 / 8));  // 2 x 10 elements of 2 bytes, links at 80 %
    CHECK(four.total.count == doctest::Approx(5 + 3 + 12.5));

    w.kind = op::norm;  // on every GPU alike
    CHECK(cost::gpu(round_numbers, 4).price(w, {}).total.count == doctest::Approx(20 + 1));
    CHECK(cost::gpu(round_numbers).overhead({.at = stage::decode, .n_tok = 1}).total == seconds(7));
    CHECK(cost::gpu(round_numbers, 3).capacity() == bytes(3000));
    CHECK(cost::gpu(round_numbers).name() == "round");
    CHECK(cost::gpu(round_numbers, 3).name() == "roundx3");
    CHECK_THROWS_AS(cost::gpu(round_numbers, 0), error);
}

// The bounds below are what this form reaches, not what it should: the worst row of each engine, rounded up.
TEST_CASE("gpu: gpt-fast's Llama-2-7B on 1, 2, 4, 8 A100 within 6 %") {
    CHECK(off(decode_rate(cost::gpu(devices::a100_80g, 1), llama_work::llama2_7b, 100), 104.9) < 0.06);
    CHECK(off(decode_rate(cost::gpu(devices::a100_80g, 2), llama_work::llama2_7b, 100), 168.8) < 0.06);
    CHECK(off(decode_rate(cost::gpu(devices::a100_80g, 4), llama_work::llama2_7b, 100), 254.0) < 0.06);
    CHECK(off(decode_rate(cost::gpu(devices::a100_80g, 8), llama_work::llama2_7b, 100), 328.4) < 0.06);
}

TEST_CASE("gpu: rows that fitted nothing: H100 in a CUDA graph within 11 %, H200 at FP8 within 6 %, A100 engines "
          "within 22 %") {
    auto fp8_70b = llama_work::llama2_70b;
    fp8_70b.weight_bytes = 1;
    CHECK(off(decode_rate(cost::gpu(devices::h100_sxm), llama_work::llama3_8b, 100), 1 / 5.1e-3) < 0.11);
    CHECK(off(decode_rate(cost::gpu(devices::h200), fp8_70b, 1000), 51.1) < 0.06);
    CHECK(off(decode_rate(cost::gpu(devices::a100_80g), llama_work::llama3_8b, 4095), 78.9) < 0.22);
    CHECK(off(decode_rate(cost::gpu(devices::a100_80g, 8), llama_work::llama3_8b, 4095), 260.4) < 0.22);
    CHECK(off(decode_rate(cost::gpu(devices::a100_80g), fp8_70b, 100), 19.1) < 0.22);
    CHECK(off(decode_rate(cost::gpu(devices::a100_80g, 8), fp8_70b, 100), 80.4) < 0.22);
}

TEST_CASE("gpu: decode is bound by memory, a long prompt by arithmetic") {
    const cost::gpu device(devices::a100_80g);
    const auto up = [](const llama_work::step& s) {
        for (const auto& w : s.ops)
            if (w.kind == op::ffn_up) return w;
        return work{};
    };
    const auto decode = forward(llama_work::llama3_8b, stage::decode, 1, 100),
               prefill = forward(llama_work::llama3_8b, stage::prefill, 4096, 0);
    CHECK(device.price(up(decode), decode.whole).bound_by() == bound::memory);
    CHECK(device.price(up(prefill), prefill.whole).bound_by() == bound::compute);
    CHECK(off(4096 / llama_work::time(device, prefill), 13988.3) <
          0.02);  // WaferLLM T3: the row that fitted compute_efficiency
}

// SPDX-License-Identifier: MIT
#include <algorithm>
#include <cmath>
#include <cstdint>

#include <doctest/doctest.h>

#include <wafer/cost/devices.hpp>

#include "../support/llama_work.hpp"

using namespace wafer;
using llama_work::forward;
using llama_work::off;

namespace {

// WaferLLM's figures hold the layers alone: no head, no crossing of wafers.
double layers_only(const cost::wafer& device, const llama_work::step& s) {
    double t = 0;
    for (const auto& w : s.ops)
        if (w.kind != op::embed) t += device.price(w, s.whole).total.count;
    return t;
}
double decode_rate(std::uint32_t side, const llama_work::shape& m) {
    return 1 / layers_only(cost::wafer(devices::wse2, 1, {.side = side}), forward(m, stage::decode, 1, 4095, false));
}
double prefill_rate(std::uint32_t side, const llama_work::shape& m) {
    return 4096 /
           layers_only(cost::wafer(devices::wse2, 1, {.side = side}), forward(m, stage::prefill, 4096, 0, false));
}

}  // namespace

TEST_CASE("wafer: WaferLLM's nine decode rows within 2.1 %") {
    CHECK(off(decode_rate(420, llama_work::llama3_8b), 2699.9) < 0.021);
    CHECK(off(decode_rate(540, llama_work::llama3_8b), 2501.5) < 0.021);
    CHECK(off(decode_rate(660, llama_work::llama3_8b), 2243.3) < 0.021);
    CHECK(off(decode_rate(420, llama_work::llama2_13b), 2039.2) < 0.021);
    CHECK(off(decode_rate(540, llama_work::llama2_13b), 1899.4) < 0.021);
    CHECK(off(decode_rate(660, llama_work::llama2_13b), 1739.8) < 0.021);
    CHECK(off(decode_rate(420, llama_work::codellama_34b), 1450.8) < 0.021);
    CHECK(off(decode_rate(540, llama_work::codellama_34b), 1407.7) < 0.021);
    CHECK(off(decode_rate(660, llama_work::codellama_34b), 1359.2) < 0.021);
}

TEST_CASE("wafer: WaferLLM's prefill rows: 8B, which fitted the law, within 0.5 %; 34B, which did not, within 13 %") {
    CHECK(off(prefill_rate(480, llama_work::llama3_8b), 20320.6) < 0.005);
    CHECK(off(prefill_rate(600, llama_work::llama3_8b), 25037.2) < 0.005);
    CHECK(off(prefill_rate(720, llama_work::llama3_8b), 27686.5) < 0.005);
    CHECK(off(prefill_rate(480, llama_work::codellama_34b), 5471.4) < 0.13);
    CHECK(off(prefill_rate(600, llama_work::codellama_34b), 7540.1) < 0.13);
    CHECK(off(prefill_rate(720, llama_work::codellama_34b), 8526) < 0.13);
}

TEST_CASE("wafer: the side it chooses is within 2 % of the best of all sides, in decode and in prefill") {
    for (const auto& m : {llama_work::llama3_8b, llama_work::llama2_13b, llama_work::llama2_70b})
        for (const auto& s : {forward(m, stage::decode, 1, 100, false), forward(m, stage::prefill, 512, 0, false)}) {
            double best = 1e9;
            for (std::uint32_t side = 20; side <= 750; side += 10)
                best = std::min(best, layers_only(cost::wafer(devices::wse2, 1, {.side = side}), s));
            CHECK(layers_only(cost::wafer(devices::wse2), s) < 1.02 * best);
        }
}

TEST_CASE("wafer: weights are not streamed: twice the bits take no longer, a quarter of the width does") {
    auto narrow = llama_work::llama3_8b, wide = llama_work::llama3_8b, thin = llama_work::llama3_8b;
    narrow.weight_bytes = 1;
    wide.weight_bytes = 2;
    thin.d_model /= 4;
    thin.d_ff /= 4;
    const cost::wafer device(devices::wse3);
    const auto decode = [&](const llama_work::shape& m) {
        return layers_only(device, forward(m, stage::decode, 1, 100, false));
    };
    CHECK(decode(narrow) == doctest::Approx(decode(wide)));
    CHECK(decode(thin) < 0.7 * decode(wide));
    CHECK(decode(thin) > 0.3 * decode(wide));  // not a quarter: a layer's latency stays
}

TEST_CASE("wafer: unequal loads of experts stretch the arithmetic where experts are packed, and nothing where they are "
          "spread") {
    const cost::wafer spread(devices::wse2, 1, {.side = 420}),
        packed(devices::wse2, 1, {.side = 420, .pack_experts = true});
    work w;
    w.kind = op::ffn_up;
    w.n_tok = 1;
    w.arithmetic = flops(200'000'000);
    w.weights = w.resident = bytes(200'000'000);
    const auto even = packed.price(w, {});
    CHECK(spread.price(w, {}).total == even.total);
    w.imbalance = 8;
    const auto uneven = packed.price(w, {});
    CHECK(uneven[bound::compute].count == doctest::Approx(8 * even[bound::compute].count));
    CHECK(uneven[bound::network] == even[bound::network]);
    CHECK(uneven[bound::latency] == even[bound::latency]);
    CHECK(spread.price(w, {}).total == even.total);
}

TEST_CASE("wafer: a region grows to hold what it may touch, and sums then travel further") {
    const cost::wafer device(devices::wse2, 1, {.side = 100});
    work w;
    w.kind = op::ffn_up;
    w.n_tok = 1;
    w.arithmetic = flops(1000);
    w.resident = devices::wse2.tile.usable() * std::uint64_t{100 * 100};
    const auto fits = device.price(w, {});
    CHECK(fits[bound::network].count == doctest::Approx(100 * devices::wse2.hop_cycles / 1.1e9));
    w.resident = w.resident * std::uint64_t{9};
    CHECK(device.price(w, {})[bound::network].count == doctest::Approx(3 * fits[bound::network].count));
}

TEST_CASE("wafer: a pass crosses as many wafers as hold the model") {
    const cost::wafer four(devices::wse3, 4);
    const auto overhead = [&](bytes weights) {
        return four.overhead({.at = stage::decode, .n_tok = 1, .weights = weights})[bound::latency].count;
    };
    CHECK(overhead(10_GiB) == doctest::Approx(5e-6));
    CHECK(overhead(40_GiB) == doctest::Approx(10e-6));
    CHECK(overhead(131_GiB) == doctest::Approx(20e-6));
    CHECK(overhead(1000_GiB) == doctest::Approx(20e-6));
    // 70B at 16 bits needs four, as Cerebras said in 2024.
    CHECK(four.capacity() > bytes(141'000'000'000));
    CHECK(cost::wafer(devices::wse3, 3).capacity() < bytes(141'000'000'000));
    CHECK(four.mesh().tiles() == 4 * 900'000);
}

TEST_CASE("wafer: no wafer, too many, and a region larger than one are refused") {
    CHECK_THROWS_AS(cost::wafer(devices::wse3, 0), error);
    CHECK_THROWS_AS(cost::wafer(devices::wse3, 1'000'000), error);
    CHECK_THROWS_AS(cost::wafer(devices::wse3, 1, {.side = 751}), error);
}

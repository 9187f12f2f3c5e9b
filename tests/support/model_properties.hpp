// SPDX-License-Identifier: MIT
// Test support: what every device_model promises (cost/policy.hpp), tried on pseudo-random work.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <random>
#include <string>

#include <doctest/doctest.h>

#include <wafer/cost/policy.hpp>

namespace model_properties {

inline wafer::work random_work(std::mt19937_64& random) {
    // Sizes from nothing to far beyond any model, evenly over their orders of magnitude.
    const auto size = [&] { return random() % 8 == 0 ? std::uint64_t{0} : random() >> (24 + random() % 40); };
    wafer::work w;
    w.kind = static_cast<wafer::op>(random() % wafer::op_count);
    w.n_tok = 1 + (random() >> (48 + random() % 16));
    w.arithmetic = wafer::flops(size());
    w.weights = wafer::bytes(size());
    w.cache = wafer::bytes(size());
    w.activations = wafer::bytes(size());
    w.outputs = random() % 100000;
    w.inputs = random() % 100000;
    w.resident = w.weights + wafer::bytes(size());
    w.imbalance = random() % 2 == 0 ? 1 : 1 + static_cast<double>(random() % 700) / 100;
    return w;
}

inline wafer::pass random_pass(std::mt19937_64& random) {
    const auto at = random() % 2 == 0 ? wafer::stage::prefill : wafer::stage::decode;
    return {at,
            1 + random() % 5000,
            random() % 100000,
            1 + random() % 100,
            random() % 20000,
            wafer::bytes(random() >> 24),
            wafer::bytes(random() >> 30)};
}

inline bool sound(const wafer::charge& c) {
    double least = 0, most = 0;
    for (const auto t : c.terms) {
        if (!std::isfinite(t.count) || t.count < 0) return false;
        least = std::max(least, t.count);
        most += t.count;
    }
    // A total is at least its largest cause and at most all of them in turn, up to rounding.
    return std::isfinite(c.total.count) && c.total.count >= least * (1 - 1e-12) && c.total.count <= most * (1 + 1e-12);
}

template <wafer::device_model Model>
void check(const Model& model) {
    using namespace wafer;
    std::mt19937_64 random(20260923);
    CHECK_FALSE(std::string(model.name()).empty());
    for (int i = 0; i < 4000; ++i) {
        const pass whole = random_pass(random);
        work w = random_work(random);
        const charge before = model.price(w, whole);
        REQUIRE(sound(before));
        REQUIRE(sound(model.overhead(whole)));
        REQUIRE(Model(model).price(w, whole).total == before.total);  // pure, and the same for a copy

        work none;
        none.kind = w.kind;
        REQUIRE(model.price(none, whole).total.count == 0);
        REQUIRE(model.price(none, pass{}).total.count == 0);
        REQUIRE(sound(model.price(w, pass{})));  // also outside any pass

        switch (random() % 6) {
            case 0: w.arithmetic += flops(1 + w.arithmetic.count / 3); break;
            case 1: w.weights += bytes(1 + w.weights.count); break;
            case 2: w.cache += bytes(1 + w.cache.count / 7); break;
            case 3: w.activations += bytes(1 + w.activations.count / 2); break;
            case 4: w.n_tok += 1 + w.n_tok / 2; break;
            default: w.resident += bytes(1 + w.resident.count); break;
        }
        REQUIRE(model.price(w, whole).total.count >= before.total.count * (1 - 1e-12));
    }
    CHECK(model.overhead(pass{}).total.count == 0);
}

}  // namespace model_properties

// SPDX-License-Identifier: MIT
#include <cmath>
#include <limits>
#include <map>
#include <vector>

#include <doctest/doctest.h>

#include <wafer/gen/sampler.hpp>

using wafer::sampler;
using wafer::sampling;

namespace {

constexpr sampling plain{.temperature = 1, .top_k = 0, .top_p = 1, .min_p = 0};

sampling with(auto change) {
    sampling s = plain;
    change(s);
    return s;
}

std::map<int, int> draws(const sampling& how, const std::vector<float>& logits, int n) {
    sampler s(how);
    std::map<int, int> counts;
    for (int i = 0; i < n; ++i) ++counts[s.pick(logits)];
    return counts;
}

}  // namespace

TEST_CASE("sampler: temperature 0 takes the most likely token, and the lower id among equals") {
    sampler greedy(with([](auto& s) { s.temperature = 0; }));
    CHECK(greedy.pick(std::vector<float>{1, 3, 2}) == 1);
    CHECK(greedy.pick(std::vector<float>{1, 3, 3}) == 1);
    CHECK(greedy.pick(std::vector<float>{-5}) == 0);
}

TEST_CASE("sampler: frequencies follow the softmax") {
    const std::vector<float> logits{0, 1, 2};
    const int n = 20000;
    const auto counts = draws(plain, logits, n);
    const double total = 1 + std::exp(1.0) + std::exp(2.0);
    for (int i = 0; i < 3; ++i) {
        const double p = std::exp(static_cast<double>(i)) / total;
        // Five standard deviations of a binomial count.
        CHECK(std::abs(counts.at(i) - n * p) < 5 * std::sqrt(n * p * (1 - p)));
    }
}

TEST_CASE("sampler: temperature sharpens and flattens") {
    const std::vector<float> logits{0, 1};
    const int n = 20000;
    for (const float t : {0.5f, 2.0f}) {
        const double p = 1 / (1 + std::exp(-1.0 / static_cast<double>(t)));
        const auto counts = draws(with([&](auto& s) { s.temperature = t; }), logits, n);
        CHECK(std::abs(counts.at(1) - n * p) < 5 * std::sqrt(n * p * (1 - p)));
    }
}

TEST_CASE("sampler: each cut leaves exactly what it promises") {
    const std::vector<float> logits{std::log(0.5f), std::log(0.3f), std::log(0.15f), std::log(0.05f)};
    CHECK(draws(with([](auto& s) { s.top_k = 2; }), logits, 2000).size() == 2);
    CHECK(draws(with([](auto& s) { s.top_k = 99; }), logits, 2000).size() == 4);
    CHECK(draws(with([](auto& s) { s.top_p = 0.5f; }), logits, 2000).size() == 1);
    CHECK(draws(with([](auto& s) { s.top_p = 0.79f; }), logits, 2000).size() == 2);
    CHECK(draws(with([](auto& s) { s.min_p = 0.2f; }), logits, 2000).size() == 3);  // 0.15 >= 0.2 * 0.5
    CHECK(draws(with([](auto& s) { s.min_p = 1; }), logits, 2000).size() == 1);
}

TEST_CASE("sampler: the repetition penalty weakens recent tokens once, whatever their sign") {
    sampler s(with([](auto& how) { how.temperature = 0, how.repeat_penalty = 2, how.repeat_last = 4; }));
    const std::vector<float> logits{1.0f, 1.5f, 1.9f};
    CHECK(s.pick(logits, std::vector<std::int32_t>{}) == 2);
    CHECK(s.pick(logits, std::vector<std::int32_t>{2, 2, 2}) == 1);
    CHECK(s.pick(logits, std::vector<std::int32_t>{2, 1}) == 0);
    CHECK(s.pick(logits, std::vector<std::int32_t>{2, 0, 0, 0, 0}) == 2);  // too long ago
    CHECK(s.pick(std::vector<float>{-1, -1.5f}, std::vector<std::int32_t>{0}) == 1);
}

TEST_CASE("sampler: equal seeds give equal draws, other seeds others") {
    const std::vector<float> logits(100, 0.0f);
    const auto series = [&](std::uint64_t seed) {
        sampler s(with([&](auto& how) { how.seed = seed; }));
        std::vector<int> ids;
        for (int i = 0; i < 50; ++i) ids.push_back(s.pick(logits));
        return ids;
    };
    CHECK(series(7) == series(7));
    CHECK(series(7) != series(8));
}

TEST_CASE("sampler: logits that are no numbers are never drawn while others are there") {
    const float nan = std::numeric_limits<float>::quiet_NaN(), inf = std::numeric_limits<float>::infinity();
    for (const auto& [id, count] : draws(plain, {nan, 0, nan, -inf, 0}, 500)) CHECK((id == 1 || id == 4));
    sampler s(plain);
    CHECK(s.pick(std::vector<float>{nan, nan}) == 0);
    CHECK(s.pick(std::vector<float>{0, inf, 0}) == 1);
}

TEST_CASE("sampler: no penalty makes a logit infinite, or an infinite one finite") {
    const float inf = std::numeric_limits<float>::infinity();
    const auto drawn = [&](float penalty, const std::vector<float>& logits) {
        sampler s(with([&](auto& how) { how.repeat_penalty = penalty; }));
        std::map<int, int> counts;
        for (int i = 0; i < 200; ++i) ++counts[s.pick(logits, std::vector<std::int32_t>{0, 1, 2})];
        return counts;
    };
    CHECK(drawn(1e-38f, {-inf, 2, -3}) == std::map<int, int>{{1, 200}});
    CHECK(drawn(1e-38f, {4, 5, -inf}).size() == 2);  // both as large as can be
    CHECK(drawn(1e38f, {-1e30f, -2e30f, -inf}).size() == 2);
}

TEST_CASE("sampler: values out of range are refused") {
    for (const auto& bad : {with([](auto& s) { s.temperature = -1; }), with([](auto& s) { s.top_p = 0; }),
                            with([](auto& s) { s.top_p = 2; }), with([](auto& s) { s.min_p = -0.1f; }),
                            with([](auto& s) { s.repeat_penalty = 0; }),
                            with([](auto& s) { s.temperature = std::numeric_limits<float>::quiet_NaN(); })})
        CHECK_THROWS_AS(sampler{bad}, wafer::error);
}

TEST_CASE("sampler: where no token may be drawn it says so") {
    const std::vector<float> logits{1, 2, 3};
    const std::uint64_t none[] = {0}, beyond[] = {8};
    for (const float temperature : {0.0f, 1.0f}) {
        sampler draw({.temperature = temperature});
        for (const auto& failed :
             {error_of([&] { (void)draw.pick({}); }), error_of([&] { (void)draw.pick(logits, {}, none); }),
              error_of([&] { (void)draw.pick(logits, {}, beyond); })}) {
            REQUIRE(failed);
            CHECK(failed->code() == errc::invalid_argument);
        }
        CHECK(draw.pick(logits, {}, std::vector<std::uint64_t>{2}) == 1);
    }
}

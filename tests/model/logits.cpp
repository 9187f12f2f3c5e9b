// SPDX-License-Identifier: MIT
// The networks against llama.cpp: tests/data/logits (see shared/oracle/README.md for how it was made).
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <support/loaded.hpp>
#include <vector>

#include <doctest/doctest.h>

#include <wafer/model/sequence.hpp>

using namespace wafer;
using wafer_test::loaded;

namespace {

/// |a - b| / |b| over vectors.
double relative_distance(std::span<const float> a, std::span<const float> b) {
    double difference = 0, norm = 0;
    for (std::size_t i = 0; i < b.size(); ++i) {
        const double d = static_cast<double>(a[i]) - static_cast<double>(b[i]);
        difference += d * d;
        norm += static_cast<double>(b[i]) * static_cast<double>(b[i]);
    }
    return std::sqrt(difference / norm);
}

/// The reference differs from itself by up to 6e-6 between one batch and single tokens; ten times that is noise of float32.
constexpr double most = 5e-5;
constexpr const char* names[] = {"llama3", "llama_tied", "mixtral", "qwen2", "qwen3", "qwen3moe"};

std::vector<std::int32_t> ids(std::span<const std::uint32_t> from) { return {from.begin(), from.end()}; }

sequence<> make(const loaded& m, const simd::kernel_table& kernels, std::size_t n_batch = 96) {
    return sequence<>(m.net, m.pool,
                      {.n_context = 128, .n_batch = n_batch, .n_output = n_batch, .cache_type = dtype::f32}, {},
                      kernels);
}

/// All logits of the tokens, position by position.
std::vector<std::vector<float>> all_logits(sequence<>& s, std::span<const std::int32_t> tokens) {
    std::vector<std::vector<float>> rows;
    CHECK(s.eval_each(tokens, [&](std::size_t, std::span<const float> l) { rows.emplace_back(l.begin(), l.end()); }) ==
          eval_status::done);
    return rows;
}

}  // namespace

TEST_CASE("network: logits and greedy continuation are llama.cpp's") {
    for (const std::string name : names) {
        const auto want = wafer_test::reference_answer::read(name);
        const auto prompt = ids(want.tokens);
        for (const std::size_t n_threads : {1u, 2u}) {
            const loaded m(name, n_threads);
            for (const auto* kernels : simd::available_targets())
                for (const std::size_t n_batch : {std::size_t{96}, std::size_t{1}}) {
                    INFO(name, " on ", kernels->features, ", ", n_threads, " threads, batches of ", n_batch);
                    auto s = make(m, *kernels, n_batch);
                    const auto rows = all_logits(s, prompt);
                    REQUIRE(rows.size() == prompt.size());
                    for (const auto& at : want.logits) {
                        CAPTURE(at.first);
                        CHECK(relative_distance(rows[at.first], at.second) <= most);
                    }
                    for (const auto next : want.greedy) {
                        const auto l = s.logits();
                        const auto best = std::max_element(l.begin(), l.end()) - l.begin();
                        CHECK(best == static_cast<std::ptrdiff_t>(next));
                        const auto id = static_cast<std::int32_t>(best);
                        REQUIRE(s.eval({&id, 1}) == eval_status::done);
                    }
                }
        }
    }
}

TEST_CASE("network: the same bits for any thread count and any cut of the prompt") {
    for (const std::string name : {"llama3", "qwen3moe"})
        for (const dtype cache : {dtype::f32, dtype::f16, dtype::bf16, dtype::q8_0})
            for (const auto* kernels : simd::available_targets()) {
                INFO(name, " on ", kernels->features, " with a cache of ", to_string(cache));
                std::vector<std::vector<float>> first;
                for (const std::size_t n_threads : {1u, 2u, 3u}) {
                    const loaded m(name, n_threads);
                    const auto prompt = ids(wafer_test::reference_answer::read(name).tokens);
                    for (const std::size_t n_batch : {1u, 7u, 16u, 50u, 96u}) {
                        CAPTURE(n_threads);
                        CAPTURE(n_batch);
                        sequence<> s(m.net, m.pool,
                                     {.n_context = 96, .n_batch = n_batch, .n_output = n_batch, .cache_type = cache},
                                     {}, *kernels);
                        auto rows = all_logits(s, prompt);
                        if (first.empty()) first = std::move(rows);
                        else CHECK(rows == first);
                    }
                }
            }
}

TEST_CASE("sequence: rewinding gives the bits of a fresh start") {
    const loaded m("qwen2", 2);
    const auto prompt = ids(wafer_test::reference_answer::read("qwen2").tokens);
    auto s = make(m, simd::select()), fresh = make(m, simd::select());
    REQUIRE(s.eval(prompt) == eval_status::done);
    s.rewind(40);
    CHECK(s.position() == 40);
    REQUIRE(s.eval(std::span(prompt).first(20)) == eval_status::done);
    REQUIRE(fresh.eval(std::span(prompt).first(40)) == eval_status::done);
    REQUIRE(fresh.eval(std::span(prompt).first(20)) == eval_status::done);
    CHECK(std::ranges::equal(s.logits(), fresh.logits()));
}

TEST_CASE("sequence: a full context is a state, and nothing is read") {
    const loaded m("qwen2", 1);
    const auto prompt = ids(wafer_test::reference_answer::read("qwen2").tokens);
    sequence<> s(m.net, m.pool, wafer_test::shape_of(50));
    CHECK(s.eval(prompt) == eval_status::context_full);
    CHECK(s.position() == 0);
    CHECK(s.eval(std::span(prompt).first(50)) == eval_status::done);
    CHECK(s.eval(std::span(prompt).first(1)) == eval_status::context_full);
    s.rewind(49);
    CHECK(s.eval(std::span(prompt).first(1)) == eval_status::done);
}

TEST_CASE("sequence: ids outside the vocabulary are refused") {
    const loaded m("qwen2", 1);
    auto s = make(m, simd::select());
    for (const std::int32_t id : {-1, 320, 1 << 30}) CHECK_THROWS_AS(s.eval({&id, 1}), error);
    CHECK(s.position() == 0);
}

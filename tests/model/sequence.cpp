// SPDX-License-Identifier: MIT
#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>
#include <limits>
#include <span>
#include <string>
#include <support/loaded.hpp>
#include <thread>
#include <vector>

#include <doctest/doctest.h>

#include <wafer/model/sequence.hpp>

using namespace wafer;
using wafer_test::loaded;
using wafer_test::synthetic_model;

namespace {

using image = std::vector<std::byte>;

image saved(const sequence<>& s) {
    image all;
    s.save([&](std::span<const std::byte> part) { all.insert(all.end(), part.begin(), part.end()); });
    CHECK(all.size() == s.saved_size(s.position()));
    return all;
}

std::vector<std::int32_t> prompt_of(std::size_t n, std::int32_t seed = 3) {
    std::vector<std::int32_t> ids(n);
    for (std::size_t i = 0; i < n; ++i) ids[i] = static_cast<std::int32_t>((i * 31 + 7) % 300) + seed;
    return ids;
}

sequence_shape shape_of(std::size_t n_context, dtype type) {
    auto shape = wafer_test::shape_of(n_context);
    shape.cache_type = type;
    return shape;
}

/// What `n` greedy tokens leave behind: all logits on the way.
std::vector<float> go_on(sequence<>& s, std::size_t n) {
    std::vector<float> all(s.logits().begin(), s.logits().end());
    for (std::size_t i = 0; i < n; ++i) {
        const auto l = s.logits();
        const auto id = static_cast<std::int32_t>(std::max_element(l.begin(), l.end()) - l.begin());
        REQUIRE(s.eval({&id, 1}) == eval_status::done);
        all.insert(all.end(), s.logits().begin(), s.logits().end());
    }
    return all;
}

errc code_of(const std::function<void()>& work) {
    try {
        work();
    } catch (const error& e) {
        return e.code();
    }
    return errc::bad_magic;  // nothing here raises it
}

}  // namespace

TEST_CASE("sequence: a restored one goes on bit for bit, for every cache type, context, and place in a panel") {
    for (const std::string name : {"llama3", "qwen3moe"}) {
        const loaded m(name, 2);
        for (const auto type : {dtype::f32, dtype::f16, dtype::bf16, dtype::q8_0})
            for (const std::size_t n : {1u, 15u, 16u, 17u, 40u}) {
                CAPTURE(n);
                sequence<> first(m.net, m.pool, shape_of(64, type));
                REQUIRE(first.eval(prompt_of(n)) == eval_status::done);
                auto file = saved(first);

                // Into one with another past, another context and at an odd address.
                sequence<> second(m.net, m.pool, shape_of(200, type));
                REQUIRE(second.eval(prompt_of(60, 11)) == eval_status::done);
                file.insert(file.begin(), std::byte{0});
                second.restore(n, std::span<const std::byte>(file).subspan(1));
                CHECK(std::ranges::equal(second.tokens(), first.tokens()));
                CHECK(std::ranges::equal(second.expert_use(), first.expert_use()));
                CHECK(go_on(second, 5) == go_on(first, 5));
            }
    }
}

TEST_CASE("sequence: an output of more tokens than there can be is as many as there can be") {
    const loaded m("qwen2", 1);
    const auto prompt = prompt_of(9);
    const auto logits_of = [&](std::size_t n_output) {
        auto shape = wafer_test::shape_of(16);
        shape.n_output = n_output;
        sequence<> s(m.net, m.pool, shape);
        std::vector<float> all;
        CHECK(s.eval_each(prompt, [&](std::size_t, auto row) { all.insert(all.end(), row.begin(), row.end()); }) ==
              eval_status::done);
        return all;
    };
    const auto expected = logits_of(9);
    REQUIRE(expected.size() == 9 * m.net->config().n_vocab);
    for (const std::size_t n : {std::size_t{1} << 54, std::size_t{1} << 56, ~std::size_t{0}})
        CHECK(logits_of(n) == expected);
}

TEST_CASE("sequence: whoever visits the logits may run another sequence") {
    const loaded m("qwen2", 2);
    auto shape = wafer_test::shape_of(16);
    shape.n_output = 2;
    sequence<> s(m.net, m.pool, shape), other(m.net, m.pool, shape);
    std::atomic<bool> over{false};
    std::thread watchdog([&] {
        for (int i = 0; i < 1000 && !over; ++i) std::this_thread::sleep_for(std::chrono::milliseconds(20));
        other.request_stop();
    });
    const auto prompt = prompt_of(4);
    std::size_t visits = 0;
    CHECK(s.eval_each(prompt, [&](std::size_t position, auto) {
        CHECK(position == visits);
        CHECK(other.eval(std::span(prompt).subspan(visits++, 1)) == eval_status::done);
    }) == eval_status::done);
    over = true;
    watchdog.join();
    CHECK(visits == 4);
    CHECK(other.position() == 4);
}

TEST_CASE("sequence: an empty one can be saved and restored") {
    const loaded m("qwen2", 1);
    sequence<> empty(m.net, m.pool, wafer_test::shape_of(16)), used(m.net, m.pool, wafer_test::shape_of(16));
    REQUIRE(used.eval(prompt_of(3)) == eval_status::done);
    used.restore(0, saved(empty));
    CHECK(used.position() == 0);
    CHECK(used.eval(prompt_of(16)) == eval_status::done);
}

TEST_CASE("sequence: what cannot be restored is refused, and the sequence stands") {
    const loaded m("qwen3moe", 2);
    sequence<> s(m.net, m.pool, wafer_test::shape_of(32)), same(m.net, m.pool, wafer_test::shape_of(32));
    for (auto* each : {&s, &same}) REQUIRE(each->eval(prompt_of(9)) == eval_status::done);
    auto file = saved(s);
    const auto restore = [&](std::size_t n, std::span<const std::byte> bytes) {
        return code_of([&] { s.restore(n, bytes); });
    };
    const std::span<const std::byte> all(file);
    CHECK(restore(8, all) == errc::corrupt);
    CHECK(restore(10, all) == errc::corrupt);
    CHECK(restore(9, all.first(all.size() - 1)) == errc::corrupt);
    CHECK(restore(9, {}) == errc::corrupt);
    CHECK(restore(33, all) == errc::context_full);
    CHECK(restore(std::numeric_limits<std::size_t>::max(), all) == errc::context_full);
    for (const std::int32_t bad : {-1, 320, std::numeric_limits<std::int32_t>::max()}) {
        auto broken = file;
        std::memcpy(broken.data() + 8 * sizeof bad, &bad, sizeof bad);
        CHECK(restore(9, broken) == errc::corrupt);
    }
    CHECK(go_on(s, 4) == go_on(same, 4));
}

TEST_CASE("sequence: after a swap nothing is saved or restored") {
    const loaded m("qwen2", 1);
    sequence<> s(m.net, m.pool, wafer_test::shape_of(16));
    REQUIRE(s.eval(prompt_of(4)) == eval_status::done);
    const auto file = saved(s);
    const auto weights = synthetic_model::read("qwen2").gguf().bytes();
    m.net->swap(parse_gguf(weights), *m.pool);
    CHECK(code_of([&] { (void)saved(s); }) == errc::stale_session);
    CHECK(code_of([&] { s.restore(4, file); }) == errc::stale_session);
}

TEST_CASE("sequence: one that waits for its turn hears a stop") {
    const loaded m("qwen2", 1);
    sequence<> s(m.net, m.pool, wafer_test::shape_of(16));
    const auto turn = m.pool->lock();
    std::thread other([&] { s.request_stop(); });
    CHECK(s.eval(prompt_of(4)) == eval_status::stopped);
    other.join();
    CHECK(s.position() == 0);
}

TEST_CASE("sequence: a cache of a number that is no type is refused by name") {
    for (const int n : {18, 77, 255}) {
        const kv_shape shape{.type = static_cast<dtype>(n), .n_layer = 1, .n_kv = 1, .d_key = 32, .d_value = 32};
        for (const auto& failed : {error_of([&] { shape.check(); }), error_of([&] { (void)kv_cache(shape); })}) {
            REQUIRE(failed);
            CHECK(failed->code() == errc::invalid_argument);
            CHECK(std::string(failed->what()).find("cannot be unknown") != std::string::npos);
        }
    }
}

TEST_CASE("sequence: without a network or threads there is none") {
    const auto threads = std::make_shared<thread_pool>(1);
    for (const auto& failed : {error_of([&] { (void)sequence<>(nullptr, threads); }),
                               error_of([&] { (void)sequence<>(nullptr, nullptr); })}) {
        REQUIRE(failed);
        CHECK(failed->code() == errc::invalid_argument);
    }
}

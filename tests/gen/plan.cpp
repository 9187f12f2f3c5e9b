// SPDX-License-Identifier: MIT
#include <string>
#include <support/loaded.hpp>

#include <doctest/doctest.h>

#include <wafer/gen/plan.hpp>
#include <wafer/model/sequence.hpp>

using namespace wafer;

TEST_CASE("plan: its bytes are those that a model and a sequence take") {
    const auto image = wafer_test::synthetic_model::read("qwen3moe").gguf().bytes();
    const auto file = parse_gguf(image);
    sequence_shape shape;
    shape.n_context = 100;
    shape.n_batch = 32;
    shape.cache_type = dtype::q8_0;
    const auto p = plan(file, shape, 2);
    const wafer_test::loaded m("qwen3moe", 2);
    const sequence<> s(m.net, m.pool, shape);
    CHECK(p.stored == m.net->stored());
    CHECK(p.weights == m.net->plan().size());
    CHECK(p.cache == s.cache_size());
    CHECK(p.scratch == s.scratch_size() + bytes(padded(320) * sizeof(float)));
    CHECK(p.shape.n_context == 100);
    // Weights are packed without loss: f32 panels of full rows take what the file takes, but for padded rows and norms.
    CHECK(p.weights.value() < p.stored.value() * 1.02);
}

TEST_CASE("plan: it refuses the shapes that a sequence refuses, and promises what a sequence takes") {
    const auto gguf = wafer_test::synthetic_model::read("llama3").gguf();
    const auto image = gguf.bytes();
    const auto file = parse_gguf(image);
    const wafer_test::loaded m(gguf, 1);
    const auto refused = [&](auto&& change) {
        auto shape = wafer_test::shape_of(40);
        change(shape);
        const auto a = error_of([&] { (void)plan(file, shape, 1); });
        const auto b = error_of([&] { (void)sequence<>(m.net, m.pool, shape); });
        REQUIRE(a.has_value() == b.has_value());
        if (!a) return false;
        CHECK(a->code() == errc::invalid_argument);
        CHECK(std::string(a->what()) == b->what());
        return true;
    };
    CHECK(!refused([](auto& s) { s.n_batch = s.n_output = 40; }));
    CHECK(refused([](auto& s) { s.n_batch = 0; }));
    CHECK(refused([](auto& s) { s.n_output = 0; }));
    CHECK(refused([](auto& s) { s.cache_type = dtype::q4_0; }));
    CHECK(refused([](auto& s) { s.n_context = std::size_t{1} << 60; }));
    CHECK(refused([](auto& s) { s.n_context = ~std::size_t{0}; }));
    model_config narrow = m.net->config();
    narrow.d_head = 80;
    const auto e = error_of([&] { (void)checked({.cache_type = dtype::q8_0}, narrow); });
    CHECK((e && e->code() == errc::invalid_argument));
    // More than the context is no use, and takes no memory.
    auto shape = wafer_test::shape_of(40);
    shape.n_batch = shape.n_output = std::size_t{1} << 56;
    const auto p = plan(file, shape, 1);
    CHECK(p.shape.n_batch == 40);
    CHECK(p.shape.n_output == 40);
    CHECK(p.scratch == sequence<>(m.net, m.pool, shape).scratch_size() + bytes(40 * padded(320) * sizeof(float)));
}

TEST_CASE("plan: what does not fit is refused, and the refusal says what would") {
    const auto image = wafer_test::synthetic_model::read("llama3").gguf().bytes();
    const auto file = parse_gguf(image, "llama3.gguf");
    sequence_shape shape;
    shape.n_context = 1 << 20;
    shape.cache_type = dtype::f32;
    const auto roomy = plan(file, wafer_test::shape_of(4096), 1);
    try {
        (void)plan(file, shape, 1, roomy.total() + 8_MiB);
        FAIL("it was accepted");
    } catch (const error& e) {
        CHECK(e.code() == errc::does_not_fit);
        const std::string text = e.what();
        CHECK(text.find("a context of ") != std::string::npos);
        // The advice holds.
        shape.n_context = std::stoul(text.substr(text.find("a context of ") + 13));
        CHECK(plan(file, shape, 1, roomy.total() + 8_MiB).total() <= roomy.total() + 8_MiB);
    }
    CHECK_THROWS_AS((void)plan(file, wafer_test::shape_of(64), 1, 1_KiB), error);
}

TEST_CASE("plan: threads beyond those that any machine has are refused, wherever they are named") {
    const auto image = wafer_test::synthetic_model::read("llama3").gguf().bytes();
    const auto file = parse_gguf(image);
    const auto shape = wafer_test::shape_of(40);
    CHECK(plan(file, shape, max_threads).n_threads == max_threads);
    CHECK(plan(file, shape, 0).n_threads == system::usable_cpus());
    const network net(file);
    for (const std::size_t n : {max_threads + 1, std::size_t{1} << 32, (std::size_t{1} << 32) + 1, ~std::size_t{0}}) {
        for (const auto& refusal :
             {error_of([&] { (void)plan(file, shape, n); }), error_of([&] { const network many(file, n); }),
              error_of([&] { (void)net.scratch_size(shape, n); })}) {
            REQUIRE(refusal);
            CHECK(refusal->code() == errc::invalid_argument);
            CHECK(std::string(refusal->what()).starts_with(std::to_string(n) + " threads are too many: at most "));
        }
    }
}

TEST_CASE("plan: matrices are placed on a device's tiles, or refused") {
    const auto image = wafer_test::synthetic_model::read("qwen3moe").gguf().bytes();
    const auto p = plan(parse_gguf(image), wafer_test::shape_of(64), 2);
    const sram::mesh tiles(sram::tile_spec{.capacity = 48_KiB}, 32, 32);
    const auto residency = p.place(placements::by_layer{}, tiles);
    CHECK(residency.size == p.stored);
    CHECK(residency.spilled == bytes{});
    CHECK_THROWS_AS((void)p.place(placements::by_layer{}, sram::mesh(sram::tile_spec{.capacity = 48_KiB}, 4, 4)),
                    error);
}

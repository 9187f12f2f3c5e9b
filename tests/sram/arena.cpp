// SPDX-License-Identifier: MIT
#include <algorithm>
#include <cstdint>
#include <fstream>
#include <functional>
#include <map>
#include <sstream>
#include <stdexcept>
#include <thread>

#include <doctest/doctest.h>

#include <wafer/exec/pool.hpp>
#include <wafer/sram/arena.hpp>
#include <wafer/tensor/unpack.hpp>

#include "simd/blocks.hpp"

using namespace wafer;

namespace {

/// Tensors by name, with random bytes.
struct tensors {
    std::map<std::string, std::vector<std::byte>> bytes_of;
    weight_source source() const {
        return {[this](const std::string& name) { return std::span<const std::byte>(bytes_of.at(name)); }};
    }
};

/// Matrices of every type and of awkward heights, a stack of experts, and vectors.
arena_plan some_plan() {
    arena_plan plan;
    for (const auto& type : dtypes)
        for (const std::size_t rows : {1u, 31u, 200u})
            plan.add_matrix({.name = std::string(type.name) + std::to_string(rows),
                             .type = type.type,
                             .rows = rows,
                             .cols = is_float(type.type) ? 33u : 512u,
                             .layer = static_cast<std::uint32_t>(rows)});
    for (std::size_t e = 0; e < 3; ++e)
        plan.add_matrix({.name = "stack", .slice = e, .type = dtype::q4_0, .rows = 48, .cols = 64});
    plan.add_vector({.name = "norm", .type = dtype::f32, .size = 33});
    plan.add_vector({.name = "halves", .type = dtype::f16, .size = 7});
    return plan;
}

tensors some_tensors(const arena_plan& plan, std::uint64_t seed) {
    test::random_bits random(seed);
    tensors t;
    for (const auto& m : plan.matrices())
        t.bytes_of[m.name] = test::random_rows(m.type, m.rows * (m.name == "stack" ? 3 : 1), m.cols, random);
    for (const auto& v : plan.vectors()) t.bytes_of[v.name] = test::random_rows(v.type, 1, v.size, random);
    return t;
}

/// Deals tensor i to tiles that depend on i: ranges that begin and end anywhere.
struct scattered {
    std::vector<sram::tile_range> place(std::span<const sram::resident> items, const sram::mesh& where) const {
        std::vector<sram::tile_range> ranges;
        for (std::uint32_t i = 0; i < items.size(); ++i) {
            const std::uint32_t first = i % where.tiles();
            ranges.push_back({first, 1 + i / 3 % (where.tiles() - first)});
        }
        return ranges;
    }
};

void check_layout(const arena_plan& plan, std::size_t n_tiles) {
    struct stretch {
        std::size_t begin, end, tile;
    };
    std::vector<stretch> taken;
    for (const auto& v : plan.vectors()) taken.push_back({v.offset, v.offset + v.size * sizeof(float), 0});
    for (const auto& m : plan.matrices()) {
        std::size_t row = 0;
        for (const auto& p : plan.parts(m)) {
            CHECK(p.first_row == row);  // in order, without gaps
            CHECK(p.first_row % grain_rows == 0);
            CHECK(p.tile < n_tiles);
            CHECK(p.n_rows > 0);  // what a tile does not hold takes no room in the plan
            CHECK(p.offset % 64 == 0);
            row += p.n_rows;
            taken.push_back({p.offset,
                             p.offset + ceil_div(p.n_rows, simd::panel_rows) * simd::panel_bytes(m.type, m.cols),
                             p.tile});
        }
        CHECK(row == m.rows);
    }
    std::sort(taken.begin(), taken.end(),
              [](const auto& a, const auto& b) { return std::pair(a.begin, a.end) < std::pair(b.begin, b.end); });
    std::size_t at = 0, tile = 0;
    for (const auto& s : taken) {
        CHECK(s.begin >= at);      // disjoint
        CHECK(s.begin - at < 64);  // and dense
        if (s.begin == s.end) continue;
        CHECK(s.tile >= tile);  // a tile's bytes are together
        at = s.end;
        tile = s.tile;
    }
    CHECK(plan.size().count >= at);
    CHECK(plan.size().count - at < 64);
    std::uint64_t sum = 0;
    for (std::size_t i = 0; i < plan.tiles(); ++i) sum += plan.tile_size(i).count;
    CHECK(sum == plan.size().count);
}

void check_contents(const resident_arena& arena, const tensors& t) {
    for (std::size_t i = 0; i < arena.plan().matrices().size(); ++i) {
        const auto& m = arena.plan().matrices()[i];
        const auto view = arena.matrix(i);
        const std::byte* const rows = t.bytes_of.at(m.name).data() + m.slice * m.rows * row_bytes(m.type, m.cols);
        std::vector<float> want(m.cols), got(m.cols);
        bool same = true;
        std::size_t seen = 0;
        for (const auto& p : view.parts)
            for (std::size_t r = 0; r < p.n_rows; ++r, ++seen) {
                decode_row(m.type, rows + (p.first_row + r) * row_bytes(m.type, m.cols), m.cols, want.data());
                unpack_row(m.type, p.panels + r / simd::panel_rows * simd::panel_bytes(m.type, m.cols),
                           r % simd::panel_rows, m.cols, got.data());
                same = same && want == got;
            }
        CAPTURE(m.name);
        CHECK(same);
        CHECK(seen == m.rows);
    }
    for (std::size_t i = 0; i < arena.plan().vectors().size(); ++i) {
        const auto& v = arena.plan().vectors()[i];
        std::vector<float> want(v.size);
        decode_row(v.type, t.bytes_of.at(v.name).data(), v.size, want.data());
        const auto got = arena.vector(i);
        CHECK(std::equal(want.begin(), want.end(), got.data(), got.data() + got.count));
    }
}

/// The access rights of the page at p, as Linux lists them: "rw-p", say; empty elsewhere.
std::string rights(const void* p) {
    std::ifstream maps("/proc/self/maps");
    const auto at = reinterpret_cast<std::uintptr_t>(p);
    for (std::string line; std::getline(maps, line);) {
        std::istringstream in(line);
        std::uintptr_t begin = 0, end = 0;
        char dash = 0;
        std::string flags;
        in >> std::hex >> begin >> dash >> end >> flags;
        if (begin <= at && at < end) return flags;
    }
    return {};
}

errc code_of(const std::function<void()>& action) {
    try {
        action();
    } catch (const error& e) {
        return e.code();
    }
    FAIL("no error");
    return {};
}

}  // namespace

TEST_SUITE("sram.arena") {

    TEST_CASE("arena_plan: a number that is no type is refused with the name of what has it") {
        arena_plan plan;
        const auto odd = static_cast<dtype>(77);
        for (const auto& failed :
             {error_of([&] { plan.add_matrix({.name = "w", .type = odd, .rows = 16, .cols = 32}); }),
              error_of([&] { plan.add_vector({.name = "w", .type = odd, .size = 32}); })}) {
            REQUIRE(failed);
            CHECK(failed->code() == errc::unsupported_dtype);
            CHECK(failed->where().tensor == "w");
        }
    }

    TEST_CASE("arena_plan: every row has one place, places are disjoint and dense, a tile's bytes lie together") {
        for (const std::uint32_t n : {1u, 2u, 3u, 7u, 64u}) {
            CAPTURE(n);
            auto plan = some_plan();
            plan.place(placements::spread{}, sram::mesh::host(n));
            check_layout(plan, n);
            plan.place(scattered{}, sram::mesh::host(n));  // again, otherwise: nothing of the first is left
            check_layout(plan, n);
        }
    }

    TEST_CASE("arena_plan: an empty plan and a tall thin one are plans too") {
        arena_plan empty;
        empty.place(placements::spread{}, sram::mesh::host(3));
        CHECK(empty.size() == bytes(0));
        thread_pool pool(1);
        resident_arena(empty).load({[](const std::string&) { return std::span<const std::byte>(); }}, pool);

        arena_plan tall;
        tall.add_matrix({.name = "m", .type = dtype::f32, .rows = 100000, .cols = 1});
        tall.place(placements::spread{}, sram::mesh::host(3));
        check_layout(tall, 3);
    }

    TEST_CASE("resident_arena: memory that cannot be had is refused, not promised") {
        arena_plan plan;
        plan.add_matrix(
            {.name = "huge", .type = dtype::f32, .rows = std::size_t{1} << 26, .cols = std::size_t{1} << 16});
        plan.place(placements::spread{}, sram::mesh::host(2));
        try {
            const resident_arena arena(plan);
            FAIL("16 TiB were promised");
        } catch (const error& e) {
            CHECK(e.code() == errc::out_of_memory);
        }
    }

    TEST_CASE("resident_arena: gives back the exact rows, whatever the tiles and whoever packs them") {
        for (const std::uint32_t tiles : {1u, 3u, 8u})
            for (const std::size_t workers : {1u, 3u}) {
                auto plan = some_plan();
                if (tiles == 8) plan.place(scattered{}, sram::mesh::host(tiles));
                else plan.place(placements::spread{}, sram::mesh::host(tiles));
                const auto t = some_tensors(plan, tiles);
                thread_pool pool(workers);
                resident_arena arena(plan);
                arena.load(t.source(), pool);
                check_contents(arena, t);
                const resident_arena moved = std::move(arena);
                check_contents(moved, t);
            }
    }

    TEST_CASE("resident_arena: is read-only once loaded, and a second load swaps the weights in place") {
        auto plan = some_plan();
        plan.place(placements::spread{}, sram::mesh::host(2));
        const auto first = some_tensors(plan, 1), second = some_tensors(plan, 2);
        thread_pool pool(2);
        resident_arena arena(plan);
        arena.load(first.source(), pool);
        const auto view = arena.matrix(5);
        const std::byte* const at = view.parts[0].panels;
#if defined(__linux__)
        CHECK(rights(at) == "r--p");
        CHECK(rights(arena.vector(0).data()) == "r--p");
#endif
        arena.load(second.source(), pool);
        check_contents(arena, second);
        CHECK(arena.matrix(5).parts[0].panels == at);
#if defined(__linux__)
        CHECK(rights(at) == "r--p");
#endif
    }

    TEST_CASE(
        "resident_arena: progress rises to the total on the caller's thread, and each source byte is done with once") {
        arena_plan plan;
        plan.add_matrix({.name = "m", .type = dtype::f32, .rows = 4000, .cols = 1000});  // 16 MB: many stretches
        plan.place(placements::spread{}, sram::mesh::host(2));
        const auto t = some_tensors(plan, 3);
        thread_pool pool(2);
        std::atomic<std::uint64_t> given_back{0};
        auto source = t.source();
        source.done = [&](std::span<const std::byte> s) { given_back += s.size(); };
        std::vector<std::uint64_t> steps;
        const auto caller = std::this_thread::get_id();
        resident_arena arena(plan);
        arena.load(source, pool, [&](bytes done, bytes total) {
            CHECK(std::this_thread::get_id() == caller);
            CHECK(total == plan.size());
            CHECK(done <= total);
            steps.push_back(done.count);
            return true;
        });
        CHECK(std::is_sorted(steps.begin(), steps.end()));
        CHECK(steps.size() > 5);
        CHECK(steps.front() == 0);
        CHECK(steps.back() == plan.size().count);
        CHECK(given_back == t.bytes_of.at("m").size());
    }

    TEST_CASE("resident_arena: a stop at any step is heard at once, and loading again makes it whole") {
        arena_plan plan;
        for (const char* name : {"a", "b", "c", "d"})
            plan.add_matrix({.name = name, .type = dtype::f32, .rows = 1000, .cols = 1000});
        plan.place(placements::spread{}, sram::mesh::host(2));
        const auto t = some_tensors(plan, 4);
        thread_pool pool(2);
        for (const int stop_at : {1, 2, 5}) {
            resident_arena arena(plan);
            int calls = 0;
            CHECK(code_of([&] { arena.load(t.source(), pool, [&](bytes, bytes) { return ++calls < stop_at; }); }) ==
                  errc::cancelled);
            CHECK(calls == stop_at);  // whoever said stop is not asked again
            arena.load(t.source(), pool);
            check_contents(arena, t);
        }
        resident_arena last(plan);
        CHECK(code_of([&] { last.load(t.source(), pool, [&](bytes done, bytes total) { return done < total; }); }) ==
              errc::cancelled);
    }

    TEST_CASE("resident_arena: what a callback throws leaves load, wherever it was thrown") {
        arena_plan plan;
        plan.add_matrix({.name = "m", .type = dtype::f32, .rows = 2000, .cols = 1000});
        plan.place(placements::spread{}, sram::mesh::host(3));
        const auto t = some_tensors(plan, 5);
        thread_pool pool(3);
        resident_arena arena(plan);
        for (const int throw_at : {1, 2, 3}) {
            int calls = 0;
            CHECK_THROWS_AS(
                arena.load(t.source(), pool,
                           [&](bytes, bytes) { return ++calls == throw_at ? throw std::runtime_error("mine") : true; }),
                std::runtime_error);
        }
        auto source = t.source();
        source.done = [](std::span<const std::byte>) { throw std::runtime_error("on every worker"); };
        CHECK_THROWS_AS(arena.load(source, pool), std::runtime_error);
        arena.load(t.source(), pool);
        check_contents(arena, t);
    }

    TEST_CASE("resident_arena: a source without a tensor, or with too little of it, changes nothing") {
        auto plan = some_plan();
        plan.place(placements::spread{}, sram::mesh::host(2));
        const auto good = some_tensors(plan, 6);
        thread_pool pool(2);
        resident_arena arena(plan);
        arena.load(good.source(), pool);
        for (const char* name : {"q4_k200", "stack", "norm", "f321"}) {
            CAPTURE(name);
            auto bad = some_tensors(plan, 7);
            bad.bytes_of[name].pop_back();
            CHECK(code_of([&] { arena.load(bad.source(), pool); }) == errc::wrong_shape);
            bad.bytes_of.erase(name);
            CHECK_THROWS_AS(arena.load(bad.source(), pool), std::out_of_range);
            check_contents(arena, good);
#if defined(__linux__)
            CHECK(rights(arena.matrix(0).parts[0].panels) == "r--p");
#endif
        }
    }

    TEST_CASE("resident_arena: memory that cannot be had is a typed error") {
        arena_plan plan;
        plan.add_matrix({.name = "m", .type = dtype::f32, .rows = std::size_t{1} << 40, .cols = 1 << 16});
        plan.place(placements::spread{}, sram::mesh::host(1));
        CHECK(code_of([&] { resident_arena arena(plan); }) == errc::out_of_memory);
    }
}

// SPDX-License-Identifier: MIT
#include <limits>
#include <queue>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

#include <wafer/sram/mesh.hpp>

using namespace wafer;

namespace {

struct walk {
    std::uint64_t hops, crossings;
    friend bool operator==(const walk&, const walk&) = default;
};

// Shortest walks from one tile to all others over the mesh's links, found by search.
std::vector<walk> walks_from(const sram::mesh& m, sram::tile_id start) {
    std::vector<walk> to(m.tiles(), {std::numeric_limits<std::uint64_t>::max(), 0});
    std::queue<sram::tile_id> next;
    to[start] = {0, 0};
    next.push(start);
    while (!next.empty()) {
        const auto at = next.front();
        next.pop();
        const auto s = m.site(at);
        const auto step = [&](bool exists, sram::tile_site n, bool crosses) {
            if (!exists) return;
            const walk longer{to[at].hops + (crosses ? 0 : 1), to[at].crossings + (crosses ? 1 : 0)};
            auto& known = to[m.id(n)];
            if (longer.hops + longer.crossings >= known.hops + known.crossings) return;
            known = longer;
            next.push(m.id(n));
        };
        const auto last = m.columns() - 1;
        step(s.row > 0, {s.wafer, s.column, s.row - 1}, false);
        step(s.row + 1 < m.rows(), {s.wafer, s.column, s.row + 1}, false);
        step(s.column > 0, {s.wafer, s.column - 1, s.row}, false);
        step(s.column < last, {s.wafer, s.column + 1, s.row}, false);
        step(s.column == last && s.wafer + 1 < m.wafers(), {s.wafer + 1, 0, s.row}, true);
        step(s.column == 0 && s.wafer > 0, {s.wafer - 1, last, s.row}, true);
    }
    for (auto& w : to)
        if (w.hops == std::numeric_limits<std::uint64_t>::max()) w.hops = 0;
    return to;
}

}  // namespace

TEST_CASE("mesh: a tile's number and its site name the same tile") {
    const sram::mesh m({}, 5, 3, 2);
    CHECK(m.tiles() == 30);
    std::vector<bool> seen(m.tiles());
    for (std::uint32_t w = 0; w < 2; ++w)
        for (std::uint32_t r = 0; r < 3; ++r)
            for (std::uint32_t c = 0; c < 5; ++c) {
                const auto id = m.id({w, c, r});
                REQUIRE(id < m.tiles());
                CHECK_FALSE(seen[id]);
                seen[id] = true;
                CHECK(m.site(id) == sram::tile_site{w, c, r});
                CHECK(m.wafer_of(id) == w);
            }
}

TEST_CASE("mesh: distance and crossings are those of a shortest walk") {
    for (const auto& m :
         {sram::mesh({}, 4, 3, 3), sram::mesh({}, 1, 4, 2), sram::mesh({}, 5, 1, 1), sram::mesh({}, 1, 1, 4)})
        for (sram::tile_id a = 0; a < m.tiles(); ++a) {
            const auto walks = walks_from(m, a);
            for (sram::tile_id b = 0; b < m.tiles(); ++b)
                CHECK(walk{m.distance(a, b).count, m.crossings(a, b)} == walks[b]);
        }
}

TEST_CASE("mesh: capacity is that of its tiles, and unlimited stays unlimited") {
    const sram::mesh m({.capacity = 48_KiB, .reserved = 8_KiB}, 10, 10, 3);
    CHECK(m.wafer_capacity() == bytes(100 * 40 * 1024));
    CHECK(m.capacity() == bytes(300 * 40 * 1024));
    CHECK(m.with_wafers(1).capacity() == m.wafer_capacity());
    CHECK(sram::mesh::host(4).capacity() == sram::unlimited);
    CHECK(sram::mesh::host(4, 1_MiB).capacity() == 4_MiB);
    CHECK(sram::mesh::host(4).tiles() == 4);
}

TEST_CASE("mesh: nothing and too much are refused") {
    const auto code = [](std::uint64_t columns, std::uint64_t rows, std::uint64_t wafers) {
        try {
            const sram::mesh m({}, columns, rows, wafers);
            return errc{};
        } catch (const error& e) {
            return e.code();
        }
    };
    CHECK(code(0, 1, 1) == errc::invalid_argument);
    CHECK(code(1, 0, 1) == errc::invalid_argument);
    CHECK(code(1, 1, 0) == errc::invalid_argument);
    CHECK(code(1u << 16, 1u << 16, 1) == errc::invalid_argument);
    CHECK(code(0xffffffff, 0xffffffff, 0xffffffff) == errc::invalid_argument);
    constexpr std::uint64_t beyond = std::uint64_t{1} << 32;  // 0, or 1, in 32 bits
    for (const auto n : {beyond, beyond + 1, std::numeric_limits<std::uint64_t>::max()}) {
        CHECK(code(n, 1, 1) == errc::invalid_argument);
        CHECK(code(1, n, 1) == errc::invalid_argument);
        CHECK(code(1, 1, n) == errc::invalid_argument);
        CHECK(code(n, n, n) == errc::invalid_argument);
        CHECK_THROWS_AS((void)sram::mesh::host(n), error);
        CHECK_THROWS_AS((void)sram::mesh({}, 1, 1).with_wafers(n), error);
    }
    CHECK_NOTHROW(sram::mesh({}, 1u << 16, (1u << 16) - 1, 1));
}

// SPDX-License-Identifier: MIT
#include <cmath>
#include <cstdint>
#include <random>
#include <set>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include <wafer/sram/placement.hpp>

#include "../support/archetypes.hpp"

using namespace wafer;
using sram::mesh;
using sram::resident;
using sram::tile_range;

namespace {

// Layers of a few tensors whose sizes are not multiples of anything.
std::vector<resident> some_tensors(std::uint32_t layers, unsigned seed, std::uint64_t least_grains = 1) {
    std::mt19937 random(seed);
    std::vector<resident> items;
    for (std::uint32_t layer = 0; layer < layers; ++layer)
        for (int i = 0; i < 5; ++i) {
            const std::uint64_t grains = least_grains + random() % 300;
            items.push_back({"t" + std::to_string(items.size()),
                             bytes(grains * (1 + random() % 90) + random() % grains), grains, layer});
        }
    return items;
}

// Every byte of a tile, grain by grain: the definition, taken literally.
std::vector<bytes> loads_by_hand(const std::vector<resident>& items, const std::vector<tile_range>& ranges,
                                 std::uint32_t tiles) {
    std::vector<bytes> loads(tiles);
    for (std::size_t i = 0; i < items.size(); ++i) {
        const std::uint64_t g = items[i].grains, n = ranges[i].count;
        for (std::uint64_t t = 0; t < n; ++t)
            for (std::uint64_t grain = g * t / n; grain < g * (t + 1) / n; ++grain)
                loads[ranges[i].first + t] +=
                    bytes(items[i].size.count / g + (grain < items[i].size.count % g ? 1 : 0));
    }
    return loads;
}

template <class Placement>
std::string refusal(const Placement& p, const std::vector<resident>& items, const mesh& where,
                    errc expected = errc::does_not_fit) {
    try {
        (void)p.place(items, where);
    } catch (const error& e) {
        CHECK(e.code() == expected);
        return e.what();
    }
    return "accepted";
}

bytes sum(const std::vector<bytes>& loads) {
    bytes all{};
    for (const bytes b : loads) all += b;
    return all;
}

}  // namespace

TEST_CASE("tile_range: shares are contiguous, equal within one grain, and complete, also where products overflow") {
    for (const std::uint64_t grains :
         {std::uint64_t{0}, std::uint64_t{1}, std::uint64_t{7}, std::uint64_t{1000}, ~std::uint64_t{0}})
        for (const std::uint32_t count : {1u, 3u, 8u, 1001u}) {
            const tile_range r{5, count};
            CHECK(r.grain_begin(grains, 0) == 0);
            CHECK(r.grain_begin(grains, count) == grains);
            for (std::uint32_t i = 0; i < count; ++i) {
                const std::uint64_t share = r.grain_begin(grains, i + 1) - r.grain_begin(grains, i);
                CHECK(share >= grains / count);
                CHECK(share - grains / count <= 1);
            }
        }
}

TEST_CASE("tile_loads: agrees with dealing every grain by hand") {
    const mesh where({}, 7, 9, 2);
    for (unsigned seed = 1; seed <= 5; ++seed) {
        const auto items = some_tensors(6, seed);
        for (const auto& ranges :
             {placements::spread{}.place(items, where), placements::by_layer{}.place(items, where)})
            CHECK(sram::tile_loads(items, ranges, where) == loads_by_hand(items, ranges, where.tiles()));
    }
}

TEST_CASE_TEMPLATE("placements: all bytes are placed, on the mesh, within every tile's capacity", Placement,
                   placements::spread, placements::by_layer, placements::packed) {
    for (unsigned seed = 1; seed <= 20; ++seed) {
        const auto items = some_tensors(1 + seed % 9, seed, 200);
        const auto total = sram::total_size(items);
        for (const std::uint32_t wafers : {1u, 2u, 5u}) {
            // Half as much again as is needed, and room for grains that do not divide evenly.
            const bytes capacity(total.count * 3 / 2 / (42 * wafers) + 6000);
            const mesh where({.capacity = capacity, .reserved = bytes(1000)}, 6, 7, wafers);
            const auto ranges = Placement{}.place(items, where);
            REQUIRE(ranges.size() == items.size());
            for (const auto& r : ranges) {
                CHECK(r.count >= 1);
                CHECK(std::uint64_t{r.first} + r.count <= where.tiles());
            }
            const auto loads = sram::tile_loads(items, ranges, where);
            CHECK(sum(loads) == total);
            for (const bytes load : loads) CHECK(load <= where.tile().usable());
            CHECK(Placement{}.place(items, where) == ranges);
        }
    }
}

TEST_CASE_TEMPLATE("placements: a host takes everything, whatever the number of threads", Placement, placements::spread,
                   placements::by_layer, placements::packed) {
    const auto items = some_tensors(12, 3);
    for (const std::uint32_t threads : {1u, 2u, 3u, 64u}) {
        const auto where = mesh::host(threads);
        CHECK(sum(sram::tile_loads(items, Placement{}.place(items, where), where)) == sram::total_size(items));
        CHECK(Placement{}.place({}, where).empty());
        const std::vector<resident> empty{{"nothing", bytes{}, 0, 0}};
        CHECK(Placement{}.place(empty, where).size() == 1);
    }
}

TEST_CASE_TEMPLATE("placements: a refusal names what would do, and that does", Placement, placements::spread,
                   placements::by_layer, placements::packed) {
    std::vector<resident> items;
    for (std::uint32_t layer = 0; layer < 12; ++layer)
        items.push_back({"layer " + std::to_string(layer), 100_KiB, 1600, layer});
    const mesh where({.capacity = 4_KiB}, 10, 10, 2);  // 400 KiB a wafer; 1200 KiB are needed
    const auto message = refusal(Placement{}, items, where);
    CHECK(message.find("1.17 MiB of weights do not fit 2 wafers of 400 KiB each: ") != std::string::npos);
    const auto at = message.find(": ") + 2;
    const auto enough = static_cast<std::uint32_t>(std::stoul(message.substr(at)));
    CHECK(message.substr(at) == std::to_string(enough) + " would hold them");
    CHECK_NOTHROW((void)Placement{}.place(items, where.with_wafers(enough)));
    CHECK(enough <= 4);
}

TEST_CASE_TEMPLATE("placements: a piece larger than a tile is refused by the tensor's name", Placement,
                   placements::spread, placements::by_layer, placements::packed) {
    const std::vector<resident> items{{"small", 10_KiB, 100, 0}, {"blk.0.ffn_up.weight", 512_KiB, 8, 0}};
    const auto message = refusal(Placement{}, items, mesh({.capacity = 48_KiB}, 100, 100));
    CHECK(message.find("48.0 KiB") != std::string::npos);
    CHECK(message.find("64.0 KiB") != std::string::npos);
    CHECK(message.find("[blk.0.ffn_up.weight]") != std::string::npos);
    CHECK(refusal(Placement{}, items, mesh({.capacity = bytes{}}, 1, 1)) != "accepted");
    const std::vector<resident> absurd{{"lying", bytes(~std::uint64_t{0} / 2), ~std::uint64_t{0} / 4, 0}};
    CHECK(refusal(Placement{}, absurd, mesh({.capacity = 48_KiB}, 750, 1200)).find("more than") != std::string::npos);
}

TEST_CASE("spread: every tensor lies on all tiles") {
    const auto items = some_tensors(4, 9);
    const mesh where({}, 5, 5, 2);
    for (const auto& r : placements::spread{}.place(items, where)) CHECK(r == tile_range{0, 50});
}

TEST_CASE("by_layer: layers get disjoint regions in proportion to their bytes, in order, none across a border") {
    std::vector<resident> items;
    for (std::uint32_t layer = 0; layer < 10; ++layer) {
        items.push_back({"a" + std::to_string(layer), bytes(3000 * (1 + layer % 2)), 3000, layer});
        items.push_back({"b" + std::to_string(layer), bytes(1000), 1000, layer});
    }
    const mesh where({.capacity = bytes(400)}, 10, 10, 2);
    const auto ranges = placements::by_layer{}.place(items, where);
    std::uint32_t end = 0;
    for (std::uint32_t layer = 0; layer < 10; ++layer) {
        const auto region = ranges[2 * layer];
        CHECK(ranges[2 * layer + 1] == region);
        CHECK(region.first >= end);
        end = region.first + region.count;
        CHECK(where.wafer_of(region.first) == where.wafer_of(end - 1));
        // 28 kB of layers on each wafer's 100 tiles, cut to whole tiles.
        const double share = (layer % 2 == 0 ? 4000.0 : 7000.0) / 27500.0 * 100;
        CHECK(std::abs(region.count - share) <= 0.15 * share + 1);
    }
    CHECK(end <= where.tiles());
    CHECK(where.wafer_of(ranges.front().first) == 0);
    CHECK(where.wafer_of(ranges.back().first) == 1);
}

TEST_CASE("by_layer: a layer larger than a wafer crosses the border, because nothing else fits") {
    const std::vector<resident> items{{"a", bytes(15000), 1500, 0}, {"b", bytes(3000), 300, 1}};
    const mesh where({.capacity = bytes(200)}, 5, 10, 2);  // 10000 bytes a wafer
    const auto ranges = placements::by_layer{}.place(items, where);
    CHECK(where.wafer_of(ranges[0].first) != where.wafer_of(ranges[0].first + ranges[0].count - 1));
    CHECK(where.crossings(ranges[1].first, ranges[1].first + ranges[1].count - 1) == 0);
}

TEST_CASE("packed: small tensors share a tile, larger ones get the fewest tiles, none crosses a border needlessly") {
    const mesh where({.capacity = bytes(100)}, 5, 1, 3);
    const std::vector<resident> items{{"a", bytes(30), 30, 0},
                                      {"b", bytes(60), 60, 0},
                                      {"c", bytes(250), 250, 0},
                                      {"d", bytes(10), 10, 1},
                                      {"e", bytes(300), 300, 1}};
    const auto ranges = placements::packed{}.place(items, where);
    CHECK(ranges[0] == tile_range{0, 1});
    CHECK(ranges[1] == tile_range{0, 1});
    CHECK(ranges[2] == tile_range{1, 3});
    CHECK(ranges[3] == tile_range{3, 1});  // in the room that c leaves
    CHECK(ranges[4] == tile_range{5, 3});  // tile 4 is the first wafer's last
}

TEST_CASE("packed: each of many experts ends up on few tiles, spread puts each on all") {
    std::vector<resident> experts;
    for (int i = 0; i < 64; ++i) experts.push_back({"expert " + std::to_string(i), 80_KiB, 1280, 0});
    const mesh where({.capacity = 41_KiB}, 16, 16);
    std::set<std::uint32_t> tiles;
    for (const auto& r : placements::packed{}.place(experts, where)) {
        CHECK(r.count == 2);
        CHECK(tiles.insert(r.first).second);
    }
    for (const auto& r : placements::spread{}.place(experts, where)) CHECK(r.count == 256);
}

TEST_CASE("placement: one with exactly the required members is a placement") {
    CHECK(archetype::placement{}.place(some_tensors(2, 1), mesh::host(2)).size() == 10);
}

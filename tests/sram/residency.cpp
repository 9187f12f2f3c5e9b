// SPDX-License-Identifier: MIT
#include <locale>
#include <sstream>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include <wafer/sram/residency.hpp>

using namespace wafer;
using sram::mesh;
using sram::resident;

namespace {

std::vector<resident> layers(std::uint32_t n) {
    std::vector<resident> items;
    for (std::uint32_t layer = 0; layer < n; ++layer) {
        items.push_back({"a", 4_KiB, 64, layer});
        items.push_back({"b", 4_KiB, 64, layer});
    }
    return items;
}
template <class T>
std::string text(const T& x) {
    std::ostringstream out;
    out << x;
    return out.str();
}

}  // namespace

TEST_CASE("residency: its text is the same in every locale") {
    struct grouped : std::numpunct<char> {
        char do_thousands_sep() const override { return '.'; }
        std::string do_grouping() const override { return "\3"; }
    };
    const auto items = layers(4);
    const mesh where({.capacity = 3_KiB}, 100, 100);
    const auto r = sram::summarize(items, placements::spread{}.place(items, where), where);
    std::ostringstream out;
    out.imbue(std::locale(std::locale::classic(), new grouped));
    out << r;
    CHECK(out.str() == text(r));
    CHECK(out.str().find("10000 tiles") != std::string::npos);
}

TEST_CASE("residency: sums, extremes and regions are those of the placement") {
    const auto items = layers(4);  // 32 KiB
    const mesh where({.capacity = 3_KiB}, 4, 2, 2);
    const auto r = sram::summarize(items, placements::by_layer{}.place(items, where), where);
    CHECK(r.size == 32_KiB);
    CHECK(r.capacity == 48_KiB);
    CHECK(r.spilled == bytes{});
    CHECK(r.tiles.sum == 32_KiB);
    CHECK(r.tiles.tiles == 16);
    CHECK(r.tiles.least == 2_KiB);
    CHECK(r.tiles.most == 2_KiB);
    CHECK(r.tiles.imbalance() == 1.0);
    REQUIRE(r.wafers.size() == 2);
    CHECK(r.wafers[0].sum == 16_KiB);
    REQUIRE(r.regions.size() == 4);
    for (std::uint32_t i = 0; i < 4; ++i) {
        CHECK(r.regions[i].layer == i);
        CHECK(r.regions[i].tensors == 2);
        CHECK(r.regions[i].size == 8_KiB);
        CHECK(r.regions[i].first == 4 * i);
        CHECK(r.regions[i].last == 4 * i + 3);
        CHECK(r.regions[i].first_wafer == i / 2);
        CHECK(r.regions[i].last_wafer == i / 2);
    }
}

TEST_CASE("residency: what exceeds a tile is spilled, and idle tiles count as empty") {
    const std::vector<resident> items{{"a", 6_KiB, 6, 0}};
    const mesh where({.capacity = 2_KiB}, 4, 1);
    const std::vector<sram::tile_range> ranges{{1, 2}};
    const auto r = sram::summarize(items, ranges, where);
    CHECK(r.spilled == 2_KiB);
    CHECK(r.tiles.empty == 2);
    CHECK(r.tiles.least == bytes{});
    CHECK(r.tiles.most == 3_KiB);
    CHECK(r.tiles.imbalance() == 2.0);
    CHECK(text(r).find("2.00 KiB spilled") != std::string::npos);
}

TEST_CASE("residency: reads as a table") {
    const auto items = layers(4);
    const mesh where({.capacity = 3_KiB}, 4, 2, 2);
    CHECK(text(sram::summarize(items, placements::by_layer{}.place(items, where), where)) ==
          "32.0 KiB resident on 16 tiles, 66.7 % of 48.0 KiB\n"
          "  wafer      size    full     least      mean  most on a tile  empty tiles\n"
          "  0      16.0 KiB  66.7 %  2.00 KiB  2.00 KiB        2.00 KiB            0\n"
          "  1      16.0 KiB  66.7 %  2.00 KiB  2.00 KiB        2.00 KiB            0\n"
          "  layer  tensors      size  tiles  first  last  wafer\n"
          "  0            2  8.00 KiB      4      0     3      0\n"
          "  1            2  8.00 KiB      4      4     7      0\n"
          "  2            2  8.00 KiB      4      8    11      1\n"
          "  3            2  8.00 KiB      4     12    15      1\n");
    const auto host = mesh::host(2);
    const auto spread = text(sram::summarize(items, placements::spread{}.place(items, host), host));
    CHECK(spread.find("every layer is spread over all tiles") != std::string::npos);
    CHECK(spread.find('%') == std::string::npos);
}

TEST_CASE("residency: the middle of many layers is left out of the table, and none of the JSON") {
    const auto items = layers(40);
    const mesh where({.capacity = 64_KiB}, 40, 2);
    const auto r = sram::summarize(items, placements::by_layer{}.place(items, where), where);
    const auto table = text(r);
    CHECK(table.find("\n  ...\n") != std::string::npos);
    CHECK(table.find("\n  3 ") != std::string::npos);
    CHECK(table.find("\n  4 ") == std::string::npos);
    CHECK(table.find("\n  36 ") != std::string::npos);
    const auto parsed = json::parse(to_json(r).dump());
    CHECK(parsed.dump() == to_json(r).dump());
    CHECK(parsed.dump().find("\"layer\":20") != std::string::npos);
}

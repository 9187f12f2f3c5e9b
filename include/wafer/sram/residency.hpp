// SPDX-License-Identifier: MIT
// L3 sram: what a placement came to: how full tiles and wafers are, and which region holds what. Knows no time.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <ostream>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <wafer/core/config.hpp>
#include <wafer/core/human.hpp>
#include <wafer/core/json.hpp>
#include <wafer/core/table.hpp>
#include <wafer/core/units.hpp>
#include <wafer/sram/mesh.hpp>
#include <wafer/sram/placement.hpp>

namespace wafer::inline WAFER_ABI::sram {

/// How full some tiles are.
struct tile_fill {
    bytes least{}, most{}, sum{};
    std::uint32_t tiles = 0;
    std::uint32_t empty = 0;

    /// What the tiles hold on average, rounded down; 0 without tiles.
    [[nodiscard]] constexpr bytes mean() const noexcept { return tiles == 0 ? bytes{} : bytes(sum.count / tiles); }
    /// What the slowest tile does over what the mean one does; 1 where there is nothing.
    [[nodiscard]] constexpr double imbalance() const noexcept {
        return sum == bytes{} ? 1.0 : most.value() * tiles / sum.value();
    }
};

/// A placement, summed up.
struct residency {
    /// One layer's region.
    struct region {
        std::uint32_t layer = 0, tensors = 0;
        tile_id first = 0, last = 0;
        std::uint32_t first_wafer = 0, last_wafer = 0;
        bytes size{};
    };

    bytes size{};      // of all tensors
    bytes capacity{};  // of all tiles; unlimited on a host
    bytes spilled{};   // beyond their tiles' capacity: 0 for what a stock placement accepts
    tile_fill tiles{};
    std::vector<tile_fill> wafers;
    std::vector<region> regions;  // in order of layer
};

/// Sums up a placement. @pre `ranges` belong to `items` and lie on the mesh
[[nodiscard]] inline residency summarize(std::span<const resident> items, std::span<const tile_range> ranges,
                                         const mesh& where) {
    residency r;
    r.size = total_size(items);
    r.capacity = where.capacity();
    const auto loads = tile_loads(items, ranges, where);
    const auto fill_of = [&](std::span<const bytes> some) {
        tile_fill fill{.least = unlimited, .most = {}, .sum = {}, .tiles = static_cast<std::uint32_t>(some.size())};
        for (const bytes load : some) {
            fill.least = std::min(fill.least, load);
            fill.most = std::max(fill.most, load);
            fill.sum += load;
            fill.empty += load == bytes{} ? 1u : 0u;
        }
        return fill;
    };
    r.tiles = fill_of(loads);
    for (std::uint32_t w = 0; w < where.wafers(); ++w)
        r.wafers.push_back(
            fill_of(std::span(loads).subspan(std::size_t{w} * where.tiles_per_wafer(), where.tiles_per_wafer())));
    for (const bytes load : loads)
        if (load > where.tile().usable()) r.spilled += load - where.tile().usable();

    for (std::size_t i = 0; i < items.size(); ++i) {
        const tile_id first = ranges[i].first, last = ranges[i].first + ranges[i].count - 1;
        auto region = std::lower_bound(r.regions.begin(), r.regions.end(), items[i].layer,
                                       [](const auto& x, std::uint32_t layer) { return x.layer < layer; });
        if (region == r.regions.end() || region->layer != items[i].layer)
            region = r.regions.insert(region, {.layer = items[i].layer, .first = first});
        region->first = std::min(region->first, first);
        region->last = std::max(region->last, last);
        region->size += items[i].size;
        ++region->tensors;
    }
    for (auto& region : r.regions) {
        region.first_wafer = where.wafer_of(region.first);
        region.last_wafer = where.wafer_of(region.last);
    }
    return r;
}

/// A line in all, a table of wafers, and one of the layers' regions; layers beyond the first and last few are left out.
inline std::ostream& operator<<(std::ostream& out, const residency& r) {
    const bool limited = r.capacity != unlimited;
    const auto percent = [](bytes part, bytes whole) {
        return fixed(whole == bytes{} ? 0 : 100 * (part / whole), 1) + " %";
    };
    out << human(r.size) << " resident on " << std::to_string(r.tiles.tiles)
        << (r.tiles.tiles == 1 ? " tile" : " tiles");
    if (limited) out << ", " << percent(r.size, r.capacity) << " of " << human(r.capacity);
    if (r.spilled != bytes{}) out << "; " << human(r.spilled) << " spilled";
    out << '\n';

    const bytes wafer_capacity(limited ? r.capacity.count / r.wafers.size() : 0);
    text_table wafers;
    wafers.add({"wafer", "size", limited ? "full" : "", "least", "mean", "most on a tile", "empty tiles"});
    for (std::size_t w = 0; w < r.wafers.size(); ++w) {
        const auto& f = r.wafers[w];
        wafers.add({std::to_string(w), human(f.sum), limited ? percent(f.sum, wafer_capacity) : "", human(f.least),
                    human(f.mean()), human(f.most), std::to_string(f.empty)});
    }
    out << wafers;

    const auto is_everywhere = [&](const residency::region& x) { return x.first == 0 && x.last + 1 == r.tiles.tiles; };
    if (std::all_of(r.regions.begin(), r.regions.end(), is_everywhere))
        return out << "  every layer is spread over all tiles\n";
    constexpr std::size_t at_each_end = 4;
    text_table regions;
    regions.add({"layer", "tensors", "size", "tiles", "first", "last", "wafer"});
    for (std::size_t i = 0; i < r.regions.size(); ++i) {
        if (i == at_each_end && r.regions.size() > 2 * at_each_end + 1) {
            regions.add({"..."});
            i = r.regions.size() - at_each_end;
        }
        const auto& x = r.regions[i];
        regions.add({std::to_string(x.layer), std::to_string(x.tensors), human(x.size),
                     std::to_string(std::uint64_t{x.last} - x.first + 1), std::to_string(x.first),
                     std::to_string(x.last),
                     std::to_string(x.first_wafer) +
                         (x.first_wafer == x.last_wafer ? "" : "-" + std::to_string(x.last_wafer))});
    }
    return out << regions;
}

/// {"size_bytes", "capacity_bytes" (absent where unlimited), "spilled_bytes", "tiles": {...}, "wafers": [...],
/// "layers": [...]}
[[nodiscard]] inline json to_json(const residency& r) {
    const auto fill_to_json = [](const tile_fill& f) {
        return json::object{{"tiles", f.tiles},
                            {"empty", f.empty},
                            {"size_bytes", f.sum.count},
                            {"least_bytes", f.least.count},
                            {"mean_bytes", f.mean().count},
                            {"most_bytes", f.most.count}};
    };
    json::object all{{"size_bytes", r.size.count}};
    if (r.capacity != unlimited) all.emplace_back("capacity_bytes", r.capacity.count);
    all.emplace_back("spilled_bytes", r.spilled.count);
    all.emplace_back("tiles", fill_to_json(r.tiles));
    json::array wafers, layers;
    for (const auto& f : r.wafers) wafers.emplace_back(fill_to_json(f));
    for (const auto& x : r.regions)
        layers.emplace_back(json::object{{"layer", x.layer},
                                         {"tensors", x.tensors},
                                         {"size_bytes", x.size.count},
                                         {"first_tile", x.first},
                                         {"last_tile", x.last},
                                         {"first_wafer", x.first_wafer},
                                         {"last_wafer", x.last_wafer}});
    all.emplace_back("wafers", std::move(wafers));
    all.emplace_back("layers", std::move(layers));
    return all;
}

}  // namespace wafer::inline WAFER_ABI::sram

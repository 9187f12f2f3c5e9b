// SPDX-License-Identifier: MIT
// L3 sram: which tiles hold which tensor. A placement deals tensors to contiguous runs of tiles, from sizes alone.
// Knows no bytes, no files and no time.
#pragma once

#include <algorithm>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include <wafer/core/bits.hpp>
#include <wafer/core/config.hpp>
#include <wafer/core/error.hpp>
#include <wafer/core/human.hpp>
#include <wafer/core/units.hpp>
#include <wafer/sram/mesh.hpp>

namespace wafer::inline WAFER_ABI {

namespace sram {

/// A tensor as a placement sees it. Its grains are equal pieces that are never cut: panels of rows for a host's thread,
/// far smaller blocks for tiles of 48 KiB.
struct resident {
    std::string name;
    bytes size{};
    std::uint64_t grains = 1;
    std::uint32_t layer = 0;
};

/// Tiles first, first + 1, ..., first + count - 1. The i-th of them holds grains [g * i / count, g * (i + 1) / count).
struct tile_range {
    tile_id first = 0;
    std::uint32_t count = 1;

    /// The first of `grains` grains that the i-th tile holds. Never overflows.
    [[nodiscard]] constexpr std::uint64_t grain_begin(std::uint64_t grains, std::uint32_t i) const noexcept {
        return grains / count * i + grains % count * i / count;
    }
    friend constexpr bool operator==(const tile_range&, const tile_range&) noexcept = default;
};

/// Deals tensors to tiles: one range for each, in their order, none empty, all on the mesh. Equal arguments give equal
/// ranges.
/// @throws error{errc::does_not_fit} naming what does not fit and what would
template <class P>
concept placement = requires(const P& p, std::span<const resident> items, const mesh& where) {
    { p.place(items, where) } -> std::same_as<std::vector<tile_range>>;
};

/// All tensors together.
[[nodiscard]] constexpr bytes total_size(std::span<const resident> items) noexcept {
    bytes sum{};
    for (const auto& item : items) sum += item.size;
    return sum;
}

/// What each tile of a mesh holds. @pre `ranges` belong to `items` and lie on the mesh
/// @cost the tiles of every range once for each distinct shape of tensor in it, so that thousands of experts cost no
/// more than one
[[nodiscard]] inline std::vector<bytes> tile_loads(std::span<const resident> items, std::span<const tile_range> ranges,
                                                   const mesh& where) {
    using shape = std::tuple<tile_id, std::uint32_t, std::uint64_t, std::uint64_t>;  // first, count, grains, size
    std::map<shape, std::uint64_t> tensors;
    for (std::size_t i = 0; i < items.size(); ++i)
        ++tensors[{ranges[i].first, ranges[i].count, std::max<std::uint64_t>(items[i].grains, 1), items[i].size.count}];

    std::vector<bytes> loads(where.tiles());
    for (const auto& [key, times] : tensors) {
        const auto [first, count, grains, size] = key;
        const tile_range range{first, count};
        // The first size % grains grains are a byte larger than the others, so that shares add up to the size.
        const auto bytes_before = [grains = grains, size = size](std::uint64_t grain) {
            return size / grains * grain + std::min(grain, size % grains);
        };
        std::uint64_t before = 0;
        for (std::uint32_t t = 0; t < count; ++t) {
            const std::uint64_t after = bytes_before(range.grain_begin(grains, t + 1));
            loads[first + t] += bytes((after - before) * times);
            before = after;
        }
    }
    return loads;
}

}  // namespace sram

namespace detail {

[[nodiscard]] inline bool fits(std::span<const sram::resident> items, std::span<const sram::tile_range> ranges,
                               const sram::mesh& where) {
    if (sram::total_size(items) > where.capacity()) return false;
    for (const auto& r : ranges)
        if (std::uint64_t{r.first} + r.count > where.tiles()) return false;
    const auto loads = sram::tile_loads(items, ranges, where);
    return std::all_of(loads.begin(), loads.end(), [&](bytes load) { return load <= where.tile().usable(); });
}

[[nodiscard]] constexpr bytes grain_size(const sram::resident& item) noexcept {
    const std::uint64_t grains = std::max<std::uint64_t>(item.grains, 1);
    return bytes(ceil_div(item.size.count, grains));
}

// Ranges from deal(items, mesh), or a refusal that says what would do: a number of wafers, tried out.
template <class Deal>
[[nodiscard]] std::vector<sram::tile_range> deal_or_refuse(std::span<const sram::resident> items,
                                                           const sram::mesh& where, Deal&& deal) {
    const bytes usable = where.tile().usable();
    for (const auto& item : items)
        if (grain_size(item) > usable)
            raise(errc::does_not_fit,
                  "a tile has " + human(usable) + " for weights, but this tensor comes in pieces of " +
                      human(grain_size(item)) + ": use smaller pieces or larger tiles",
                  {.file = {}, .offset = {}, .tensor = item.name});

    auto ranges = deal(items, where);
    if (fits(items, ranges, where)) return ranges;

    const bytes total = sram::total_size(items);
    const std::string refusal = human(total) + " of weights do not fit " + std::to_string(where.wafers()) +
                                (where.wafers() == 1 ? " wafer of " : " wafers of ") + human(where.wafer_capacity()) +
                                " each: ";
    const std::uint64_t at_most = (std::uint64_t{1} << 26) / where.tiles_per_wafer();  // what is worth trying out
    const std::uint64_t at_least = std::max<std::uint64_t>(
        total.count / std::max<std::uint64_t>(where.wafer_capacity().count, 1), where.wafers() + 1u);
    for (std::uint64_t n = at_least, step = 1; n <= at_most && n / 2 <= at_least; n += step, step *= 2) {
        const auto larger = where.with_wafers(n);
        if (fits(items, deal(items, larger), larger))
            raise(errc::does_not_fit, refusal + std::to_string(n) + " would hold them");
    }
    raise(errc::does_not_fit, refusal + "more than " + std::to_string(at_least) + " are needed");
}

}  // namespace detail

namespace placements {

/// Every tensor over all tiles: each tile works on every operation. What a host does with its threads.
struct spread {
    /// All tiles, for every tensor. @throws error{errc::does_not_fit} naming what would do
    [[nodiscard]] std::vector<sram::tile_range> place(std::span<const sram::resident> items,
                                                      const sram::mesh& where) const {
        return detail::deal_or_refuse(items, where, [](std::span<const sram::resident> all, const sram::mesh& tiles) {
            return std::vector<sram::tile_range>(all.size(), {0, tiles.tiles()});
        });
    }
};

/// Each layer gets a run of tiles in proportion to its bytes, and spreads its tensors over it: a pipeline of regions
/// through which only activations travel. Layers are shared out among wafers evenly, and cut by a border only if
/// nothing else fits.
struct by_layer {
    /// Its layer's run of tiles, for every tensor. @throws error{errc::does_not_fit} naming what would do
    [[nodiscard]] std::vector<sram::tile_range> place(std::span<const sram::resident> items,
                                                      const sram::mesh& where) const {
        return detail::deal_or_refuse(items, where, deal);
    }

private:
    using layer_sizes = std::vector<std::pair<std::uint32_t, std::uint64_t>>;  // layer, bytes; in order of layer

    [[nodiscard]] static std::vector<sram::tile_range> deal(std::span<const sram::resident> items,
                                                            const sram::mesh& where) {
        std::map<std::uint32_t, std::uint64_t> sum;
        for (const auto& item : items) sum[item.layer] += item.size.count;
        const layer_sizes layers(sum.begin(), sum.end());

        std::map<std::uint32_t, sram::tile_range> regions;
        const std::uint64_t fullest = smallest_limit(layers, where.wafers());
        if (fullest > where.wafer_capacity().count) {
            share_out(layers, {0, where.tiles()}, regions);
        } else {
            std::span<const layer_sizes::value_type> left(layers);
            for (std::uint32_t w = 0; !left.empty(); ++w) {
                const std::size_t n = how_many(left, fullest);
                share_out(left.first(n), {w * where.tiles_per_wafer(), where.tiles_per_wafer()}, regions);
                left = left.subspan(n);
            }
        }
        std::vector<sram::tile_range> ranges;
        ranges.reserve(items.size());
        for (const auto& item : items) ranges.push_back(regions.at(item.layer));
        return ranges;
    }

    // Layers from the front that together stay within the limit.
    [[nodiscard]] static std::size_t how_many(std::span<const layer_sizes::value_type> layers, std::uint64_t limit) {
        std::size_t n = 0;
        for (std::uint64_t used = 0; n < layers.size() && layers[n].second <= limit - used; ++n)
            used += layers[n].second;
        return n;
    }

    // The smallest load of the fullest wafer when consecutive layers are shared out among `wafers`.
    [[nodiscard]] static std::uint64_t smallest_limit(const layer_sizes& layers, std::uint32_t wafers) {
        std::uint64_t low = 0, high = 0;
        for (const auto& layer : layers) {
            low = std::max(low, layer.second);
            high += layer.second;
        }
        while (low < high) {
            const std::uint64_t limit = low + (high - low) / 2;
            std::span<const layer_sizes::value_type> left(layers);
            for (std::uint32_t w = 0; w < wafers && !left.empty(); ++w) left = left.subspan(how_many(left, limit));
            if (left.empty()) high = limit;
            else low = limit + 1;
        }
        return low;
    }

    // Cuts a range in proportion to bytes; every layer gets at least one tile, shared with a neighbour where they are
    // scarce.
    static void share_out(std::span<const layer_sizes::value_type> layers, sram::tile_range among,
                          std::map<std::uint32_t, sram::tile_range>& regions) {
        double total = 0;
        for (const auto& layer : layers) total += static_cast<double>(layer.second);
        double before = 0;
        const auto cut = [&](double prefix) {
            return total > 0 ? std::min(static_cast<std::uint32_t>(prefix / total * among.count), among.count) : 0u;
        };
        for (const auto& [layer, size] : layers) {
            const std::uint32_t begin = std::min(cut(before), among.count - 1);
            before += static_cast<double>(size);
            regions[layer] = {among.first + begin, std::max(cut(before), begin + 1) - begin};
        }
    }
};

/// Fills tile after tile: a tensor gets the fewest tiles that hold it, and small ones share a tile. Experts end up on
/// few tiles each, so that an idle expert leaves its tiles idle. No tensor is cut by a border between wafers if one
/// wafer can hold it.
struct packed {
    /// The fewest tiles, for every tensor in order. @throws error{errc::does_not_fit} naming what would do
    [[nodiscard]] std::vector<sram::tile_range> place(std::span<const sram::resident> items,
                                                      const sram::mesh& where) const {
        return detail::deal_or_refuse(items, where, deal);
    }

private:
    // May run past the mesh's last tile: then it does not fit.
    [[nodiscard]] static std::vector<sram::tile_range> deal(std::span<const sram::resident> items,
                                                            const sram::mesh& where) {
        const std::uint64_t usable = where.tile().usable().count;
        std::vector<sram::tile_range> ranges;
        ranges.reserve(items.size());
        std::uint64_t tile = 0, used = 0;  // the tile being filled
        for (const auto& item : items) {
            if (item.size.count <= usable - used) {
                ranges.push_back({clamp(tile), 1});
                used += item.size.count;
                continue;
            }
            const std::uint64_t grain = detail::grain_size(item).count;
            const std::uint64_t grains = std::max<std::uint64_t>(item.grains, 1);
            const std::uint64_t count = ceil_div(grains, usable / grain);
            if (used != 0) ++tile;
            const std::uint64_t left_on_wafer = where.tiles_per_wafer() - tile % where.tiles_per_wafer();
            if (count > left_on_wafer && count <= where.tiles_per_wafer()) tile += left_on_wafer;
            ranges.push_back({clamp(tile), clamp(count)});
            tile += count - 1;
            used = ceil_div(grains, count) * grain;
        }
        return ranges;
    }
    [[nodiscard]] static std::uint32_t clamp(std::uint64_t n) noexcept {
        return static_cast<std::uint32_t>(std::min<std::uint64_t>(n, std::uint32_t(-1)));
    }
};

}  // namespace placements

static_assert(sram::placement<placements::spread> && sram::placement<placements::by_layer> &&
              sram::placement<placements::packed>);

}  // namespace wafer::inline WAFER_ABI

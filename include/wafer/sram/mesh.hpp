// SPDX-License-Identifier: MIT
// L3 sram: tiles in columns and rows, on one wafer or a chain of them, and how far apart two tiles are.
// Knows no tensors and no time.
#pragma once

#include <cstdint>
#include <limits>

#include <wafer/core/config.hpp>
#include <wafer/core/error.hpp>
#include <wafer/core/units.hpp>
#include <wafer/sram/tile.hpp>

namespace wafer::inline WAFER_ABI::sram {

/// A tile's number: wafer by wafer, row by row, column by column.
using tile_id = std::uint32_t;

/// Where a tile lies.
struct tile_site {
    std::uint32_t wafer = 0, column = 0, row = 0;
    friend constexpr bool operator==(const tile_site&, const tile_site&) noexcept = default;
};

/// Equal tiles in `columns` x `rows` on each of `wafers` wafers. Wafers form a chain: the last column of one is linked
/// to the first column of the next, row by row.
class mesh {
public:
    /// @throws error{errc::invalid_argument} if a count is zero or the tiles do not fit a tile_id
    constexpr mesh(tile_spec tile, std::uint64_t columns, std::uint64_t rows, std::uint64_t wafers = 1) : tile_(tile) {
        if (columns == 0 || rows == 0 || wafers == 0)
            raise(errc::invalid_argument, "a mesh needs at least one column, row and wafer");
        constexpr std::uint64_t most = std::numeric_limits<tile_id>::max();
        if (columns > most / rows || columns * rows > most / wafers)
            raise(errc::invalid_argument, "a mesh has at most 2^32 - 1 tiles");
        columns_ = static_cast<std::uint32_t>(columns);
        rows_ = static_cast<std::uint32_t>(rows);
        wafers_ = static_cast<std::uint32_t>(wafers);
    }

    /// This machine: one tile for each thread, all beside one another. Each takes what it is given unless `capacity` (a
    /// share of the caches, say) limits it.
    [[nodiscard]] static constexpr mesh host(std::uint64_t threads, bytes capacity = unlimited) {
        return mesh(tile_spec{.capacity = capacity}, threads, 1);
    }

    /// What each tile is.
    [[nodiscard]] constexpr const tile_spec& tile() const noexcept { return tile_; }
    /// Columns of one wafer.
    [[nodiscard]] constexpr std::uint32_t columns() const noexcept { return columns_; }
    /// Rows of one wafer.
    [[nodiscard]] constexpr std::uint32_t rows() const noexcept { return rows_; }
    /// Wafers in the chain.
    [[nodiscard]] constexpr std::uint32_t wafers() const noexcept { return wafers_; }
    /// columns * rows.
    [[nodiscard]] constexpr std::uint32_t tiles_per_wafer() const noexcept { return columns_ * rows_; }
    /// columns * rows * wafers: ids are below that.
    [[nodiscard]] constexpr std::uint32_t tiles() const noexcept { return tiles_per_wafer() * wafers_; }
    /// What tensors may fill on one wafer, and on all of them.
    [[nodiscard]] constexpr bytes wafer_capacity() const noexcept { return times(tile_.usable(), tiles_per_wafer()); }
    [[nodiscard]] constexpr bytes capacity() const noexcept { return times(tile_.usable(), tiles()); }
    /// The same wafers, more or fewer of them.
    /// @throws error{errc::invalid_argument}, as the constructor
    [[nodiscard]] constexpr mesh with_wafers(std::uint64_t n) const { return mesh(tile_, columns_, rows_, n); }

    /// The wafer that a tile is on, counted from 0. @pre id < tiles()
    [[nodiscard]] constexpr std::uint32_t wafer_of(tile_id id) const noexcept { return id / tiles_per_wafer(); }
    /// Where a tile lies. @pre id < tiles()
    [[nodiscard]] constexpr tile_site site(tile_id id) const noexcept {
        const std::uint32_t on_wafer = id % tiles_per_wafer();
        return {wafer_of(id), on_wafer % columns_, on_wafer / columns_};
    }
    /// Its number: (wafer * rows + row) * columns + column. @pre the site is on the mesh
    [[nodiscard]] constexpr tile_id id(tile_site s) const noexcept {
        return (s.wafer * rows_ + s.row) * columns_ + s.column;
    }

    /// Links on the wafers between two tiles, moving along rows and columns only. The links between wafers are not in
    /// it.
    [[nodiscard]] constexpr hops distance(tile_id a, tile_id b) const noexcept {
        const tile_site s = site(a), t = site(b);
        const auto along = [this](tile_site x) { return std::uint64_t{x.wafer} * columns_ + x.column; };
        return hops(apart(along(s), along(t)) + apart(s.row, t.row) - crossings(a, b));
    }
    /// Borders between wafers on the way from one tile to another.
    [[nodiscard]] constexpr std::uint32_t crossings(tile_id a, tile_id b) const noexcept {
        return static_cast<std::uint32_t>(apart(wafer_of(a), wafer_of(b)));
    }

private:
    [[nodiscard]] static constexpr std::uint64_t apart(std::uint64_t a, std::uint64_t b) noexcept {
        return a < b ? b - a : a - b;
    }
    [[nodiscard]] static constexpr bytes times(bytes each, std::uint64_t n) noexcept {
        return each.count > unlimited.count / n ? unlimited : each * n;
    }

    tile_spec tile_;
    std::uint32_t columns_ = 0, rows_ = 0, wafers_ = 0;
};

}  // namespace wafer::inline WAFER_ABI::sram

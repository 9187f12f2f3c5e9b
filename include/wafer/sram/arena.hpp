// SPDX-License-Identifier: MIT
// L3 sram: the resident weights. An arena_plan says which bytes go where, from shapes alone; the arena then holds them:
// packed once, first touched by the thread that owns their tile, sealed read-only. Knows no kernels and no models.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstring>
#include <exception>
#include <functional>
#include <span>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

#include <wafer/core/bits.hpp>
#include <wafer/core/error.hpp>
#include <wafer/core/system.hpp>
#include <wafer/core/units.hpp>
#include <wafer/sram/mesh.hpp>
#include <wafer/sram/placement.hpp>
#include <wafer/sram/resident.hpp>
#include <wafer/tensor/block.hpp>
#include <wafer/tensor/pack.hpp>

namespace wafer::inline WAFER_ABI {

/// What an arena will hold and where: exact bytes and offsets, from shapes alone. Copies share nothing with a file.
///
/// Add matrices and vectors, then call place() once. Addresses are offsets into one block of memory: tile after tile, so
/// that each tile's bytes are contiguous and its owner streams them in the order in which a forward pass needs them.
class arena_plan {
public:
    /// One matrix (rows, cols). The caller fills in the first six; place() the others.
    struct matrix {
        std::string name;       // tensor in the checkpoint
        std::size_t slice = 0;  // which matrix of a stacked tensor (an expert)
        dtype type{};
        std::size_t rows = 0, cols = 0;
        std::uint32_t layer = 0;
        sram::tile_range tiles{};
        std::size_t first_part = 0, n_parts = 0;  // into parts(); a tile without rows has none
    };
    /// The rows of a matrix that one tile holds; the offset counts bytes from the start of the arena.
    struct part {
        std::size_t offset = 0, first_row = 0, n_rows = 0, tile = 0;
    };
    /// A norm or a bias. Vectors lie before the first tile's matrices.
    struct vector {
        std::string name;
        dtype type{};  // in the checkpoint; resident as f32
        std::size_t size = 0;
        std::size_t offset = 0;
    };

    /// Adds a matrix and tells its index in matrices(). @pre place() was not called yet
    /// @throws error{errc::unsupported_dtype} for a number that is no type
    std::size_t add_matrix(matrix m) {
        require_known(m.type, m.name);
        matrices_.push_back(std::move(m));
        return matrices_.size() - 1;
    }
    /// Adds a vector and tells its index in vectors(). @pre place() was not called yet
    std::size_t add_vector(vector v) {
        require_known(v.type, v.name);
        vectors_.push_back(std::move(v));
        return vectors_.size() - 1;
    }

    /// The plan's contents as a placement sees them: one item a matrix, its rows in grains of grain_rows.
    [[nodiscard]] std::vector<sram::resident> residents() const {
        std::vector<sram::resident> items;
        items.reserve(matrices_.size());
        for (const auto& m : matrices_)
            items.push_back({m.name, bytes(packed_size(m)), ceil_div(m.rows, grain_rows), m.layer});
        return items;
    }

    /// Deals every matrix to tiles of the mesh and fixes all offsets.
    /// @throws error{errc::does_not_fit} from the placement
    template <sram::placement Placement>
    void place(const Placement& placement, const sram::mesh& tiles) {
        const auto items = residents();
        const auto ranges = placement.place(items, tiles);
        std::size_t n_tiles = 1;
        parts_.clear();
        for (std::size_t i = 0; i < matrices_.size(); ++i) {
            auto& m = matrices_[i];
            m.tiles = ranges[i];
            m.first_part = parts_.size();
            n_tiles = std::max<std::size_t>(n_tiles, m.tiles.first + m.tiles.count);
            const std::size_t grains = ceil_div(m.rows, grain_rows);
            for (std::uint32_t t = 0; t < m.tiles.count; ++t) {
                const auto row = [&](std::uint32_t nth) {
                    return std::min<std::size_t>(m.tiles.grain_begin(grains, nth) * grain_rows, m.rows);
                };
                const std::size_t n_rows = row(t + 1) - row(t), n_panels = ceil_div(n_rows, simd::panel_rows);
                const std::size_t size = n_panels * simd::panel_bytes(m.type, m.cols);  // becomes the offset below
                if (n_rows != 0) parts_.push_back({size, row(t), n_rows, m.tiles.first + t});
            }
            m.n_parts = parts_.size() - m.first_part;
        }
        std::vector<part*> by_tile;
        by_tile.reserve(parts_.size());
        for (auto& p : parts_) by_tile.push_back(&p);
        std::stable_sort(by_tile.begin(), by_tile.end(),
                         [](const part* a, const part* b) { return a->tile < b->tile; });
        auto next = by_tile.begin();
        tile_end_.assign(n_tiles, 0);
        std::size_t at = 0;
        for (std::size_t tile = 0; tile < n_tiles; ++tile) {
            if (tile == 0)
                for (auto& v : vectors_) at = (v.offset = at) + round_up(v.size * sizeof(float), alignment);
            for (; next != by_tile.end() && (*next)->tile == tile; ++next) at += std::exchange((*next)->offset, at);
            at = round_up(at, alignment);
            tile_end_[tile] = at;
        }
    }

    /// In the order in which they were added.
    [[nodiscard]] std::span<const matrix> matrices() const noexcept { return matrices_; }
    /// In the order in which they were added.
    [[nodiscard]] std::span<const vector> vectors() const noexcept { return vectors_; }
    /// Of all matrices, one after the other; of one matrix, by rising tile. @pre place() was called
    [[nodiscard]] std::span<const part> parts() const noexcept { return parts_; }
    [[nodiscard]] std::span<const part> parts(const matrix& m) const noexcept {
        return parts().subspan(m.first_part, m.n_parts);
    }
    /// How many tiles there are, up to the last that a matrix was dealt to. @pre place() was called
    [[nodiscard]] std::size_t tiles() const noexcept { return tile_end_.size(); }
    /// All bytes of the arena. @pre place() was called
    [[nodiscard]] bytes size() const noexcept { return bytes(tile_end_.empty() ? 0 : tile_end_.back()); }
    /// Bytes of one tile, rounded up to 64; the first has the vectors, too. @pre place() was called; tile < tiles()
    [[nodiscard]] bytes tile_size(std::size_t tile) const noexcept {
        return bytes(tile_end_[tile] - (tile == 0 ? 0 : tile_end_[tile - 1]));
    }

private:
    static constexpr std::size_t alignment = 64;
    static void require_known(dtype type, const std::string& name) {
        if (!is_known(type))
            raise(errc::unsupported_dtype, "a type of number " + std::to_string(static_cast<int>(type)) + " is none",
                  {{}, {}, name});
    }
    [[nodiscard]] static std::size_t packed_size(const matrix& m) noexcept {
        return ceil_div(m.rows, simd::panel_rows) * simd::panel_bytes(m.type, m.cols);
    }

    std::vector<matrix> matrices_;
    std::vector<vector> vectors_;
    std::vector<part> parts_;
    std::vector<std::size_t> tile_end_;
};

/// Called while weights become resident: bytes done and in all. Return false to stop: loading then raises errc::cancelled.
/// Comes from the thread that called load; what it throws leaves load. The load has the pool meanwhile: do not use it.
using progress_fn = std::function<bool(bytes done, bytes total)>;

/// The stored bytes of one tensor: in memory, or read piece by piece when they are packed.
struct stored_weights {
    std::size_t size = 0;
    const std::byte* data = nullptr;  // null: read() fetches them
    /// Comes from any worker; may throw, must not use the pool.
    std::function<void(std::size_t begin, std::span<std::byte> to)> read = {};

    /// Bytes in memory, which must stay there while they are read.
    stored_weights(std::span<const std::byte> memory) : size(memory.size()), data(memory.data()) {}
    /// n bytes behind a function.
    stored_weights(std::size_t n, std::function<void(std::size_t, std::span<std::byte>)> reads)
        : size(n), read(std::move(reads)) {}
};

/// Where an arena's bytes come from: the stored rows of one tensor; and what to do just before some of them are read (a
/// mapped file maps its pages in one go) and when they are no longer needed (it gives them back, so that loading never needs
/// the weights twice). The last two are for bytes in memory.
struct weight_source {
    std::function<stored_weights(const std::string& tensor)> find;
    std::function<void(std::span<const std::byte>)> begin = [](std::span<const std::byte>) {};
    std::function<void(std::span<const std::byte>)> done = [](std::span<const std::byte>) {};
};

/// Resident weights. Made from a placed plan, filled once or again, read-only from then on.
class resident_arena {
    /// A stored tensor's bytes from `begin` on.
    struct stored_rows {
        stored_weights tensor;
        std::size_t begin;

        /// n bytes from byte `at` of them on: where they are, or in `room`.
        [[nodiscard]] const std::byte* get(std::size_t at, std::size_t n, std::vector<std::byte>& room) const {
            if (tensor.data != nullptr) return tensor.data + begin + at;
            if (room.size() < n) room.resize(n);
            tensor.read(begin + at, std::span(room).first(n));
            return room.data();
        }
    };

public:
    /// Empty.
    resident_arena() noexcept = default;
    /// Reserves the memory; touches none of it. @throws error{errc::out_of_memory}
    explicit resident_arena(arena_plan plan)
        : plan_(std::move(plan)), size_(std::max<std::size_t>(plan_.size().count, 1)) {
        parts_.reserve(plan_.parts().size());  // the destructor does not run if this throws: before the pages
        // Systems promise more pages than they have: ask what there is, rather than be killed while touching them.
        const std::uint64_t available = system::available_memory();
        if (size_ <= available) memory_ = system::reserve_pages(size_);
        if (memory_ == nullptr)
            raise(errc::out_of_memory, "the weights need " + std::to_string(size_) + " bytes resident, and " +
                                           (size_ > available ? std::to_string(available) + " are available"
                                                              : "the system refuses them to this process"));
        for (const auto& p : plan_.parts()) parts_.push_back({memory_ + p.offset, p.first_row, p.n_rows, p.tile});
    }
    ~resident_arena() { system::release_pages(memory_, size_); }
    resident_arena(resident_arena&& o) noexcept { *this = std::move(o); }
    resident_arena& operator=(resident_arena&& o) noexcept {
        std::swap(plan_, o.plan_);
        std::swap(size_, o.size_);
        std::swap(memory_, o.memory_);
        std::swap(parts_, o.parts_);
        return *this;
    }

    /// Where all of a plan's bytes will come from.
    class gathered {
        friend resident_arena;
        weight_source source;
        std::vector<stored_rows> matrices, vectors;
    };

    /// Finds all that fill() will read. Changes nothing.
    /// @throws error{errc::wrong_shape} if the source has too few bytes; whatever source.find throws
    [[nodiscard]] gathered gather(weight_source source) const {
        const auto stored = [&](const std::string& name, std::size_t begin, std::size_t size) {
            stored_rows rows{source.find(name), begin};
            if (begin > rows.tensor.size || size > rows.tensor.size - begin)
                raise(errc::wrong_shape, "the checkpoint has fewer bytes for this tensor than were planned",
                      {{}, {}, name});
            return rows;
        };
        gathered all;
        all.matrices.reserve(plan_.matrices().size());
        for (const auto& m : plan_.matrices()) {
            const std::size_t size = m.rows * row_bytes(m.type, m.cols);
            all.matrices.push_back(stored(m.name, m.slice * size, size));
        }
        for (const auto& v : plan_.vectors()) all.vectors.push_back(stored(v.name, 0, row_bytes(v.type, v.size)));
        all.source = std::move(source);
        return all;
    }

    /// Packs all weights: each worker of `pool` (anything with size() and run()) fills the tiles it owns, then seals.
    /// May be called again with others of the same shapes: that is a swap. Of bytes in memory it cannot fail.
    /// @throws error{errc::cancelled} if progress or `asked` said stop, or what a callback threw. The arena then holds garbage
    /// and must be filled again.
    template <class Pool>
    void fill(const gathered& from, Pool& pool, const progress_fn& progress = {}, const std::stop_token& asked = {}) {
        system::protect_pages(memory_, size_, true);
        for (std::size_t i = 0; i < from.vectors.size() && !asked.stop_requested(); ++i) {
            const auto& v = plan_.vectors()[i];
            std::vector<std::byte> room;
            decode_row(v.type, from.vectors[i].get(0, row_bytes(v.type, v.size), room), v.size,
                       reinterpret_cast<float*>(memory_ + v.offset));
        }
        const bytes total = plan_.size();
        std::atomic<std::uint64_t> done{0};
        std::atomic<bool> stop{asked.stop_requested() || (progress && !progress(bytes(0), total))};
        std::exception_ptr thrown;
        pool.run([&](std::size_t worker) {
            // Bytes packed since the last call; whether to go on.
            const auto step = [&](std::size_t packed) {
                const auto so_far = done.fetch_add(packed, std::memory_order_relaxed) + packed;
                if (asked.stop_requested() || (worker == 0 && progress && !progress(bytes(so_far), total)))
                    stop.store(true, std::memory_order_relaxed);
                return !stop.load(std::memory_order_relaxed);
            };
            std::vector<std::byte> room;
            auto failure = exception_of([&] {
                for (std::size_t i = 0; i < from.matrices.size(); ++i)
                    for (const auto& p : plan_.parts(plan_.matrices()[i]))
                        if (p.tile % pool.size() == worker && !stop.load(std::memory_order_relaxed))
                            pack(plan_.matrices()[i], p, from.matrices[i], from.source, room, step);
            });
            if (failure && !stop.exchange(true)) thrown = std::move(failure);
        });
        if (thrown) std::rethrow_exception(thrown);
        if (stop || (progress && !progress(total, total))) raise(errc::cancelled, "loading was stopped");
        system::protect_pages(memory_, size_, false);
    }
    /// gather() and fill(). @throws what they throw
    template <class Pool>
    void load(weight_source source, Pool& pool, const progress_fn& progress = {}, const std::stop_token& asked = {}) {
        fill(gather(std::move(source)), pool, progress, asked);
    }

    /// What it holds, and where.
    [[nodiscard]] const arena_plan& plan() const noexcept { return plan_; }
    /// All of it.
    [[nodiscard]] std::span<const std::byte> memory() const noexcept { return {memory_, size_}; }
    /// The matrix of that index in plan().matrices(): a view, valid as long as the arena. @pre filled
    [[nodiscard]] resident_matrix matrix(std::size_t index) const noexcept {
        const auto& m = plan_.matrices()[index];
        return {m.type, m.rows, m.cols, std::span(parts_).subspan(m.first_part, m.n_parts)};
    }
    /// The vector of that index in plan().vectors(): a view, valid as long as the arena. @pre filled
    [[nodiscard]] resident_vector vector(std::size_t index) const noexcept {
        const auto& v = plan_.vectors()[index];
        return {reinterpret_cast<const float*>(memory_ + v.offset), v.size};
    }

private:
    /// Packs one part in stretches of about a megabyte, so that source pages go back early and stop requests are heard.
    template <class Step>
    void pack(const arena_plan::matrix& m, const arena_plan::part& p, const stored_rows& rows,
              const weight_source& source, std::vector<std::byte>& room, Step&& step) {
        const std::size_t stride = row_bytes(m.type, m.cols);
        const std::size_t panel = simd::panel_bytes(m.type, m.cols);
        const std::size_t stretch =
            std::max<std::size_t>((std::size_t{1} << 20) / std::max<std::size_t>(panel, 1), 1) * simd::panel_rows;
        for (std::size_t done = 0; done < p.n_rows;) {
            const std::size_t end = std::min(done + stretch, p.n_rows),
                              n_panels = ceil_div(end - done, simd::panel_rows);
            const std::span stored(rows.get((p.first_row + done) * stride, (end - done) * stride, room),
                                   (end - done) * stride);
            const bool in_memory = rows.tensor.data != nullptr;
            if (in_memory) source.begin(stored);
            for (std::size_t row = done; row < end; row += simd::panel_rows)
                pack_panel(m.type, stored.data() + (row - done) * stride, stride, std::min(simd::panel_rows, end - row),
                           m.cols, memory_ + p.offset + row / simd::panel_rows * panel);
            done = end;
            if (in_memory) source.done(stored);
            if (!step(n_panels * panel)) return;
        }
    }

    arena_plan plan_;
    std::size_t size_ = 0;
    std::byte* memory_ = nullptr;
    std::vector<matrix_part> parts_;
};

}  // namespace wafer::inline WAFER_ABI

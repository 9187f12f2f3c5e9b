// SPDX-License-Identifier: MIT
// L3 sram: views of weights that are resident: where a matrix's panels lie, tile by tile. What kernels multiply with.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include <wafer/core/bits.hpp>
#include <wafer/core/config.hpp>
#include <wafer/core/dtype.hpp>
#include <wafer/core/units.hpp>
#include <wafer/simd/panel.hpp>

namespace wafer::inline WAFER_ABI {

/// Rows that are never split between tiles: two panels, so that whoever owns them can also quantise them (blocks of 32).
inline constexpr std::size_t grain_rows = 2 * simd::panel_rows;

/// The consecutive panels of a matrix that one tile holds.
struct matrix_part {
    const std::byte* panels = nullptr;  // null in a phantom
    std::size_t first_row = 0;          // multiple of grain_rows
    std::size_t n_rows = 0;             // rows of the matrix in this part; the last panel may be padded with zero rows
    std::size_t tile = 0;               // worker tile % n_workers owns it
};

/// A matrix (rows, cols) packed as panels and dealt to tiles. y = W x has one output for each row.
struct resident_matrix {
    dtype type = dtype::f32;
    std::size_t rows = 0;
    std::size_t cols = 0;
    std::span<const matrix_part> parts;  // by rising tile; none is empty

    /// Whether the model has it.
    [[nodiscard]] explicit operator bool() const noexcept { return rows != 0; }
    /// How many elements it has.
    [[nodiscard]] std::size_t weights() const noexcept { return rows * cols; }
    /// Bytes as the file stores them: what a device that streams weights must read.
    [[nodiscard]] bytes stored() const noexcept { return bytes(rows * row_bytes(type, cols)); }
};

/// A vector of float32 weights: norms and biases. Empty where the model has none.
struct resident_vector {
    const float* first = nullptr;  // null in a phantom
    std::size_t count = 0;

    /// Whether the model has none.
    [[nodiscard]] bool empty() const noexcept { return count == 0; }
    /// The first weight; null in a phantom.
    [[nodiscard]] const float* data() const noexcept { return first; }
    /// Bytes as they are resident.
    [[nodiscard]] std::size_t size_bytes() const noexcept { return count * sizeof(float); }
};

}  // namespace wafer::inline WAFER_ABI

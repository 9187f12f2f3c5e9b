// SPDX-License-Identifier: MIT
// L2 tensor: a matrix in somebody else's memory. Knows no ownership and no blocks.
#pragma once

#include <cstddef>
#include <span>
#include <type_traits>

#include <wafer/core/config.hpp>
#include <wafer/core/error.hpp>

namespace wafer::inline WAFER_ABI {

/// Rows of cols() contiguous elements each, whose beginnings lie stride() elements apart. Cheap to copy; owns nothing.
template <class T>
class matrix_view {
public:
    constexpr matrix_view() noexcept = default;
    /// @pre stride >= cols; data holds (rows - 1) * stride + cols elements
    constexpr matrix_view(T* data, std::size_t rows, std::size_t cols, std::size_t stride) noexcept
        : data_(data), rows_(rows), cols_(cols), stride_(stride) {}
    constexpr matrix_view(T* data, std::size_t rows, std::size_t cols) noexcept : matrix_view(data, rows, cols, cols) {}

    /// A view to write through is also one to read through.
    constexpr operator matrix_view<const T>() const noexcept requires(!std::is_const_v<T>) {
        return {data_, rows_, cols_, stride_};
    }

    [[nodiscard]] constexpr T* data() const noexcept { return data_; }
    [[nodiscard]] constexpr std::size_t rows() const noexcept { return rows_; }
    [[nodiscard]] constexpr std::size_t cols() const noexcept { return cols_; }
    [[nodiscard]] constexpr std::size_t stride() const noexcept { return stride_; }
    [[nodiscard]] constexpr bool empty() const noexcept { return rows_ == 0 || cols_ == 0; }

    /// @pre i < rows()
    [[nodiscard]] constexpr std::span<T> row(std::size_t i) const {
        WAFER_EXPECT(i < rows_);
        return {data_ + i * stride_, cols_};
    }
    /// Rows [first, first + count). @pre first + count <= rows()
    [[nodiscard]] constexpr matrix_view middle_rows(std::size_t first, std::size_t count) const {
        WAFER_EXPECT(first <= rows_ && count <= rows_ - first);
        return {data_ + first * stride_, count, cols_, stride_};
    }

private:
    T* data_ = nullptr;
    std::size_t rows_ = 0, cols_ = 0, stride_ = 0;
};

}  // namespace wafer::inline WAFER_ABI

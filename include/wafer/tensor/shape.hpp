// SPDX-License-Identifier: MIT
// L2 tensor: extents of a tensor, row-major: the last one is contiguous. Knows no bytes.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <limits>
#include <optional>
#include <span>
#include <string>

#include <wafer/core/bits.hpp>
#include <wafer/core/config.hpp>
#include <wafer/core/error.hpp>

namespace wafer::inline WAFER_ABI {

/// Up to four extents, none of them zero, whose product is known to fit. The default has rank 0 and one element.
class shape {
public:
    static constexpr std::size_t max_rank = 4;

    /// Rank 0, one element.
    constexpr shape() noexcept = default;

    /// @throws error{errc::invalid_argument} where checked() would give nothing
    constexpr shape(std::initializer_list<std::uint64_t> extents) {
        const auto made = checked({extents.begin(), extents.size()});
        if (!made)
            raise(errc::invalid_argument, "a shape has up to four extents, none zero, and fewer than 2^63 elements");
        *this = *made;
    }

    /// The shape with these extents, or nothing if there are more than four, one is zero, or the product is too large.
    [[nodiscard]] static constexpr std::optional<shape> checked(std::span<const std::uint64_t> extents) noexcept {
        if (extents.size() > max_rank) return std::nullopt;
        shape result;
        std::uint64_t product = 1;
        for (const std::uint64_t extent : extents) {
            const auto next = checked_mul(product, extent);
            if (!next || *next == 0 || *next > max_elements) return std::nullopt;
            product = *next;
            result.extents_[result.rank_++] = extent;
        }
        result.elements_ = product;
        return result;
    }

    /// How many extents it has.
    [[nodiscard]] constexpr std::size_t rank() const noexcept { return rank_; }
    /// One extent; the last is contiguous. @pre axis < rank()
    [[nodiscard]] constexpr std::size_t operator[](std::size_t axis) const noexcept { return extents_[axis]; }
    /// The product of the extents.
    [[nodiscard]] constexpr std::size_t elements() const noexcept { return elements_; }
    /// The contiguous extent, and how many such rows there are: the tensor as a matrix.
    [[nodiscard]] constexpr std::size_t cols() const noexcept { return rank_ == 0 ? 1 : extents_[rank_ - 1]; }
    [[nodiscard]] constexpr std::size_t rows() const noexcept { return elements_ / cols(); }

    friend constexpr bool operator==(const shape&, const shape&) noexcept = default;

private:
    static constexpr std::uint64_t max_elements =
        std::min<std::uint64_t>(std::numeric_limits<std::size_t>::max(), std::numeric_limits<std::int64_t>::max());

    std::array<std::size_t, max_rank> extents_{};
    std::size_t rank_ = 0;
    std::size_t elements_ = 1;
};

/// "[320, 256]"
[[nodiscard]] inline std::string to_string(const shape& dims) {
    std::string text = "[";
    for (std::size_t axis = 0; axis < dims.rank(); ++axis) {
        if (axis != 0) text += ", ";
        text += std::to_string(dims[axis]);
    }
    return text + "]";
}

}  // namespace wafer::inline WAFER_ABI

// SPDX-License-Identifier: MIT
// L7 model: the keys and values of one sequence, all layers, in one block of memory.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <utility>

#include <wafer/core/bits.hpp>
#include <wafer/core/error.hpp>
#include <wafer/core/system.hpp>
#include <wafer/core/units.hpp>
#include <wafer/kernel/attention.hpp>

namespace wafer::inline WAFER_ABI {

/// The shape of a cache: enough to know its size. Phantom passes use it without memory.
struct kv_shape {
    dtype type = dtype::f16;
    std::size_t n_layer = 0, n_kv = 0, d_key = 0, d_value = 0;
    std::size_t capacity = 0;  // positions, rounded up to whole blocks

    /// Bytes of one layer's keys (n_kv, capacity, d_key), packed as panels.
    [[nodiscard]] std::size_t keys_size() const noexcept {
        return n_kv * capacity / simd::panel_rows * simd::panel_bytes(type, d_key);
    }
    /// Bytes of one layer's values (n_kv, capacity, d_value).
    [[nodiscard]] std::size_t values_size() const noexcept { return n_kv * capacity * row_bytes(type, d_value); }
    /// Bytes of one layer, rounded up to 64.
    [[nodiscard]] std::size_t layer_size() const noexcept {
        return round_up(keys_size() + values_size(), std::size_t{64});
    }
    /// Bytes of all layers.
    [[nodiscard]] bytes size() const noexcept { return bytes(n_layer * layer_size()); }
    /// Accepts f32, f16, bf16, and q8_0 with heads of a multiple of 32.
    /// @throws error{errc::invalid_argument} for a type that no cache can have
    void check() const {
        const std::size_t block = info(type).block_len;
        if ((is_float(type) || type == dtype::q8_0) && d_key % block == 0 && d_value % block == 0) return;
        raise(errc::invalid_argument, "a KV cache cannot be " + std::string(to_string(type)) + " for heads of " +
                                          std::to_string(d_key) +
                                          ": use f32, f16, bf16, or q8_0 with a multiple of 32");
    }
};

/// Owns the memory. The system hands out its pages as positions are written, so an unused context costs little.
class kv_cache {
public:
    /// Holds nothing.
    kv_cache() noexcept = default;
    /// @throws error{errc::invalid_argument} for a type no cache can have; error{errc::out_of_memory}
    explicit kv_cache(kv_shape shape) : shape_(shape) {
        shape_.check();
        memory_ = system::reserve_pages(shape_.size().count);
        if (memory_ == nullptr)
            raise(errc::out_of_memory, "no memory for a KV cache of " + std::to_string(shape_.size().count) +
                                           " bytes: use a smaller context or type");
    }
    ~kv_cache() { system::release_pages(memory_, shape_.size().count); }
    kv_cache(kv_cache&& o) noexcept : shape_(std::exchange(o.shape_, {})), memory_(std::exchange(o.memory_, nullptr)) {}
    kv_cache& operator=(kv_cache&& o) noexcept {
        std::swap(shape_, o.shape_);
        std::swap(memory_, o.memory_);
        return *this;
    }

    /// Its sizes.
    [[nodiscard]] const kv_shape& shape() const noexcept { return shape_; }
    /// One layer of it, as kernels read and write it; without memory in a phantom. @pre index < n_layer
    [[nodiscard]] kv_view layer(std::size_t index) const noexcept {
        std::byte* const base = memory_ == nullptr ? nullptr : memory_ + index * shape_.layer_size();
        return {shape_.type,     base,        base == nullptr ? nullptr : base + shape_.keys_size(),
                shape_.capacity, shape_.n_kv, shape_.d_key,
                shape_.d_value};
    }
    /// Bytes that the first n positions take; a panel of keys that they begin is taken whole. @pre n <= capacity
    [[nodiscard]] std::size_t used_size(std::size_t n) const noexcept {
        return shape_.n_layer * shape_.n_kv * (used_keys(n) + used_values(n));
    }
    /// visit(std::span<std::byte>) for these bytes: layer by layer, head by head, keys before values. @pre n <= capacity
    template <class Visit>
    void for_each_used(std::size_t n, Visit&& visit) const {
        for (std::size_t i = 0; i < shape_.n_layer; ++i) {
            const kv_view at = layer(i);
            for (std::size_t head = 0; head < shape_.n_kv; ++head) {
                visit(std::span(at.panel(head, 0), used_keys(n)));
                visit(std::span(at.value(head, 0), used_values(n)));
            }
        }
    }
    /// The same shape without memory, for phantom passes.
    [[nodiscard]] static kv_cache phantom(kv_shape shape) noexcept {
        kv_cache c;
        c.shape_ = shape;
        return c;
    }

private:
    [[nodiscard]] std::size_t used_keys(std::size_t n) const noexcept {
        return ceil_div(n, simd::panel_rows) * simd::panel_bytes(shape_.type, shape_.d_key);
    }
    [[nodiscard]] std::size_t used_values(std::size_t n) const noexcept {
        return n * row_bytes(shape_.type, shape_.d_value);
    }

    kv_shape shape_;
    std::byte* memory_ = nullptr;
};

}  // namespace wafer::inline WAFER_ABI

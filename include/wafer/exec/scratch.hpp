// SPDX-License-Identifier: MIT
// L5 exec: the memory of one forward pass. Allocated once for the largest pass, handed out by moving a pointer.
#pragma once

#include <algorithm>
#include <cstddef>
#include <string>
#include <utility>

#include <wafer/core/bits.hpp>
#include <wafer/core/error.hpp>
#include <wafer/core/system.hpp>
#include <wafer/core/units.hpp>

namespace wafer::inline WAFER_ABI {

/// A stack of buffers. A default-made scratch has no memory and only counts: a forward pass over it (exec::phantom) tells
/// how much a real one needs. Not thread-safe.
class scratch {
public:
    /// Only counts.
    scratch() noexcept = default;
    /// @throws error{errc::out_of_memory}
    explicit scratch(bytes size) : size_(size.count), memory_(size_ == 0 ? nullptr : system::reserve_pages(size_)) {
        if (size_ != 0 && memory_ == nullptr)
            raise(errc::out_of_memory,
                  "no memory for " + std::to_string(size_) + " bytes of scratch: use a smaller batch");
    }
    ~scratch() { system::release_pages(memory_, size_); }
    scratch(scratch&& o) noexcept
        : size_(std::exchange(o.size_, 0)), memory_(std::exchange(o.memory_, nullptr)),
          used_(std::exchange(o.used_, 0)), peak_(o.peak_) {}
    scratch& operator=(scratch&& o) noexcept {
        std::swap(size_, o.size_);
        std::swap(memory_, o.memory_);
        std::swap(used_, o.used_);
        std::swap(peak_, o.peak_);
        return *this;
    }

    /// n elements, 64-byte aligned, not initialised; null when only counting. @pre they fit: the size came from a count.
    template <class T>
    [[nodiscard]] T* take(std::size_t n) noexcept {
        const std::size_t at = used_;
        used_ += round_up(n * sizeof(T), std::size_t{64});
        peak_ = std::max(peak_, used_);
        return memory_ == nullptr ? nullptr : reinterpret_cast<T*>(memory_ + at);
    }
    /// The most that was ever taken at once.
    [[nodiscard]] bytes peak() const noexcept { return bytes(peak_); }
    /// What it has; 0 when only counting.
    [[nodiscard]] bytes size() const noexcept { return bytes(size_); }

    /// Gives back, at the end of a C++ scope, all that was taken in it.
    class frame {
    public:
        explicit frame(scratch& s) noexcept : scratch_(s), mark_(s.used_) {}
        ~frame() { scratch_.used_ = mark_; }
        frame(const frame&) = delete;
        frame& operator=(const frame&) = delete;

    private:
        scratch& scratch_;
        std::size_t mark_;
    };

private:
    std::size_t size_ = 0;
    std::byte* memory_ = nullptr;
    std::size_t used_ = 0;
    std::size_t peak_ = 0;
};

}  // namespace wafer::inline WAFER_ABI

// SPDX-License-Identifier: MIT
// L4 cost: what a run took on one device, op by op: plain data. Printing is in print.hpp.
// Knows no meter and no policy's insides.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include <wafer/core/config.hpp>
#include <wafer/core/units.hpp>
#include <wafer/cost/policy.hpp>
#include <wafer/cost/work.hpp>

namespace wafer::inline WAFER_ABI {

/// One operation, summed over its calls.
struct op_total {
    std::uint64_t calls = 0;
    flops arithmetic{};
    bytes weights{}, cache{}, activations{};
    charge time{};

    /// Counts a call's work, not its time.
    constexpr void count(const work& w) noexcept {
        ++calls;
        arithmetic += w.arithmetic;
        weights += w.weights;
        cache += w.cache;
        activations += w.activations;
    }
    /// Adds calls, work and time.
    constexpr op_total& operator+=(const op_total& o) noexcept {
        calls += o.calls;
        arithmetic += o.arithmetic;
        weights += o.weights;
        cache += o.cache;
        activations += o.activations;
        time += o.time;
        return *this;
    }
};

/// All passes of one stage.
struct stage_total {
    std::uint64_t passes = 0;
    std::uint64_t tokens = 0;
    std::array<op_total, op_count> ops{};
    charge overhead{};  // what passes cost beyond their operations

    /// The sums of one operation. @throws error{errc::invalid_argument} for a number that is none
    [[nodiscard]] constexpr op_total& operator[](op kind) { return ops[detail::place_of(kind, op_count)]; }
    [[nodiscard]] constexpr const op_total& operator[](op kind) const { return ops[detail::place_of(kind, op_count)]; }

    /// All operations together, without the overhead.
    [[nodiscard]] constexpr op_total sum() const noexcept {
        op_total s;
        for (const auto& o : ops) s += o;
        return s;
    }
    /// Operations and overhead together.
    [[nodiscard]] constexpr seconds time() const noexcept { return sum().time.total + overhead.total; }
    /// That time shared among the tokens; 0 without any.
    [[nodiscard]] constexpr seconds per_token() const noexcept {
        return tokens == 0 ? seconds{} : seconds(time().count / static_cast<double>(tokens));
    }
    /// Tokens per second; 0 where no time was charged.
    [[nodiscard]] constexpr double rate() const noexcept {
        const seconds t = time();
        return t.count > 0 ? static_cast<double>(tokens) / t.count : 0.0;
    }
    /// The cause with the largest sum over all operations and the overhead.
    [[nodiscard]] constexpr bound bound_by() const noexcept {
        charge all = sum().time;
        all += overhead;
        return all.bound_by();
    }
};

/// Both stages, in the order of `stage`.
using stage_totals = std::array<stage_total, stage_count>;

/// What one device took, or would have taken, for everything a meter saw.
struct cost_report {
    std::string device;
    std::string basis;     // where the figures come from: measured here, or modelled on which constants
    bool modelled = true;  // false: wall-clock time of this machine; then no operation has a known bound
    bytes needed{};        // most that one pass had resident: weights and cache
    bytes capacity{};      // what the device holds; 0: not stated. Less than needed: priced as if it fitted
    stage_totals stages{};

    /// The sums of one stage; zeros if it did not run. @throws error{errc::invalid_argument} for a number that is none
    [[nodiscard]] constexpr const stage_total& operator[](stage s) const {
        return stages[detail::place_of(s, stage_count)];
    }
    /// Whether the device holds what was needed; true where its capacity is not stated.
    [[nodiscard]] constexpr bool fits() const noexcept { return capacity == bytes{} || needed <= capacity; }
    /// Both stages together, with their overhead.
    [[nodiscard]] constexpr seconds time() const noexcept {
        seconds t{};
        for (const auto& s : stages) t += s.time();
        return t;
    }
};

}  // namespace wafer::inline WAFER_ABI

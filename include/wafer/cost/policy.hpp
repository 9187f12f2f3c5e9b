// SPDX-License-Identifier: MIT
// L4 cost: what a device model must offer. A policy is a small value: copy it, keep it, ask it from any thread.
#pragma once

#include <array>
#include <concepts>
#include <cstdint>
#include <string>
#include <string_view>

#include <wafer/core/config.hpp>
#include <wafer/core/enum_name.hpp>
#include <wafer/core/units.hpp>
#include <wafer/cost/work.hpp>

namespace wafer::inline WAFER_ABI {

/// What an operation's time went into.
enum class bound : std::uint8_t { compute, memory, network, latency };
inline constexpr std::size_t bound_count = 4;
/// The enumerator's name; "unknown" for a number that is none.
[[nodiscard]] constexpr std::string_view to_string(bound b) noexcept {
    constexpr std::string_view names[bound_count] = {"compute", "memory", "network", "latency"};
    return detail::name_in(names, b);
}

/// A policy's answer. `total` is what the operation adds to the pass; the terms say how long each cause alone would
/// take (they may overlap, so they need not add up to the total). The largest term is what bounds the operation.
struct charge {
    seconds total{};
    std::array<seconds, bound_count> terms{};

    /// How long this cause alone would take. @throws error{errc::invalid_argument} for a number that is no cause
    [[nodiscard]] constexpr seconds& operator[](bound b) { return terms[detail::place_of(b, bound_count)]; }
    [[nodiscard]] constexpr seconds operator[](bound b) const { return terms[detail::place_of(b, bound_count)]; }
    /// The cause with the largest term; of equal ones the first in the order of `bound`.
    [[nodiscard]] constexpr bound bound_by() const noexcept {
        std::size_t best = 0;
        for (std::size_t i = 1; i < bound_count; ++i)
            if (terms[i] > terms[best]) best = i;
        return static_cast<bound>(best);
    }
    /// Adds totals and terms, each to its own.
    constexpr charge& operator+=(const charge& o) noexcept {
        total += o.total;
        for (std::size_t i = 0; i < bound_count; ++i) terms[i] += o.terms[i];
        return *this;
    }
};

/// Turns counted work into modelled time on one device. Every model keeps these promises:
///  - pure: equal arguments give equal answers; no clock, no hidden state; any thread may ask;
///  - monotone: within one pass, more flops or bytes never take less time, and no work takes no time;
///  - apart: price() charges one operation of a pass, overhead() what a pass costs beyond its operations (launches,
///    crossing from wafer to wafer, host time), so that a pass takes the sum of its prices plus its overhead.
/// A model may also say where its constants come from, `std::string basis() const`, and what it can hold,
/// `bytes capacity() const`: reports show both.
/// The smallest model:
///     struct slow_device {
///         std::string name() const { return "slow"; }
///         charge price(const work& w, const pass&) const noexcept {
///             charge c;
///             c.total = c[bound::compute] = w.arithmetic / flops_per_second{1e9};
///             return c;
///         }
///         charge overhead(const pass&) const noexcept { return {}; }
///     };
template <class P>
concept device_model = std::copyable<P> && requires(const P& p, const work& w, const pass& whole) {
    { p.name() } -> std::convertible_to<std::string>;
    { p.price(w, whole) }
    noexcept->std::same_as<charge>;
    { p.overhead(whole) }
    noexcept->std::same_as<charge>;
};

namespace cost {

/// Nothing is counted: kernels metered with it compile to the bare kernel.
struct none {
    [[nodiscard]] static std::string name() { return "none"; }
};

/// Time is taken, not modelled: each operation's wall-clock time on this machine.
struct host {
    [[nodiscard]] static std::string name() { return "host"; }
};

/// Several device models fed by one run.
template <device_model... Models>
struct compare;

/// Several device models chosen at run time.
struct fleet;

/// Whether a policy is a compare.
template <class P>
inline constexpr bool is_compare = false;
template <class... Models>
inline constexpr bool is_compare<compare<Models...>> = true;

}  // namespace cost

/// What a session and its kernels are templates over: a device model, several of them, the host's clock, or nothing.
template <class P>
concept cost_policy = device_model<P> || std::same_as<P, cost::none> || std::same_as<P, cost::host> ||
    std::same_as<P, cost::fleet> || cost::is_compare<P>;

}  // namespace wafer::inline WAFER_ABI

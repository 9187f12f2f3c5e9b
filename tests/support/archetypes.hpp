// SPDX-License-Identifier: MIT
// Test support: types with exactly the members that a concept asks for, and nothing else.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include <wafer/cost/policy.hpp>
#include <wafer/sram/placement.hpp>

namespace archetype {

/// A device_model: not default-constructible, not comparable, not printable.
class device {
public:
    explicit device(double flops_each_second) noexcept : rate_(flops_each_second) {}
    std::string name() const { return "archetype"; }
    wafer::charge price(const wafer::work& w, const wafer::pass&) const noexcept {
        wafer::charge c;
        c.total = c[wafer::bound::compute] = w.arithmetic / rate_;
        return c;
    }
    wafer::charge overhead(const wafer::pass&) const noexcept { return {}; }

private:
    wafer::flops_per_second rate_;
};
static_assert(wafer::device_model<device> && wafer::cost_policy<device>);

/// A placement: everything on the first tile.
struct placement {
    std::vector<wafer::sram::tile_range> place(std::span<const wafer::sram::resident> items,
                                               const wafer::sram::mesh&) const {
        return std::vector<wafer::sram::tile_range>(items.size());
    }
};
static_assert(wafer::sram::placement<placement>);

}  // namespace archetype

// SPDX-License-Identifier: MIT
#include <string>

#include <doctest/doctest.h>

#include <wafer/cost/compare.hpp>
#include <wafer/cost/devices.hpp>

#include "../support/archetypes.hpp"
#include "../support/model_properties.hpp"

using namespace wafer;

namespace {

struct no_overhead {
    std::string name() const { return ""; }
    charge price(const work&, const pass&) const noexcept { return {}; }
};
struct may_throw {
    std::string name() const { return ""; }
    charge price(const work&, const pass&) const { return {}; }
    charge overhead(const pass&) const noexcept { return {}; }
};
struct wrong_unit {
    std::string name() const { return ""; }
    double price(const work&, const pass&) const noexcept { return {}; }
    charge overhead(const pass&) const noexcept { return {}; }
};
static_assert(!device_model<no_overhead> && !device_model<may_throw> && !device_model<wrong_unit> &&
              !device_model<int>);
static_assert(!device_model<cost::none> && !device_model<cost::host> && !device_model<cost::fleet>);
static_assert(cost_policy<cost::none> && cost_policy<cost::host> && cost_policy<cost::fleet>);
static_assert(cost_policy<cost::compare<cost::gpu, cost::wafer>> && cost_policy<cost::any_device>);
static_assert(!cost_policy<int> && !cost_policy<no_overhead>);

}  // namespace

TEST_CASE("device_model: every stock model and the archetype keep the promises") {
    model_properties::check(archetype::device(1e9));
    for (const auto* spec : devices::gpus)
        for (const unsigned n : {1u, 2u, 4u, 8u, 16u}) model_properties::check(cost::gpu(*spec, n));
    for (const auto* spec : devices::wafers)
        for (const unsigned n : {1u, 4u}) {
            model_properties::check(cost::wafer(*spec, n));
            model_properties::check(cost::wafer(*spec, n, {.side = 420, .pack_experts = true}));
        }
    model_properties::check(cost::any_device(cost::wafer(devices::wse3, 2)));
}

TEST_CASE("charge: the largest term is what bounds it") {
    charge c;
    c[bound::compute] = seconds(1);
    CHECK(c.bound_by() == bound::compute);
    c[bound::network] = seconds(2);
    CHECK(c.bound_by() == bound::network);
    charge sum;
    sum += c;
    sum += c;
    CHECK(sum[bound::network] == seconds(4));
    CHECK(sum[bound::compute] == seconds(2));
}

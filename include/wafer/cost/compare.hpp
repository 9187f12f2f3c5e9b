// SPDX-License-Identifier: MIT
// L4 cost: several device models fed by one run: cost::compare when they are known as types, cost::fleet when a user
// names them at run time.
#pragma once

#include <concepts>
#include <memory>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include <wafer/core/config.hpp>
#include <wafer/core/units.hpp>
#include <wafer/cost/policy.hpp>

namespace wafer::inline WAFER_ABI {

/// Where a model's constants come from, in one line, if it says so.
template <device_model Model>
[[nodiscard]] std::string basis_of(const Model& model) {
    if constexpr (requires {
                      { model.basis() } -> std::convertible_to<std::string>;
                  })
        return model.basis();
    else return "modelled; sources not stated";
}

/// What a device can hold, if its model says so; else 0.
template <device_model Model>
[[nodiscard]] bytes capacity_of(const Model& model) {
    if constexpr (requires {
                      { model.capacity() } -> std::same_as<bytes>;
                  })
        return model.capacity();
    else return {};
}

namespace cost {

/// compare{a, b}: each operation is counted once and priced by all.
template <device_model... Models>
struct compare {
    /// All models as their default constructors make them.
    constexpr compare() = default;
    /// These models; reports come in the same order.
    constexpr explicit compare(Models... each) requires(sizeof...(Models) > 0) : models(std::move(each)...) {}

    std::tuple<Models...> models;
};

/// Any device model, its type forgotten. Copies share one immutable model.
class any_device {
public:
    /// Takes any device model but another any_device, which is copied.
    template <class Model>
    requires(!std::same_as<Model, any_device> && device_model<Model>) any_device(Model model)
        : model_(std::make_shared<holder<Model>>(std::move(model))) {}  // NOLINT: converting on purpose

    /// What the model says of itself: see device_model, basis_of and capacity_of.
    [[nodiscard]] std::string name() const { return model_->name(); }
    [[nodiscard]] std::string basis() const { return model_->basis(); }
    [[nodiscard]] bytes capacity() const { return model_->capacity(); }
    /// What the model charges for one operation, and for a pass beyond its operations.
    [[nodiscard]] charge price(const work& w, const pass& whole) const noexcept { return model_->price(w, whole); }
    [[nodiscard]] charge overhead(const pass& whole) const noexcept { return model_->overhead(whole); }

private:
    struct any_model {
        virtual ~any_model() = default;
        [[nodiscard]] virtual std::string name() const = 0;
        [[nodiscard]] virtual std::string basis() const = 0;
        [[nodiscard]] virtual bytes capacity() const = 0;
        [[nodiscard]] virtual charge price(const work&, const pass&) const noexcept = 0;
        [[nodiscard]] virtual charge overhead(const pass&) const noexcept = 0;
    };
    template <class Model>
    struct holder final : any_model {
        explicit holder(Model m) : model(std::move(m)) {}
        [[nodiscard]] std::string name() const override { return model.name(); }
        [[nodiscard]] std::string basis() const override { return basis_of(model); }
        [[nodiscard]] bytes capacity() const override { return capacity_of(model); }
        [[nodiscard]] charge price(const work& w, const pass& whole) const noexcept override {
            return model.price(w, whole);
        }
        [[nodiscard]] charge overhead(const pass& whole) const noexcept override { return model.overhead(whole); }
        Model model;
    };
    std::shared_ptr<const any_model> model_;
};

/// Devices chosen at run time; may be empty, and then nothing is counted.
struct fleet {
    std::vector<any_device> devices;
};

}  // namespace cost

}  // namespace wafer::inline WAFER_ABI

// SPDX-License-Identifier: MIT
// L4 cost: the meter that kernels report to. Belongs to one session, is used by one thread at a time, and allocates
// only when made. Knows no kernels.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include <wafer/core/config.hpp>
#include <wafer/core/error.hpp>
#include <wafer/cost/compare.hpp>
#include <wafer/cost/policy.hpp>
#include <wafer/cost/report.hpp>
#include <wafer/cost/work.hpp>

namespace wafer::inline WAFER_ABI {

namespace detail {

// visit(index, model) for every model of a policy.
template <device_model Model, class Visit>
void for_each_model(const Model& model, Visit&& visit) {
    visit(std::size_t{0}, model);
}
template <class... Models, class Visit>
void for_each_model(const cost::compare<Models...>& several, Visit&& visit) {
    std::size_t i = 0;
    std::apply([&](const Models&... model) { (visit(i++, model), ...); }, several.models);
}
template <class Visit>
void for_each_model(const cost::fleet& several, Visit&& visit) {
    for (std::size_t i = 0; i < several.devices.size(); ++i) visit(i, several.devices[i]);
}

}  // namespace detail

/// Collects work, priced by one device model or several.
///
///     meter.begin(pass{...});
///     {
///         [[maybe_unused]] const auto metered = meter.measure([&] { return work{...}; });
///         ... the operation ...
///     }
///     meter.end();
///
/// All policies take the same calls: cost::host clocks the operation while `metered` lives, cost::none does nothing at
/// all.
template <cost_policy Policy>
class meter {
public:
    /// What measure() returns: to be kept while the operation runs.
    struct [[nodiscard]] scope {};

    /// Begins with empty books, one for each model of the policy.
    explicit meter(Policy policy = {}) : policy_(std::move(policy)) {
        std::size_t n = 0;
        detail::for_each_model(policy_, [&](std::size_t, const auto&) { ++n; });
        books_.resize(n);
    }

    /// Opens a forward pass and charges its overhead. Operations up to end() belong to its stage; to the first of them where
    /// it is a number that is none.
    void begin(const pass& whole) noexcept {
        pass_ = whole;
        if (!detail::is_one_of(pass_.at, stage_count)) pass_.at = {};
        needed_ = std::max(needed_, whole.weights + whole.cache);
        detail::for_each_model(policy_, [&](std::size_t i, const auto& model) {
            auto& book = books_[i][stage_index()];
            ++book.passes;
            book.tokens += whole.n_tok;
            book.overhead += model.overhead(pass_);
        });
    }
    /// Closes the pass.
    void end() noexcept { pass_ = {}; }

    /// Counts one operation: make_work() is called once, however many models there are. A number that is no operation is not
    /// counted.
    template <class MakeWork>
    scope measure(MakeWork&& make_work) noexcept {
        if (books_.empty()) return {};
        const work w = std::forward<MakeWork>(make_work)();
        if (!detail::is_one_of(w.kind, op_count)) return {};
        detail::for_each_model(policy_, [&](std::size_t i, const auto& model) {
            auto& total = books_[i][stage_index()][w.kind];
            total.count(w);
            total.time += model.price(w, pass_);
        });
        return {};
    }

    /// One report for each model, in the policy's order. @throws error{errc::out_of_memory}
    [[nodiscard]] std::vector<cost_report> reports() const {
        return or_out_of_memory([&] {
            std::vector<cost_report> all;
            all.reserve(books_.size());
            detail::for_each_model(policy_, [&](std::size_t i, const auto& model) {
                all.push_back({model.name(), basis_of(model), true, needed_, capacity_of(model), books_[i]});
            });
            return all;
        });
    }
    /// Empties the books.
    void reset() noexcept {
        for (auto& book : books_) book = {};
        needed_ = {};
    }
    /// What it prices with.
    [[nodiscard]] const Policy& policy() const noexcept { return policy_; }

private:
    [[nodiscard]] std::size_t stage_index() const noexcept { return static_cast<std::size_t>(pass_.at); }

    Policy policy_;
    std::vector<stage_totals> books_;  // one for each model
    pass pass_{};                      // the open one
    bytes needed_{};
};

/// Takes the time of this machine. A pass's overhead is the part of it in no operation.
template <>
class meter<cost::host> {
    using clock = std::chrono::steady_clock;

public:
    /// Adds the time that it lives to its operation's.
    class [[nodiscard]] scope {
    public:
        explicit scope(seconds& total) noexcept : total_(total) {}
        scope(const scope&) = delete;
        scope& operator=(const scope&) = delete;
        ~scope() { total_ += since(start_); }

    private:
        seconds& total_;
        clock::time_point start_ = clock::now();
    };

    /// Begins with an empty book.
    explicit meter(cost::host = {}) noexcept {}

    /// Opens a forward pass and starts its clock.
    void begin(const pass& whole) noexcept {
        stage_ = detail::is_one_of(whole.at, stage_count) ? static_cast<std::size_t>(whole.at) : 0;
        needed_ = std::max(needed_, whole.weights + whole.cache);
        ++book_[stage_].passes;
        book_[stage_].tokens += whole.n_tok;
        in_operations_ = book_[stage_].sum().time.total;
        start_ = clock::now();
    }
    /// Closes the pass: what was in none of its operations is overhead.
    void end() noexcept {
        auto& book = book_[stage_];
        const seconds outside = since(start_) - (book.sum().time.total - in_operations_);
        if (outside.count > 0) book.overhead.total += outside;
    }

    /// Counts one operation, whose time is taken until the scope ends.
    template <class MakeWork>
    scope measure(MakeWork&& make_work) noexcept {
        const work w = std::forward<MakeWork>(make_work)();
        if (!detail::is_one_of(w.kind, op_count)) return scope(uncounted_);
        auto& total = book_[stage_][w.kind];
        total.count(w);
        return scope(total.time.total);
    }

    /// The one report, of this machine; without terms, and without a capacity. @throws error{errc::out_of_memory}
    [[nodiscard]] std::vector<cost_report> reports() const {
        return or_out_of_memory([&] {
            return std::vector<cost_report>{
                {cost::host::name(), "measured on this machine", false, needed_, {}, book_}};
        });
    }
    /// Empties the book.
    void reset() noexcept {
        book_ = {};
        needed_ = {};
    }

private:
    [[nodiscard]] static seconds since(clock::time_point start) noexcept {
        return seconds(std::chrono::duration<double>(clock::now() - start).count());
    }

    stage_totals book_{};
    bytes needed_{};
    std::size_t stage_ = 0;
    seconds in_operations_{};  // of this stage, before the open pass
    seconds uncounted_{};      // of numbers that are no operation
    clock::time_point start_{};
};

/// Nothing, and compiles to nothing: make_work is never called, and the meter is empty.
template <>
class meter<cost::none> {
public:
    struct scope {};

    constexpr explicit meter(cost::none = {}) noexcept {}
    constexpr void begin(const pass&) const noexcept {}
    constexpr void end() const noexcept {}
    template <class MakeWork>
    constexpr scope measure(MakeWork&&) const noexcept {
        return {};
    }
    /// No report.
    [[nodiscard]] static std::vector<cost_report> reports() { return {}; }
    constexpr void reset() const noexcept {}
};

}  // namespace wafer::inline WAFER_ABI

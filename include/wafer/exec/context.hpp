// SPDX-License-Identifier: MIT
// L5 exec: what every kernel is handed: threads, kernel table, scratch, meter, and whether arithmetic runs at all.
#pragma once

#include <algorithm>
#include <cstddef>
#include <utility>

#include <wafer/core/config.hpp>
#include <wafer/core/stop_signal.hpp>
#include <wafer/cost/meter.hpp>
#include <wafer/cost/policy.hpp>
#include <wafer/exec/pool.hpp>
#include <wafer/exec/scratch.hpp>
#include <wafer/fwd.hpp>
#include <wafer/simd/kernel_table.hpp>

namespace wafer::inline WAFER_ABI::exec {

/// Kernels compute on resident weights.
struct resident {
    static constexpr bool computes = true;
};
/// Kernels only report their work: the same forward pass over shapes without bytes. Costs a model that no machine here
/// could hold, and measures scratch.
struct phantom {
    static constexpr bool computes = false;
};

/// Everything a kernel needs besides its operands. One per session; used by one thread at a time.
template <cost_policy Policy, class Engine>
class context {
public:
    using policy = Policy;
    using engine = Engine;
    static constexpr bool computes = Engine::computes;

    /// @pre All outlive the context.
    context(thread_pool& pool, const simd::kernel_table& kernels, wafer::scratch& memory, wafer::meter<Policy>& meter,
            const stop_signal* stop = nullptr) noexcept requires(computes)
        : pool_(&pool), workers_(pool.size()), kernels_(&kernels), scratch_(&memory), meter_(&meter), stop_(stop) {}
    /// A phantom needs no threads, but scratch depends on how many there would be.
    context(std::size_t n_workers, wafer::scratch& memory, wafer::meter<Policy>& meter) noexcept requires(!computes)
        : workers_(n_workers), scratch_(&memory), meter_(&meter) {}

    /// The kernels of this CPU. @pre computes: a phantom has none
    [[nodiscard]] const simd::kernel_table& kernels() const noexcept { return *kernels_; }
    /// Where buffers of the pass come from; a phantom only counts them.
    [[nodiscard]] wafer::scratch& scratch() const noexcept { return *scratch_; }
    /// How many threads share each job.
    [[nodiscard]] std::size_t workers() const noexcept { return workers_; }

    /// True once somebody asked this pass to stop. Kernels then return early, leaving garbage in their outputs; the pass is
    /// thrown away as a whole.
    [[nodiscard]] bool stopped() const noexcept { return stop_ != nullptr && stop_->requested(); }

    /// Reports an operation: make_work() returns its `work`, and is called only if the policy wants it. Keep the result
    /// alive until the operation is done.
    template <class MakeWork>
    [[nodiscard]] auto measure(MakeWork&& make_work) const noexcept {
        return meter_->measure(std::forward<MakeWork>(make_work));
    }

    /// job(worker) on every worker.
    template <class Job>
    void run(Job&& job) const noexcept {
        if (!stopped()) pool_->run(std::forward<Job>(job));
    }

    /// body(begin, end) over stretches that make up [0, n), in parallel if n * cost_each is worth waking the threads for
    /// (cost_each: about how many elements are touched per item). Ends early, within a millisecond or so, once it is stopped.
    template <class Body>
    void split(std::size_t n, std::size_t cost_each, Body&& body) const noexcept {
        constexpr std::size_t worth_waking = 32768, stretch = 32 * worth_waking;
        const std::size_t most = std::max<std::size_t>(1, stretch / std::max<std::size_t>(1, cost_each));
        const auto in_stretches = [&](std::size_t begin, std::size_t end) {
            for (; begin < end && !stopped(); begin += most) body(begin, std::min(begin + most, end));
        };
        if (workers_ == 1 || n == 1 || n * cost_each < worth_waking) return in_stretches(0, n);
        if (stopped()) return;
        pool_->run([&](std::size_t worker) {
            const auto part = share::of(n, worker, workers_);
            in_stretches(part.begin, part.end);
        });
    }

private:
    thread_pool* pool_ = nullptr;
    std::size_t workers_ = 1;
    const simd::kernel_table* kernels_ = nullptr;
    wafer::scratch* scratch_;
    wafer::meter<Policy>* meter_;
    const stop_signal* stop_ = nullptr;
};

}  // namespace wafer::inline WAFER_ABI::exec

// SPDX-License-Identifier: MIT
// L0 core: how work that takes long hears that it shall end: from any thread, from a signal handler, or at a time.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <optional>

#include <wafer/core/config.hpp>

namespace wafer::inline WAFER_ABI {

/// Asked now and then by whoever works; what was worked on is then thrown away. Any thread.
class stop_signal {
public:
    using clock = std::chrono::steady_clock;

    /// Also from a signal handler.
    void request() noexcept { asked_.store(true, std::memory_order_relaxed); }
    /// Takes request() back.
    void clear() noexcept { asked_.store(false, std::memory_order_relaxed); }
    /// From when on it counts as requested; none: never by itself.
    void set_deadline(std::optional<clock::time_point> deadline) noexcept {
        deadline_.store(deadline ? deadline->time_since_epoch().count() : never, std::memory_order_relaxed);
    }

    /// Whether work shall end. @cost a load; with a deadline also a look at the clock
    [[nodiscard]] bool requested() const noexcept { return asked() || overdue(); }
    /// Whether somebody asked for it.
    [[nodiscard]] bool asked() const noexcept { return asked_.load(std::memory_order_relaxed); }

private:
    using count = clock::duration::rep;
    static constexpr count never = clock::time_point::max().time_since_epoch().count();

    [[nodiscard]] bool overdue() const noexcept {
        const count deadline = deadline_.load(std::memory_order_relaxed);
        return deadline != never && clock::now().time_since_epoch().count() >= deadline;
    }

    std::atomic<bool> asked_{false};
    std::atomic<count> deadline_{never};
};

/// For loops with short rounds: asks a signal every so many times. Without one the answer is no.
class stop_poll {
public:
    explicit stop_poll(const stop_signal* signal = nullptr, std::uint32_t every = 256) noexcept
        : signal_(signal), every_(every) {}

    [[nodiscard]] bool operator()() noexcept { return ++rounds_ % every_ == 0 ? now() : stopped_; }
    /// Asks at once.
    [[nodiscard]] bool now() noexcept {
        stopped_ = stopped_ || (signal_ != nullptr && signal_->requested());
        return stopped_;
    }

private:
    const stop_signal* signal_;
    std::uint32_t every_, rounds_ = 0;
    bool stopped_ = false;
};

}  // namespace wafer::inline WAFER_ABI

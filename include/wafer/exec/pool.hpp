// SPDX-License-Identifier: MIT
// L5 exec: a few fixed threads that run one job together. Knows no tensors. No global state: whoever needs one owns it.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <type_traits>
#include <vector>

#include <wafer/core/config.hpp>
#include <wafer/core/error.hpp>
#include <wafer/core/system.hpp>

namespace wafer::inline WAFER_ABI {

/// Fixed workers 0..size()-1; worker 0 is the thread that calls run(). A waiting thread spins for some microseconds (the
/// gap between two jobs of a forward pass), then yields, then sleeps in the kernel, so that an idle or oversubscribed
/// pool costs nothing. Several threads may share a pool: they take turns through lock().
class thread_pool {
public:
    /// @param n_threads  workers, the caller included; 0: one for each CPU this process may use.
    /// @param pin        ask the system to keep worker i on the i-th usable CPU (worker 0 is the caller's and stays free).
    /// @throws error{errc::out_of_memory} when the system gives no more threads.
    explicit thread_pool(std::size_t n_threads = 0, bool pin = false)
        : size_(n_threads != 0 ? n_threads : system::usable_cpus()),
          spin_(size_ <= system::usable_cpus() ? spin_rounds : 0) {
        try {
            threads_.reserve(size_ - 1);
            for (std::size_t i = 1; i < size_; ++i) {
                threads_.emplace_back([this, i] { serve(i); });
                if (pin) system::pin_thread(threads_.back(), i);
            }
        } catch (const std::exception&) {  // no memory for a thread, or none to be had
            stop();
            raise(errc::out_of_memory, "the system gives no more than " + std::to_string(threads_.size() + 1) + " of " +
                                           std::to_string(size_) + " threads: ask for fewer");
        }
    }
    ~thread_pool() { stop(); }
    thread_pool(const thread_pool&) = delete;
    thread_pool& operator=(const thread_pool&) = delete;

    [[nodiscard]] std::size_t size() const noexcept { return size_; }

    /// Exclusive use for a series of jobs, as one forward pass is. run() itself does not lock.
    [[nodiscard]] std::unique_lock<std::mutex> lock() { return std::unique_lock(turn_); }

    /// Calls job(worker) once for every worker, concurrently, and returns when all are done. @pre The caller holds lock(),
    /// or is the pool's only user; job does not throw and does not call run().
    template <class Job>
    void run(Job&& job) noexcept {
        if (size_ == 1) {
            job(std::size_t{0});
            return;
        }
        using plain = std::remove_reference_t<Job>;
        call_ = [](void* object, std::size_t worker) noexcept { (*static_cast<plain*>(object))(worker); };
        object_ = const_cast<void*>(static_cast<const void*>(std::addressof(job)));
        pending_.store(static_cast<std::uint32_t>(size_ - 1), std::memory_order_relaxed);
        epoch_.fetch_add(1, std::memory_order_release);
        epoch_.notify_all();
        job(std::size_t{0});
        for (std::uint32_t left; (left = pending_.load(std::memory_order_acquire)) != 0;) wait_while(pending_, left);
    }

private:
    // About 30 microseconds of pauses on current CPUs: longer than the serial gaps of a forward pass, shorter than a
    // scheduler's slice.
    static constexpr int spin_rounds = 2000;
    static constexpr int yield_rounds = 20;

    void wait_while(const std::atomic<std::uint32_t>& word, std::uint32_t value) const noexcept {
        for (int i = 0; i < spin_; ++i) {
            if (word.load(std::memory_order_acquire) != value) return;
            system::pause();
        }
        for (int i = 0; i < yield_rounds; ++i) {
            if (word.load(std::memory_order_acquire) != value) return;
            std::this_thread::yield();
        }
        word.wait(value, std::memory_order_acquire);
    }

    void serve(std::size_t worker) noexcept {
        for (std::uint32_t seen = 0;;) {
            wait_while(epoch_, seen);
            const std::uint32_t now = epoch_.load(std::memory_order_acquire);
            if (now == seen) continue;
            seen = now;
            if (stopping_.load(std::memory_order_relaxed)) return;
            call_(object_, worker);
            if (pending_.fetch_sub(1, std::memory_order_acq_rel) == 1) pending_.notify_one();
        }
    }

    void stop() noexcept {
        stopping_.store(true, std::memory_order_relaxed);
        epoch_.fetch_add(1, std::memory_order_release);
        epoch_.notify_all();
        for (auto& t : threads_) t.join();
        threads_.clear();
    }

    std::size_t size_;
    int spin_;
    void (*call_)(void*, std::size_t) noexcept = nullptr;
    void* object_ = nullptr;
    alignas(64) std::atomic<std::uint32_t> epoch_{0};
    alignas(64) std::atomic<std::uint32_t> pending_{0};
    std::atomic<bool> stopping_{false};
    std::mutex turn_;
    std::vector<std::thread> threads_;
};

/// Part `i` of `n` items dealt to `parts` owners in contiguous, nearly equal shares.
struct share {
    std::size_t begin, end;
    [[nodiscard]] static constexpr share of(std::size_t n, std::size_t i, std::size_t parts) noexcept {
        return {n * i / parts, n * (i + 1) / parts};
    }
};

}  // namespace wafer::inline WAFER_ABI

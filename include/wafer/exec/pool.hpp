// SPDX-License-Identifier: MIT
// L5 exec: a few fixed threads that run one job together. Knows no tensors. No global state: whoever needs one owns it.
#pragma once

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <type_traits>
#include <utility>

#include <wafer/core/config.hpp>
#include <wafer/core/error.hpp>
#include <wafer/core/process.hpp>
#include <wafer/core/system.hpp>
#include <wafer/exec/turnstile.hpp>

namespace wafer::inline WAFER_ABI {

/// The most workers that a pool, or a plan for one, may have.
inline constexpr std::size_t max_threads = 1024;

/// How many workers a count of threads means: 0: one for each CPU this process may use.
/// @throws error{errc::invalid_argument} above max_threads
[[nodiscard]] inline std::size_t worker_count(std::size_t n_threads) {
    if (n_threads > max_threads)
        raise(errc::invalid_argument,
              std::to_string(n_threads) + " threads are too many: at most " + std::to_string(max_threads));
    return n_threads != 0 ? n_threads : std::min(system::usable_cpus(), max_threads);
}

/// Fixed workers 0..size()-1; worker 0 is the thread that calls run(). A waiting thread spins for some microseconds (the
/// gap between two jobs of a forward pass), then yields, then sleeps in the kernel; where others want its CPU it sleeps at
/// once. So an idle pool costs nothing, and a busy one does not fight over CPUs with other programs or with its own threads.
/// Several threads may share a pool: they take turns through lock(), first come, first served.
/// A forked child has none of its threads: there lock() refuses, and the destructor waits for nobody.
class thread_pool {
public:
    /// @param n_threads  workers, the caller included; 0: one for each CPU this process may use.
    /// @param pin        ask the system to keep worker i on the i-th usable CPU (worker 0 is the caller's and stays free).
    /// @throws error{errc::out_of_memory} when the system gives no more threads; error{errc::invalid_argument} for more
    /// than max_threads
    explicit thread_pool(std::size_t n_threads = 0, bool pin = false)
        : size_(worker_count(n_threads)), spin_(size_ <= system::usable_cpus() ? spin_rounds : 0),
          threads_(or_out_of_memory([&] { return std::make_unique<kept<std::thread>[]>(size_ - 1); })) {
        const auto refusal = exception_of([&] {  // no memory for a thread, or none to be had
            for (; started_ < size_ - 1; ++started_)
                threads_[started_].value = std::thread([this, i = started_ + 1, pin] {
                    if (pin) system::pin_this_thread(i);
                    serve(i);
                });
        });
        if (refusal) {
            end();
            raise(errc::out_of_memory, "the system gives no more than " + std::to_string(started_ + 1) + " of " +
                                           std::to_string(size_) + " threads: ask for fewer");
        }
    }
    ~thread_pool() {
        if (home_.is_here()) end();
    }
    thread_pool(const thread_pool&) = delete;
    thread_pool& operator=(const thread_pool&) = delete;

    /// Workers, the caller included; at least 1.
    [[nodiscard]] std::size_t size() const noexcept { return size_; }

    /// @throws error{errc::wrong_process} in a forked child, as whatever needs the threads does
    void check_process() const { home_.check(); }

    /// Exclusive use for a series of jobs, as one forward pass is. run() itself does not lock.
    /// @throws error{errc::wrong_process}
    [[nodiscard]] std::unique_lock<turnstile> lock() { return std::unique_lock(turn_); }
    /// The same, but gives up soon after stopped() has become true: the lock then owns nothing.
    /// @throws error{errc::wrong_process}
    template <class Stopped>
    [[nodiscard]] std::unique_lock<turnstile> lock_unless(Stopped&& stopped) {
        if (!turn_.lock_unless(stopped)) return {};
        return {turn_, std::adopt_lock};
    }

    /// Calls job(worker) once for every worker, concurrently, and returns when all are done. @pre The caller holds lock(),
    /// or is the pool's only user; job does not throw and does not call run(). In a forked child the caller alone does the
    /// work of all; only where job itself forked is the rest of it missing in the child.
    template <class Job>
    void run(Job&& job) noexcept {
        if (size_ == 1 || !home_.is_here()) {
            for (std::size_t worker = 0; worker < size_; ++worker) job(worker);
            return;
        }
        using plain = std::remove_reference_t<Job>;
        call_ = [](void* object, std::size_t worker) noexcept { (*static_cast<plain*>(object))(worker); };
        object_ = const_cast<void*>(static_cast<const void*>(std::addressof(job)));
        pending_.store(static_cast<std::uint32_t>(size_ - 1), std::memory_order_relaxed);
        epoch_.fetch_add(1);
        idle_.value.wake();
        job(std::size_t{0});
        for (std::uint32_t left; (left = pending_.load(std::memory_order_acquire)) != 0 && home_.is_here();)
            wait_while(pending_, left, caller_.value, crowded_);
    }

private:
    /// Where threads sleep until a word changes. (std::atomic::wait would do; but where there is no futex, as on
    /// Windows, libstdc++ 12 looks at the word before it takes its lock, and then may sleep through the change.)
    class bed {
    public:
        void sleep_while(const std::atomic<std::uint32_t>& word, std::uint32_t value) {
            std::unique_lock lock(mutex_);
            sleepers_.fetch_add(1);  // sequentially consistent, as wake(): one of the two sees what the other wrote
            changed_.wait(lock, [&] { return word.load() != value; });
            sleepers_.fetch_sub(1, std::memory_order_relaxed);
        }
        /// @pre The word was changed before, sequentially consistently.
        void wake() {
            if (sleepers_.load() == 0) return;
            { const std::scoped_lock they_sleep_or_see_it(mutex_); }
            changed_.notify_all();
        }

    private:
        std::atomic<std::uint32_t> sleepers_{0};
        std::mutex mutex_;
        std::condition_variable changed_;
    };

    /// Its destructor does nothing: end() calls the value's, and a forked child leaves it. (There std::thread's would join or
    /// terminate, and glibc's of a condition variable waits until those who slept on it in the parent have left.)
    template <class T>
    union kept {
        T value;
        kept() : value() {}
        ~kept() {}
    };

    // About 30 microseconds of pauses on current CPUs: longer than the serial gaps of a forward pass, shorter than a
    // scheduler's slice.
    static constexpr int spin_rounds = 2000;
    static constexpr int yield_rounds = 20;

    // Giving the CPU away takes that long only if somebody takes it. Such a thread does not spin in its next waits: it would
    // keep the others, another worker with the rest of this very job among them, from running.
    static constexpr std::chrono::microseconds long_yield{20};
    static constexpr int crowded_waits = 500;

    // crowded: the thread's own count of waits without spinning.
    void wait_while(const std::atomic<std::uint32_t>& word, std::uint32_t value, bed& where,
                    int& crowded) const noexcept {
        if (crowded > 0) {
            --crowded;
            where.sleep_while(word, value);
            return;
        }
        for (int i = 0; i < spin_; ++i) {
            if (word.load(std::memory_order_acquire) != value) return;
            system::pause();
        }
        auto before = std::chrono::steady_clock::now();
        for (int i = 0; i < yield_rounds; ++i) {
            if (word.load(std::memory_order_acquire) != value) return;
            std::this_thread::yield();
            const auto after = std::chrono::steady_clock::now();
            if (after - before > long_yield) {
                crowded = crowded_waits;
                break;
            }
            before = after;
        }
        where.sleep_while(word, value);
    }

    void serve(std::size_t worker) noexcept {
        int crowded = 0;
        for (std::uint32_t seen = 0;;) {
            wait_while(epoch_, seen, idle_.value, crowded);
            const std::uint32_t now = epoch_.load(std::memory_order_acquire);
            if (now == seen) continue;
            seen = now;
            if (stopping_.load(std::memory_order_relaxed)) return;
            call_(object_, worker);
            if (!home_.is_here()) return;  // the job forked, and this thread is all that there is
            if (pending_.fetch_sub(1) == 1) caller_.value.wake();
        }
    }

    void end() noexcept {
        stopping_.store(true, std::memory_order_relaxed);
        epoch_.fetch_add(1);
        idle_.value.wake();
        for (std::size_t i = 0; i < started_; ++i) threads_[i].value.join();
        for (std::size_t i = 0; i < size_ - 1; ++i) std::destroy_at(&threads_[i].value);
        std::destroy_at(&idle_.value);
        std::destroy_at(&caller_.value);
    }

    std::size_t size_;
    int spin_;
    int crowded_ = 0;  // of run()
    void (*call_)(void*, std::size_t) noexcept = nullptr;
    void* object_ = nullptr;
    alignas(64) std::atomic<std::uint32_t> epoch_{0};
    alignas(64) std::atomic<std::uint32_t> pending_{0};
    std::atomic<bool> stopping_{false};
    kept<bed> idle_, caller_;  // of workers between jobs, of run() while they work
    turnstile turn_;
    home_process home_;
    std::unique_ptr<kept<std::thread>[]> threads_;  // of workers 1, 2, ...
    std::size_t started_ = 0;
};

/// Part `i` of `n` items dealt to `parts` owners in contiguous, nearly equal shares.
struct share {
    std::size_t begin, end;
    /// Items [n i / parts, n (i + 1) / parts). @pre i < parts; n * parts fits std::size_t
    [[nodiscard]] static constexpr share of(std::size_t n, std::size_t i, std::size_t parts) noexcept {
        return {n * i / parts, n * (i + 1) / parts};
    }
};

}  // namespace wafer::inline WAFER_ABI

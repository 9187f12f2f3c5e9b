// SPDX-License-Identifier: MIT
// L5 exec: taking turns. Knows no threads but those that come.
#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <utility>

#include <wafer/core/config.hpp>
#include <wafer/core/process.hpp>

namespace wafer::inline WAFER_ABI {

/// A mutex that lets its users in one by one in the order in which they came, and whose wait can be called off. (A
/// std::timed_mutex does neither: whoever runs first takes it, again and again, and ThreadSanitizer does not know its
/// timed wait.)
/// In a forked child, whose parent may have been inside, nobody is let in; to leave does nothing there.
class turnstile {
public:
    /// Waits for its turn. @throws error{errc::wrong_process}
    void lock() {
        home_.check();
        std::unique_lock inside(mutex_);
        waiter me;
        if (!enter(me)) me.called.wait(inside, [&] { return me.granted; });
    }
    /// False, and not locked, soon after stopped() has become true. stopped() must not throw, nor use the turnstile.
    /// @throws error{errc::wrong_process}
    template <class Stopped>
    [[nodiscard]] bool lock_unless(Stopped&& stopped) {
        home_.check();
        constexpr std::chrono::milliseconds patience{5};
        std::unique_lock inside(mutex_);
        if (stopped()) return false;
        waiter me;
        if (enter(me)) return true;
        do {
            me.called.wait_for(inside, patience);
            if (!stopped()) continue;
            if (me.granted) pass_on();
            else leave(me);
            return false;
        } while (!me.granted);
        return true;
    }
    /// Lets the next one in. @pre locked
    void unlock() {
        if (!home_.is_here()) return;  // it was the parent's
        const std::scoped_lock inside(mutex_);
        pass_on();
    }

private:
    struct waiter {  // on the stack of the thread that waits
        std::condition_variable called;
        waiter* next = nullptr;
        bool granted = false;
    };

    /// True: it was free. False: `me` is the last in the queue.
    [[nodiscard]] bool enter(waiter& me) noexcept {
        if (!std::exchange(taken_, true)) return true;
        waiter** end = &first_;
        while (*end != nullptr) end = &(*end)->next;
        *end = &me;
        return false;
    }
    void leave(const waiter& me) noexcept {
        waiter** at = &first_;
        while (*at != &me) at = &(*at)->next;
        *at = me.next;
    }
    /// It stays taken, by the first who waits. Called with the mutex held: afterwards that waiter may be gone.
    void pass_on() noexcept {
        waiter* const next = first_;
        taken_ = next != nullptr;
        if (next == nullptr) return;
        first_ = next->next;
        next->granted = true;
        next->called.notify_one();
    }

    home_process home_;
    std::mutex mutex_;
    waiter* first_ = nullptr;
    bool taken_ = false;
};

}  // namespace wafer::inline WAFER_ABI

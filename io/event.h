// Waits that code on the same core ends: Event (a condition that may have changed) and Semaphore (a
// finite amount). One core; no allocation: a waiter is a node in the frame that waits.
#pragma once

#include <coroutine>
#include <cstdint>

#include "base/intrusive_list.h"
#include "io/reactor.h"

namespace ringlog::io {

/// "Look again": waiters are resumed, first come first served, by notify_all or notify_one, and
/// check their own condition. Nothing is remembered: a notification with no waiter is lost, so the
/// condition is tested before each wait.
class Event {
public:
    explicit Event(Reactor& reactor) : reactor_(reactor) {}

    void notify_one();
    void notify_all();
    [[nodiscard]] bool has_waiters() const { return !waiters_.empty(); }

    /// Suspends until the next notification.
    auto wait() { return Waiter(*this, INT64_MAX); }
    /// Suspends until the next notification (true) or until `deadline` has passed (false).
    auto wait_until(MonotonicNs deadline) { return Waiter(*this, deadline); }

private:
    struct Waiter : ListNode, Timer {
        Event& event;
        MonotonicNs deadline;
        std::coroutine_handle<> handle;
        bool notified = false;

        Waiter(Event& e, MonotonicNs d) : event(e), deadline(d) {}
        bool await_ready() const noexcept { return false; }
        void await_suspend(std::coroutine_handle<> awaiting);
        bool await_resume() const noexcept { return notified; }
    };

    void resume(Waiter& waiter);

    Reactor& reactor_;
    mutable IntrusiveList<Waiter> waiters_;
};

/// A finite amount of something (bytes, operations). Waiters are served in order: a large one is
/// not starved by small ones.
class Semaphore {
public:
    Semaphore(Reactor& reactor, int64_t amount) : reactor_(reactor), available_(amount) {}

    /// Takes `amount` if it is there and nobody waits before.
    bool try_take(int64_t amount);
    /// Waits until `amount` is there. More than ever exists is granted when everything is back.
    auto take(int64_t amount) { return Waiter(*this, amount); }
    void give(int64_t amount);
    /// May be negative while one that was larger than the whole is served.
    [[nodiscard]] int64_t available() const { return available_; }
    [[nodiscard]] bool has_waiters() const { return !waiters_.empty(); }

private:
    struct Waiter : ListNode {
        Semaphore& semaphore;
        int64_t amount;
        std::coroutine_handle<> handle;

        Waiter(Semaphore& s, int64_t a) : semaphore(s), amount(a) {}
        bool await_ready() { return semaphore.try_take(amount); }
        void await_suspend(std::coroutine_handle<> awaiting);
        void await_resume() const noexcept {}
    };

    void serve();

    Reactor& reactor_;
    int64_t available_;
    int64_t taken_ = 0;
    mutable IntrusiveList<Waiter> waiters_;
};

}  // namespace ringlog::io

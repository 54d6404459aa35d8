// One core's event loop: ready coroutines, timers, completions, messages from other cores, blocking
// calls on helpers. Production pins a thread to run() it; the simulation calls turn() in an order
// of its own. Every call on the owning core but for those that say otherwise. Explained in
// docs/architecture.md, "Reactor".
#pragma once

#include <atomic>
#include <coroutine>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/intrusive_list.h"
#include "base/random.h"
#include "base/strong_int.h"
#include "io/backend.h"
#include "io/file_system.h"
#include "io/task.h"

namespace ringlog::io {

/// The index of a core, from 0.
using CoreId = StrongInt<struct CoreIdTag, uint16_t>;

class Mesh;
class Reactor;

/// What one core sends to another. It is an object of the asker's: it returns to `home` to be
/// freed, and is in one queue or list at a time. Order: messages between one pair of cores arrive
/// in the order in which they were sent.
class Message : public ListNode {
public:
    virtual ~Message() = default;
    /// Runs on the core that the message was sent to.
    virtual void deliver(Reactor& here) = 0;
};

/// A wait for a time. Lives in the frame that waits.
class Timer {
public:
    Timer() = default;
    Timer(const Timer&) = delete;
    Timer& operator=(const Timer&) = delete;
    ~Timer() { RL_ASSERT(!armed()); }
    [[nodiscard]] bool armed() const { return slot_ != kNone; }

    /// Called on the reactor's core when the deadline has passed. Set by the owner.
    void (*fire)(Timer& timer) = nullptr;

private:
    friend class TimerQueue;
    static constexpr size_t kNone = SIZE_MAX;
    MonotonicNs deadline_ = 0;
    uint64_t order_ = 0;
    size_t slot_ = kNone;
};

/// Timers of one core in a binary heap; equal deadlines fire in the order in which they were armed.
class TimerQueue {
public:
    void arm(Timer& timer, MonotonicNs deadline);
    void disarm(Timer& timer);  ///< Nothing if not armed.
    /// The earliest deadline, or INT64_MAX.
    [[nodiscard]] MonotonicNs next_deadline() const;
    /// Fires every timer whose deadline is at or before `now`.
    uint32_t fire_due(MonotonicNs now);

private:
    void place(size_t slot, Timer* timer);
    void sift_up(size_t slot);
    void sift_down(size_t slot);
    [[nodiscard]] static bool before(const Timer& a, const Timer& b);

    std::vector<Timer*> heap_;
    uint64_t next_order_ = 0;
};

/// A blocking call that a helper runs. Lives in the frame that waits.
class BlockingCall : public ListNode {
public:
    virtual ~BlockingCall() = default;
    virtual void run() = 0;  ///< On the helper.
    std::coroutine_handle<> waiter;
    BlockingCall* next_finished = nullptr;  ///< In the line of finished calls of the home core.
};

/// Runs blocking calls beside the cores: threads of lower priority, or the simulation's events.
class Helpers {
public:
    virtual ~Helpers() = default;
    /// Runs `call` and then calls `home.blocking_call_done(call)`. From `home`'s core. Order: none
    /// is promised.
    virtual void run(Reactor& home, BlockingCall& call) = 0;
};

/// How a core spends its time. Counters only grow; read on the owning core.
struct ReactorCounters {
    uint64_t turns = 0;
    uint64_t completions = 0;
    uint64_t resumptions = 0;
    uint64_t messages_in = 0;
    uint64_t messages_out = 0;
    uint64_t waits = 0;       ///< Waits in the kernel.
    uint64_t spins = 0;       ///< Polls that did not wait.
    uint64_t long_turns = 0;  ///< Turns over kTurnWarnNs.
};

/// What a reactor is built over.
struct ReactorParts {
    Backend& backend;
    Helpers& helpers;
    FileSystem& files;
    Network& network;
    const Clock& clock;
    Mesh* mesh = nullptr;  ///< Null for a single core.
    CoreId core{0};
    uint64_t seed = 0;
    bool shuffle =
        false;            ///< The simulation: ready coroutines run in an order drawn from the seed.
    int64_t spin_ns = 0;  ///< How long to poll before waiting in the kernel (0: wait at once).
};

class Reactor {
public:
    static constexpr int64_t kTurnWarnNs = 500 * kMicrosecondNs;

    explicit Reactor(const ReactorParts& parts);
    Reactor(const Reactor&) = delete;
    Reactor& operator=(const Reactor&) = delete;
    ~Reactor();

    [[nodiscard]] CoreId core() const { return core_; }
    [[nodiscard]] uint16_t core_count() const;
    /// The time of this turn (read once per turn), and the exact time.
    [[nodiscard]] MonotonicNs now() const { return now_; }
    [[nodiscard]] MonotonicNs exact_now() const { return clock_.monotonic_ns(); }
    [[nodiscard]] WallMs wall_ms() const { return clock_.wall_ms(); }
    Random& random() { return random_; }
    Backend& backend() { return backend_; }
    FileSystem& files() { return files_; }
    Network& network() { return network_; }
    TimerQueue& timers() { return timers_; }
    [[nodiscard]] const ReactorCounters& counters() const { return counters_; }

    /// Runs `handle` on this core later in this turn or in the next; first come, first served.
    void schedule(std::coroutine_handle<> handle) { ready_.push_back(handle); }

    /// Suspends until the deadline has passed.
    auto sleep_until(MonotonicNs deadline);
    auto sleep_for(int64_t duration_ns);
    /// Lets everything else that is ready run first.
    auto yield();
    /// Runs `function` (which may block) on a helper and gives what it returns. It must not touch
    /// what a core owns.
    template <typename F>
    auto run_blocking(F function);

    /// Sends `message` to another core (or this one). Never blocks: what finds the queue full waits
    /// in line here.
    void send(CoreId to, Message& message);

    /// One round: completions, messages, timers, ready coroutines. With `may_wait`, waits for work
    /// at its end. True if anything ran.
    bool turn(bool may_wait);
    /// Turns until stop(). Then returns; the caller has closed what runs here.
    void run();
    /// Ends run() at its next turn. Any thread.
    void stop();
    /// Wakes the core if it waits. Any thread.
    void wake() { backend_.wake(); }

    /// From a helper's thread (or the simulation): `call` has run; its waiter resumes on this core.
    void blocking_call_done(BlockingCall& call);

private:
    friend class Mesh;

    bool run_ready();
    bool drain_blocking_calls();
    [[nodiscard]] MonotonicNs wait_deadline(bool worked);
    void yield_if_due();

    Backend& backend_;
    Helpers& helpers_;
    FileSystem& files_;
    Network& network_;
    const Clock& clock_;
    Mesh* mesh_;
    CoreId core_;
    Random random_;
    bool shuffle_;
    int64_t spin_ns_;
    MonotonicNs now_ = 0;
    TimerQueue timers_;
    std::vector<std::coroutine_handle<>> ready_;
    std::vector<std::coroutine_handle<>> running_;
    ReactorCounters counters_;
    MonotonicNs last_work_ = 0;   ///< When something last ran: spinning is counted from here.
    MonotonicNs last_yield_ = 0;  ///< When this thread last let others run.
    std::atomic<BlockingCall*> finished_calls_{nullptr};  ///< A stack that helpers push to.
    std::atomic<bool> stopping_{false};
};

namespace detail {

struct SleepAwaiter : Timer {
    Reactor& reactor;
    MonotonicNs deadline;
    std::coroutine_handle<> waiter;

    SleepAwaiter(Reactor& r, MonotonicNs d) : reactor(r), deadline(d) {}
    bool await_ready() const noexcept { return false; }
    void await_suspend(std::coroutine_handle<> awaiting) {
        waiter = awaiting;
        fire = [](Timer& timer) {
            auto& self = static_cast<SleepAwaiter&>(timer);
            self.reactor.schedule(self.waiter);
        };
        reactor.timers().arm(*this, deadline);
    }
    void await_resume() const noexcept {}
};

struct YieldAwaiter {
    Reactor& reactor;
    bool await_ready() const noexcept { return false; }
    void await_suspend(std::coroutine_handle<> awaiting) { reactor.schedule(awaiting); }
    void await_resume() const noexcept {}
};

template <typename F>
struct BlockingAwaiter final : BlockingCall {
    using R = std::invoke_result_t<F>;
    Reactor& reactor;
    Helpers& helpers;
    F function;
    std::conditional_t<std::is_void_v<R>, bool, std::optional<R>> value{};

    BlockingAwaiter(Reactor& r, Helpers& h, F f) : reactor(r), helpers(h), function(std::move(f)) {}
    void run() override {
        if constexpr (std::is_void_v<R>) {
            function();
        } else {
            value.emplace(function());
        }
    }
    bool await_ready() const noexcept { return false; }
    void await_suspend(std::coroutine_handle<> awaiting) {
        waiter = awaiting;
        helpers.run(reactor, *this);
    }
    R await_resume() {
        if constexpr (!std::is_void_v<R>) {
            return std::move(*value);
        }
    }
};

}  // namespace detail

inline auto Reactor::sleep_until(MonotonicNs deadline) {
    return detail::SleepAwaiter(*this, deadline);
}
inline auto Reactor::sleep_for(int64_t duration_ns) {
    return sleep_until(now_ + duration_ns);
}
inline auto Reactor::yield() {
    return detail::YieldAwaiter{*this};
}
template <typename F>
auto Reactor::run_blocking(F function) {
    return detail::BlockingAwaiter<F>(*this, helpers_, std::move(function));
}

}  // namespace ringlog::io

// Messages between cores: one bounded single-producer single-consumer queue per ordered pair, and a
// doorbell for a core that sleeps. Shared by all reactors of one process; each call says which core
// may make it.
#pragma once

#include <atomic>
#include <coroutine>
#include <cstdint>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>
#include <vector>

#include "base/intrusive_list.h"
#include "base/spsc_queue.h"
#include "io/reactor.h"
#include "io/task.h"

namespace ringlog::io {

class Mesh {
public:
    /// Messages that one queue holds; more wait in line with their sender.
    static constexpr size_t kQueueCapacity = 1024;

    explicit Mesh(uint16_t core_count);

    [[nodiscard]] uint16_t core_count() const { return core_count_; }
    /// Makes `reactor` reachable. Before any core runs.
    void join(Reactor& reactor);

    /// From core `from`. Never blocks.
    void send(CoreId from, CoreId to, Message& message);
    /// From core `core`: delivers what the others have sent, at most `limit` per sender; how many.
    uint32_t drain(CoreId core, uint32_t limit);
    /// From core `core`: pushes what found its queue full; true if something still waits.
    bool flush_waiting(CoreId core);
    /// From core `core`, before it waits in the kernel: publishes that it sleeps, then says whether
    /// a message came meanwhile (then it must not sleep).
    bool prepare_sleep(CoreId core);
    void end_sleep(CoreId core);

private:
    struct alignas(kCacheLineBytes) CoreState {
        std::atomic<bool> sleeping{false};
        Reactor* reactor = nullptr;
        std::vector<std::unique_ptr<IntrusiveList<Message>>>
            waiting;  ///< Per target; this core's own.
    };

    SpscQueue<Message*>& queue(CoreId from, CoreId to) {
        return *queues_[static_cast<size_t>(from.value()) * core_count_ + to.value()];
    }
    void ring_doorbell(CoreId to);

    uint16_t core_count_;
    std::vector<std::unique_ptr<SpscQueue<Message*>>> queues_;
    std::vector<std::unique_ptr<CoreState>> cores_;
};

namespace detail {

/// A call on its way to another core, while it runs there, and on its way back. Lives in the
/// asker's frame.
template <typename F>
class RemoteCall final : public Message {
public:
    using R = typename std::invoke_result_t<F, Reactor&>::value_type;

    RemoteCall(Reactor& home, F start) : home_(home), start_(std::move(start)) {}

    void deliver(Reactor& here) override {
        if (value_.has_value()) {
            RL_ASSERT(&here == &home_);
            here.schedule(waiter_);
        } else {
            execute(here);
        }
    }

    bool await_ready() const noexcept { return false; }
    void await_suspend(std::coroutine_handle<> awaiting) noexcept { waiter_ = awaiting; }
    R await_resume() { return std::move(*value_); }

private:
    Detached execute(Reactor& there) {
        Task<R> task = start_(there);
        value_.emplace(co_await std::move(task));
        there.send(home_.core(), *this);
    }

    Reactor& home_;
    F start_;
    std::optional<R>
        value_;  ///< Written on the other core before the answer is sent, read here after it came.
    std::coroutine_handle<> waiter_;
};

}  // namespace detail

/// Runs `start(there)`, which returns a Task<R> with R not void, on core `to` and gives its result
/// here. `start` and R cross cores: they refer to nothing that a core owns but what belongs to the
/// target. The caller waits until the answer is back: nothing of the call is left on the other
/// core.
template <typename F>
auto call_on(Reactor& here, CoreId to, F start)
    -> Task<typename std::invoke_result_t<F, Reactor&>::value_type> {
    if (to == here.core()) {
        co_return co_await start(here);
    }
    detail::RemoteCall<F> call(here, std::move(start));
    here.send(to, call);
    co_return co_await call;
}

}  // namespace ringlog::io

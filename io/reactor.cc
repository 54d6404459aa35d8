// The turn of one core. See io/reactor.h.
#include "io/reactor.h"

#include <sched.h>

#include "io/file_activity.h"
#include "io/mesh.h"

namespace ringlog::io {

namespace {

/// Messages taken from each other core per turn, so that no sender starves the rest of the core.
constexpr uint32_t kMessagesPerTurn = 256;
/// Ready coroutines per turn are those that were ready when it began; this bounds how often in a
/// row new ones run.
constexpr int kReadyRoundsPerTurn = 4;
/// How often a core that stays busy lets the kernel's completion threads run while file I/O is in
/// flight.
constexpr int64_t kYieldIntervalNs = 100 * kMicrosecondNs;

}  // namespace

Reactor::Reactor(const ReactorParts& parts)
    : backend_(parts.backend),
      helpers_(parts.helpers),
      files_(parts.files),
      network_(parts.network),
      clock_(parts.clock),
      mesh_(parts.mesh),
      core_(parts.core),
      random_(parts.seed),
      shuffle_(parts.shuffle),
      spin_ns_(parts.spin_ns),
      now_(parts.clock.monotonic_ns()) {
    if (mesh_ != nullptr) {
        mesh_->join(*this);
    }
}

Reactor::~Reactor() = default;

uint16_t Reactor::core_count() const {
    return mesh_ == nullptr ? 1 : mesh_->core_count();
}

void Reactor::send(CoreId to, Message& message) {
    ++counters_.messages_out;
    RL_ASSERT(mesh_ != nullptr, "core {} sends to core {} without a mesh", core_.value(),
              to.value());
    mesh_->send(core_, to, message);
}

void Reactor::stop() {
    stopping_.store(true, std::memory_order_release);
    backend_.wake();
}

void Reactor::blocking_call_done(BlockingCall& call) {
    BlockingCall* head = finished_calls_.load(std::memory_order_relaxed);
    do {
        call.next_finished = head;
    } while (!finished_calls_.compare_exchange_weak(head, &call, std::memory_order_release,
                                                    std::memory_order_relaxed));
    backend_.wake();
}

bool Reactor::drain_blocking_calls() {
    if (finished_calls_.load(std::memory_order_relaxed) == nullptr) {
        return false;
    }
    BlockingCall* newest = finished_calls_.exchange(nullptr, std::memory_order_acquire);
    BlockingCall* oldest = nullptr;
    while (newest != nullptr) {
        BlockingCall* next = std::exchange(newest->next_finished, oldest);
        oldest = std::exchange(newest, next);
    }
    while (oldest != nullptr) {
        BlockingCall* next = std::exchange(oldest->next_finished, nullptr);
        ready_.push_back(oldest->waiter);
        oldest = next;
    }
    return true;
}

bool Reactor::run_ready() {
    if (ready_.empty()) {
        return false;
    }
    for (int round = 0; round < kReadyRoundsPerTurn && !ready_.empty(); ++round) {
        running_.swap(ready_);
        if (shuffle_) {
            for (size_t i = running_.size(); i > 1; --i) {
                std::swap(running_[i - 1], running_[random_.below(i)]);
            }
        }
        for (const std::coroutine_handle<> handle : running_) {
            ++counters_.resumptions;
            handle.resume();
        }
        running_.clear();
    }
    return true;
}

MonotonicNs Reactor::wait_deadline(bool worked) {
    if (!ready_.empty()) {
        return 0;
    }
    if (spin_ns_ > 0) {
        if (worked) {
            last_work_ = now_;
        }
        const bool quiet = file_ops_in_flight_of_process.load(std::memory_order_relaxed) == 0;
        if (quiet && exact_now() - last_work_ < spin_ns_) {
            ++counters_.spins;
            return 0;
        }
    }
    return timers_.next_deadline();
}

void Reactor::yield_if_due() {
    const MonotonicNs now = exact_now();
    if (now - last_yield_ >= kYieldIntervalNs) {
        last_yield_ = now;
        if (file_ops_in_flight_of_process.load(std::memory_order_relaxed) > 0) {
            sched_yield();
        }
    }
}

bool Reactor::turn(bool may_wait) {
    ++counters_.turns;
    now_ = clock_.monotonic_ns();
    const MonotonicNs started = now_;
    bool worked = drain_blocking_calls();
    if (mesh_ != nullptr) {
        const uint32_t delivered = mesh_->drain(core_, kMessagesPerTurn);
        counters_.messages_in += delivered;
        worked |= delivered > 0;
    }
    worked |= timers_.fire_due(now_) > 0;
    worked |= run_ready();
    bool waiting_messages = false;
    if (mesh_ != nullptr) {
        waiting_messages = mesh_->flush_waiting(core_);
    }
    const bool long_turn = exact_now() - started > kTurnWarnNs;
    counters_.long_turns += long_turn ? 1 : 0;

    MonotonicNs deadline = may_wait && !waiting_messages ? wait_deadline(worked) : 0;
    const bool sleeps = deadline > now_;
    if (sleeps) {
        ++counters_.waits;
        if (mesh_ != nullptr && !mesh_->prepare_sleep(core_)) {
            deadline = 0;
        }
        if (finished_calls_.load(std::memory_order_acquire) != nullptr) {
            deadline = 0;
        }
    }
    const uint32_t completed = backend_.poll(deadline);
    if (completed > 0 && spin_ns_ > 0) {
        last_work_ = exact_now();  // what is handled in poll() alone is work, too
    }
    if (sleeps && mesh_ != nullptr) {
        mesh_->end_sleep(core_);
    }
    if (may_wait) {
        if (sleeps) {
            last_yield_ = exact_now();
        } else {
            yield_if_due();
        }
    }
    counters_.completions += completed;
    return worked || completed > 0;
}

void Reactor::run() {
    while (!stopping_.load(std::memory_order_acquire)) {
        turn(true);
    }
}

}  // namespace ringlog::io

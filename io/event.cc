// Waiting on the same core. See io/event.h.
#include "io/event.h"

namespace ringlog::io {

void Event::Waiter::await_suspend(std::coroutine_handle<> awaiting) {
    handle = awaiting;
    event.waiters_.push_back(*this);
    if (deadline != INT64_MAX) {
        fire = [](Timer& timer) {
            auto& self = static_cast<Waiter&>(timer);
            self.unlink();
            self.event.reactor_.schedule(self.handle);
        };
        event.reactor_.timers().arm(*this, deadline);
    }
}

void Event::resume(Waiter& waiter) {
    waiter.notified = true;
    reactor_.timers().disarm(waiter);
    reactor_.schedule(waiter.handle);
}

void Event::notify_one() {
    if (Waiter* waiter = waiters_.pop_front()) {
        resume(*waiter);
    }
}

void Event::notify_all() {
    while (Waiter* waiter = waiters_.pop_front()) {
        resume(*waiter);
    }
}

bool Semaphore::try_take(int64_t amount) {
    if (!waiters_.empty() || (available_ < amount && taken_ > 0)) {
        return false;
    }
    available_ -= amount;
    taken_ += amount;
    return true;
}

void Semaphore::Waiter::await_suspend(std::coroutine_handle<> awaiting) {
    handle = awaiting;
    semaphore.waiters_.push_back(*this);
}

void Semaphore::give(int64_t amount) {
    available_ += amount;
    taken_ -= amount;
    RL_ASSERT(taken_ >= 0, "{} more given than taken", -taken_);
    serve();
}

void Semaphore::serve() {
    while (Waiter* waiter = waiters_.front()) {
        if (available_ < waiter->amount && taken_ > 0) {
            return;
        }
        waiter->unlink();
        available_ -= waiter->amount;
        taken_ += waiter->amount;
        reactor_.schedule(waiter->handle);
    }
}

}  // namespace ringlog::io

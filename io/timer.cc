// The heap of timers. See io/reactor.h.
#include <utility>

#include "io/reactor.h"

namespace ringlog::io {

bool TimerQueue::before(const Timer& a, const Timer& b) {
    return a.deadline_ != b.deadline_ ? a.deadline_ < b.deadline_ : a.order_ < b.order_;
}

void TimerQueue::place(size_t slot, Timer* timer) {
    heap_[slot] = timer;
    timer->slot_ = slot;
}

void TimerQueue::sift_up(size_t slot) {
    Timer* timer = heap_[slot];
    while (slot > 0) {
        const size_t parent = (slot - 1) / 2;
        if (!before(*timer, *heap_[parent])) {
            break;
        }
        place(slot, heap_[parent]);
        slot = parent;
    }
    place(slot, timer);
}

void TimerQueue::sift_down(size_t slot) {
    Timer* timer = heap_[slot];
    for (;;) {
        size_t child = 2 * slot + 1;
        if (child >= heap_.size()) {
            break;
        }
        if (child + 1 < heap_.size() && before(*heap_[child + 1], *heap_[child])) {
            ++child;
        }
        if (!before(*heap_[child], *timer)) {
            break;
        }
        place(slot, heap_[child]);
        slot = child;
    }
    place(slot, timer);
}

void TimerQueue::arm(Timer& timer, MonotonicNs deadline) {
    RL_ASSERT(!timer.armed() && timer.fire != nullptr);
    timer.deadline_ = deadline;
    timer.order_ = next_order_++;
    heap_.push_back(&timer);
    timer.slot_ = heap_.size() - 1;
    sift_up(timer.slot_);
}

void TimerQueue::disarm(Timer& timer) {
    if (!timer.armed()) {
        return;
    }
    const size_t slot = std::exchange(timer.slot_, Timer::kNone);
    Timer* last = heap_.back();
    heap_.pop_back();
    if (last != &timer) {
        place(slot, last);
        sift_up(slot);
        sift_down(last->slot_);
    }
}

MonotonicNs TimerQueue::next_deadline() const {
    return heap_.empty() ? INT64_MAX : heap_.front()->deadline_;
}

uint32_t TimerQueue::fire_due(MonotonicNs now) {
    uint32_t fired = 0;
    while (!heap_.empty() && heap_.front()->deadline_ <= now) {
        Timer& timer = *heap_.front();
        disarm(timer);
        timer.fire(timer);
        ++fired;
    }
    return fired;
}

}  // namespace ringlog::io

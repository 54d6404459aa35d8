// Queues between cores and their doorbells. See io/mesh.h.
#include "io/mesh.h"

namespace ringlog::io {

Mesh::Mesh(uint16_t core_count) : core_count_(core_count) {
    const size_t pairs = static_cast<size_t>(core_count) * core_count;
    queues_.reserve(pairs);
    for (size_t i = 0; i < pairs; ++i) {
        queues_.push_back(std::make_unique<SpscQueue<Message*>>(kQueueCapacity));
    }
    for (uint16_t i = 0; i < core_count; ++i) {
        cores_.push_back(std::make_unique<CoreState>());
        for (uint16_t j = 0; j < core_count; ++j) {
            cores_.back()->waiting.push_back(std::make_unique<IntrusiveList<Message>>());
        }
    }
}

void Mesh::join(Reactor& reactor) {
    cores_[reactor.core().value()]->reactor = &reactor;
}

void Mesh::send(CoreId from, CoreId to, Message& message) {
    RL_ASSERT(to.value() < core_count_, "core {} of {}", to.value(), core_count_);
    IntrusiveList<Message>& line = *cores_[from.value()]->waiting[to.value()];
    if (line.empty() && queue(from, to).try_push(&message)) {
        ring_doorbell(to);
    } else {
        line.push_back(message);
    }
}

void Mesh::ring_doorbell(CoreId to) {
    // The fence pairs with the one in prepare_sleep(): either the sleeper sees the message or we
    // see that it sleeps.
    std::atomic_thread_fence(std::memory_order_seq_cst);
    CoreState& target = *cores_[to.value()];
    if (target.sleeping.load(std::memory_order_relaxed)) {
        target.sleeping.store(false, std::memory_order_relaxed);
        target.reactor->wake();
    }
}

bool Mesh::flush_waiting(CoreId core) {
    bool left = false;
    for (uint16_t to = 0; to < core_count_; ++to) {
        IntrusiveList<Message>& line = *cores_[core.value()]->waiting[to];
        bool pushed = false;
        while (Message* message = line.front()) {
            // Out of the list first: once pushed, the message belongs to the other core.
            message->unlink();
            if (!queue(core, CoreId(to)).try_push(message)) {
                line.push_front(*message);
                left = true;
                break;
            }
            pushed = true;
        }
        if (pushed) {
            ring_doorbell(CoreId(to));
        }
    }
    return left;
}

uint32_t Mesh::drain(CoreId core, uint32_t limit) {
    uint32_t delivered = 0;
    Reactor& here = *cores_[core.value()]->reactor;
    for (uint16_t from = 0; from < core_count_; ++from) {
        SpscQueue<Message*>& incoming = queue(CoreId(from), core);
        for (uint32_t i = 0; i < limit; ++i) {
            Message** slot = incoming.front();
            if (slot == nullptr) {
                break;
            }
            Message* message = *slot;
            incoming.pop();
            message->deliver(here);
            ++delivered;
        }
    }
    return delivered;
}

bool Mesh::prepare_sleep(CoreId core) {
    CoreState& self = *cores_[core.value()];
    self.sleeping.store(true, std::memory_order_relaxed);
    std::atomic_thread_fence(std::memory_order_seq_cst);
    for (uint16_t from = 0; from < core_count_; ++from) {
        if (queue(CoreId(from), core).front() != nullptr) {
            self.sleeping.store(false, std::memory_order_relaxed);
            return false;
        }
    }
    return true;
}

void Mesh::end_sleep(CoreId core) {
    cores_[core.value()]->sleeping.store(false, std::memory_order_relaxed);
}

}  // namespace ringlog::io

// A bounded queue from one thread to one other, after rigtorp's SPSCQueue: two indexes on lines of
// their own, each side with a cached copy of the other's, so that a push or pop touches a shared
// line only when its cache runs out.
//   memory: [tail | cached head] [head | cached tail] [slots...]
// Tested by tests/unit/base; under ThreadSanitizer too.
#pragma once

#include <atomic>
#include <bit>
#include <cstddef>
#include <memory>
#include <type_traits>

namespace ringlog {

constexpr size_t kCacheLineBytes = 64;

/// Producer: one thread calls try_push. Consumer: one thread calls front and pop. T is a small
/// trivially copyable value.
template <typename T>
class SpscQueue {
    static_assert(std::is_trivially_copyable_v<T>);

public:
    /// Room for at least `capacity` items (rounded up to a power of two).
    explicit SpscQueue(size_t capacity)
        : mask_(std::bit_ceil(capacity) - 1), slots_(std::make_unique<T[]>(mask_ + 1)) {}
    SpscQueue(const SpscQueue&) = delete;
    SpscQueue& operator=(const SpscQueue&) = delete;

    /// False if the queue is full; nothing was pushed then.
    bool try_push(T item) {
        const size_t tail = tail_.load(std::memory_order_relaxed);
        if (tail - cached_head_ > mask_) {
            cached_head_ = head_.load(std::memory_order_acquire);  // pairs with pop()
            if (tail - cached_head_ > mask_) {
                return false;
            }
        }
        slots_[tail & mask_] = item;
        tail_.store(tail + 1, std::memory_order_release);  // pairs with front()
        return true;
    }

    /// The oldest item, or nullptr if there is none. It stays valid until pop().
    T* front() {
        const size_t head = head_.load(std::memory_order_relaxed);
        if (head == cached_tail_) {
            cached_tail_ = tail_.load(std::memory_order_acquire);  // pairs with try_push()
            if (head == cached_tail_) {
                return nullptr;
            }
        }
        return &slots_[head & mask_];
    }

    /// Drops the item that front() gave.
    void pop() {
        head_.store(head_.load(std::memory_order_relaxed) + 1, std::memory_order_release);
    }

private:
    alignas(kCacheLineBytes) std::atomic<size_t> tail_{0};
    size_t cached_head_ = 0;
    alignas(kCacheLineBytes) std::atomic<size_t> head_{0};
    size_t cached_tail_ = 0;
    alignas(kCacheLineBytes) size_t mask_;
    std::unique_ptr<T[]> slots_;
};

}  // namespace ringlog

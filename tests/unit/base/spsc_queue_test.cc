// The queue between cores: bounded, in order, and correct between two threads (run under
// ThreadSanitizer too).
#include "base/spsc_queue.h"

#include <gtest/gtest.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <thread>

namespace ringlog {
namespace {

TEST(SpscQueue, IsFullAtItsCapacityAndNotBefore) {
    SpscQueue<int> queue(4);
    EXPECT_EQ(queue.front(), nullptr);
    for (int i = 0; i < 4; ++i) {
        EXPECT_TRUE(queue.try_push(i));
    }
    EXPECT_FALSE(queue.try_push(4));
    ASSERT_NE(queue.front(), nullptr);
    EXPECT_EQ(*queue.front(), 0);
    queue.pop();
    EXPECT_TRUE(queue.try_push(4));
    EXPECT_FALSE(queue.try_push(5));
}

TEST(SpscQueue, RoundsItsCapacityUp) {
    SpscQueue<int> queue(5);
    int pushed = 0;
    while (queue.try_push(pushed)) {
        ++pushed;
    }
    EXPECT_EQ(pushed, 8);
    SpscQueue<int> smallest(1);
    EXPECT_TRUE(smallest.try_push(1));
    EXPECT_FALSE(smallest.try_push(2));
}

TEST(SpscQueue, KeepsOrderAroundItsEndManyTimes) {
    SpscQueue<uint32_t> queue(8);
    uint32_t pushed = 0;
    uint32_t popped = 0;
    for (int round = 0; round < 100; ++round) {
        for (int i = 0; i < 1 + round % 8; ++i) {
            pushed += queue.try_push(pushed) ? 1 : 0;
        }
        for (uint32_t* item = queue.front(); item != nullptr; item = queue.front()) {
            ASSERT_EQ(*item, popped++);
            queue.pop();
        }
    }
    EXPECT_EQ(popped, pushed);
    EXPECT_GT(pushed, 400U);
}

TEST(SpscQueue, AFrontThatIsNotPoppedStays) {
    SpscQueue<int> queue(2);
    EXPECT_TRUE(queue.try_push(7));
    EXPECT_EQ(queue.front(), queue.front());
    EXPECT_EQ(*queue.front(), 7);
}

/// A counted value that travels out on one queue and home on another, as a message between cores
/// does.
struct Parcel {
    uint64_t value = 0;
};
constexpr size_t kParcels = 64;
constexpr uint64_t kJourneys = 200000;

/// The item at the front, taken; waits for the other thread.
Parcel* take(SpscQueue<Parcel*>& queue) {
    Parcel** item = queue.front();
    for (; item == nullptr; item = queue.front()) {
        std::this_thread::yield();
    }
    Parcel* parcel = *item;
    queue.pop();
    return parcel;
}

void put(SpscQueue<Parcel*>& queue, Parcel* parcel) {
    while (!queue.try_push(parcel)) {
        std::this_thread::yield();
    }
}

// Goal: what one thread wrote before it pushed, the other sees, whole and in order. Method: parcels
// are plain memory, reused as soon as they are home; the way out is shorter than their number, so
// that both sides meet full and empty.
TEST(SpscQueue, CarriesMemoryFromOneThreadToAnother) {
    std::array<Parcel, kParcels> parcels;
    SpscQueue<Parcel*> out(16);
    SpscQueue<Parcel*> home(kParcels);
    for (Parcel& parcel : parcels) {
        ASSERT_TRUE(home.try_push(&parcel));
    }
    std::thread producer([&out, &home] {
        for (uint64_t value = 0; value < kJourneys; ++value) {
            Parcel* parcel = take(home);
            parcel->value = value;
            put(out, parcel);
        }
    });
    uint64_t wrong = 0;
    for (uint64_t expected = 0; expected < kJourneys; ++expected) {
        Parcel* parcel = take(out);
        wrong += parcel->value == expected ? 0 : 1;
        put(home, parcel);
    }
    producer.join();
    EXPECT_EQ(wrong, 0U);
    EXPECT_EQ(out.front(), nullptr);
}

}  // namespace
}  // namespace ringlog

// The heap of timers against a model that sorts.
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <vector>

#include "base/random.h"
#include "io/reactor.h"

namespace ringlog::io {
namespace {

struct Alarm : Timer {
    MonotonicNs deadline = 0;
    uint64_t order = 0;
    std::vector<Alarm*>* fired = nullptr;
};

void note(Timer& timer) {
    auto& alarm = static_cast<Alarm&>(timer);
    EXPECT_FALSE(alarm.armed());
    alarm.fired->push_back(&alarm);
}

// Goal: whatever is armed and disarmed, timers fire by deadline, and by the order of arming where
// deadlines are equal.
TEST(TimerQueue, FiresAsAModelThatSorts) {
    Random random(3);
    TimerQueue queue;
    std::vector<Alarm*> fired;
    std::vector<std::unique_ptr<Alarm>> alarms;
    for (int i = 0; i < 300; ++i) {
        alarms.push_back(std::make_unique<Alarm>());
        alarms.back()->fire = &note;
        alarms.back()->fired = &fired;
    }
    uint64_t order = 0;
    MonotonicNs now = 0;
    for (int step = 0; step < 20'000; ++step) {
        Alarm& alarm = *alarms[random.below(alarms.size())];
        if (alarm.armed()) {
            queue.disarm(alarm);
        } else if (random.chance(2, 3)) {
            alarm.deadline = now + static_cast<int64_t>(random.below(50));
            alarm.order = order++;
            queue.arm(alarm, alarm.deadline);
        }
        if (!random.chance(1, 20)) {
            continue;
        }
        now += static_cast<int64_t>(random.below(20));
        std::vector<Alarm*> expected;
        MonotonicNs next = INT64_MAX;
        for (const auto& each : alarms) {
            if (each->armed() && each->deadline <= now) {
                expected.push_back(each.get());
            } else if (each->armed()) {
                next = std::min(next, each->deadline);
            }
        }
        std::ranges::sort(expected, [](const Alarm* a, const Alarm* b) {
            return std::pair(a->deadline, a->order) < std::pair(b->deadline, b->order);
        });
        fired.clear();
        EXPECT_EQ(queue.fire_due(now), expected.size());
        ASSERT_EQ(fired, expected);
        ASSERT_EQ(queue.next_deadline(), next);
    }
    for (const auto& alarm : alarms) {
        queue.disarm(*alarm);
    }
}

}  // namespace
}  // namespace ringlog::io

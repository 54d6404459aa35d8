// The kernel's clocks, by properties that hold on every machine.
#include "base/clock.h"

#include <gtest/gtest.h>

#include <ctime>

namespace ringlog {
namespace {

TEST(SystemClock, MonotonicTimeNeverGoesBack) {
    const SystemClock clock;
    MonotonicNs last = clock.monotonic_ns();
    EXPECT_GT(last, 0);
    for (int i = 0; i < 10000; ++i) {
        const MonotonicNs now = clock.monotonic_ns();
        ASSERT_GE(now, last);
        last = now;
    }
}

TEST(SystemClock, MonotonicTimeIsInNanosecondsOfTheKernelsClock) {
    const SystemClock clock;
    timespec before{};
    timespec after{};
    clock_gettime(CLOCK_MONOTONIC, &before);
    const MonotonicNs now = clock.monotonic_ns();
    clock_gettime(CLOCK_MONOTONIC, &after);
    EXPECT_GE(now, before.tv_sec * kSecondNs + before.tv_nsec);
    EXPECT_LE(now, after.tv_sec * kSecondNs + after.tv_nsec);
}

TEST(SystemClock, WallTimeIsInMillisecondsSince1970) {
    const SystemClock clock;
    const time_t before = time(nullptr);
    const WallMs now = clock.wall_ms();
    // A clock that is set between the two calls may step; an hour is more than any such step and
    // tells the units.
    EXPECT_NEAR(static_cast<double>(now), static_cast<double>(before) * 1000.0, 3600.0 * 1000.0);
}

TEST(Clock, UnitsAreThousandsOfEachOther) {
    static_assert(kSecondNs == 1000 * kMillisecondNs && kMillisecondNs == 1000 * kMicrosecondNs);
    static_assert(kMicrosecondNs == 1000);
}

}  // namespace
}  // namespace ringlog

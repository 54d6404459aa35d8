// Fault: the disk is full, so that no checkpoint frees the journal and no file can be added to it,
// and the broker is told to stop.
// Wrong: the frames that waited for a file waited for ever, and the stop with them, even when the
// disk had room again: who makes files had been ended first.
// Rule: an end waits for a file for a bounded time, then closes the journal as it is. What was
// acked is there at the next start.
#include <gtest/gtest.h>

#include "tests/support/shard_harness.h"

namespace ringlog::engine::test {
namespace {

TEST(Regression0011, AStopOnAFullDiskEndsAndLosesNothing) {
    for (const uint64_t room : {uint64_t{0}, uint64_t{40'000}, uint64_t{150'000}}) {
        SCOPED_TRACE(room);
        ShardHarness harness({.seed = 5, .partitions = 2});
        ASSERT_TRUE(harness.create());
        harness.produce(5);
        auto& disk = harness.node().disk();
        disk.set_capacity(disk.used_bytes() + room);
        harness.produce_for(200, 3 * kSecondNs);
        const MonotonicNs begun = harness.world().now();
        (void)harness.close(true);
        ASSERT_EQ(harness.shard(), nullptr) << "the stop did not end";
        EXPECT_LT(harness.world().now() - begun, 10 * kSecondNs);
        disk.set_capacity(UINT64_MAX);
        harness.restart();
        ASSERT_TRUE(harness.recover());
        EXPECT_EQ(harness.shard()->counters().damaged_partitions, 0U);
        EXPECT_EQ(harness.verify(), "");
    }
}

}  // namespace
}  // namespace ringlog::engine::test

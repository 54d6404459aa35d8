// Fault: none. A journal of few files (16 MiB with files of 8 MiB, the least that is allowed), more
// than half of its active file written, and nobody appends any more.
// Wrong: more than a quarter of the journal was live, so a checkpoint was taken; it can free no
// active file, so the next one was taken at once, and the next: syncs of the whole file system back
// to back, for ever, on an idle broker.
// Rule: a checkpoint is taken for room where one can give room.
#include <gtest/gtest.h>

#include "tests/support/shard_harness.h"

namespace ringlog::engine::test {
namespace {

TEST(Regression0019, AnIdleShardTakesNoCheckpointAfterCheckpoint) {
    ShardHarness harness({.seed = 3, .partitions = 2, .journal_bytes = 128 << 10});
    ASSERT_TRUE(harness.create());
    for (int i = 0; i < 40; ++i) {
        harness.produce(7);
        harness.world().run_until([] { return false; }, {.duration_ns = 2 * kSecondNs});
        const uint64_t before = harness.shard()->counters().checkpoints;
        harness.world().run_until([] { return false; }, {.duration_ns = 10 * kSecondNs});
        EXPECT_EQ(harness.shard()->counters().checkpoints, before) << "round " << i;
    }
}

}  // namespace
}  // namespace ringlog::engine::test

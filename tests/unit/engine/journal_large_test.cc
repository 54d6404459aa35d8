// Batches larger than a frame on their way through the journal. See engine/journal_large.h.
#include <gtest/gtest.h>

#include "tests/support/shard_harness.h"

namespace ringlog::engine::test {
namespace {

TEST(JournalLarge, LargeAppendsFillAWholeWriteAndNotOneFrameOfIt) {
    ShardHarness harness({.seed = 1, .partitions = 2, .batch_bytes_max = 40'000});
    ASSERT_TRUE(harness.create());
    harness.produce(200);
    const JournalCounters& counters = harness.shard()->journal().counters();
    EXPECT_GT(2 * counters.frames, 3 * counters.writes)
        << counters.frames << " frames in " << counters.writes << " writes";
    ASSERT_EQ(harness.verify(), "");
    EXPECT_TRUE(harness.close(true));
}

}  // namespace
}  // namespace ringlog::engine::test

// Numbers of partitions on disk: each stands for one partition as long as a frame may hold it.
#include <gtest/gtest.h>

#include "tests/support/shard_harness.h"

namespace ringlog::engine::test {
namespace {

TEST(ShardNumbers, AStartDoesNotGiveTheNumberOfARemovedPartitionAgain) {
    ShardHarness harness({.seed = 5, .partitions = 2});
    ASSERT_TRUE(harness.create());
    const Partition* const last = harness.shard()->find(harness.topic_id(), 1);
    ASSERT_NE(last, nullptr);
    const PartitionNumber number = last->number();
    ASSERT_LT(harness.shard()->find(harness.topic_id(), 0)->number(), number);
    const TopicPartition id{.topic = "words", .topic_id = harness.topic_id(), .partition = 1};
    const auto removed = harness.node().run(0, harness.shard()->remove_partition(id));
    ASSERT_TRUE(removed.has_value() && removed->has_value());
    harness.crash(simulation::CrashKind::kill);
    harness.restart();
    // Opens it anew, while the journal still has the frames of the one before.
    ASSERT_TRUE(harness.recover());
    EXPECT_GT(harness.shard()->find(harness.topic_id(), 1)->number(), number);
}

}  // namespace
}  // namespace ringlog::engine::test

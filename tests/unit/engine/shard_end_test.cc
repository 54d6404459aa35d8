// The end of a shard, and of a partition of it, while work is under way.
#include <gtest/gtest.h>

#include "tests/support/shard_harness.h"

namespace ringlog::engine::test {
namespace {

io::Task<void> close_shard(Shard* shard, bool* closed) {
    (void)co_await shard->close(false);
    *closed = true;
}

// The destager stops before the journal closes: nothing makes room for a large append any more.
TEST(ShardEnd, ClosingEndsALargeAppendThatWaitsForRoom) {
    ShardHarness harness({.seed = 2, .partitions = 4, .batch_bytes_max = 30'000});
    ASSERT_TRUE(harness.create());
    harness.produce(20);
    harness.node().disk().set_capacity(
        harness.node().disk().used_bytes());  // nothing can be destaged
    harness.produce(UINT64_MAX / 2);          // until nothing moves
    bool closed = false;
    harness.node().spawn(0, close_shard(harness.shard(), &closed));
    harness.world().run_until([&] { return closed; },
                              {.steps = 400'000, .duration_ns = 60 * kSecondNs});
    EXPECT_TRUE(closed);
}

io::Task<void> close_clean(Shard* shard, bool* closed) {
    (void)co_await shard->close(true);
    *closed = true;
}

// Method: clients go on while the shard closes, from some step of theirs on.
TEST(ShardEnd, WhatIsAckedBesideACleanCloseIsThereAtTheNextStart) {
    for (uint64_t seed = 1; seed <= 40; ++seed) {
        SCOPED_TRACE(fmt::format("seed {}", seed));
        ShardHarness harness({.seed = seed});
        ASSERT_TRUE(harness.create());
        harness.produce(100 + seed);
        harness.produce_for(UINT64_MAX / 2, 2 * kMillisecondNs);
        harness.world().run_until([&, n = seed * 7]() mutable { return n-- == 0; });
        bool closed = false;
        harness.node().spawn(0, close_clean(harness.shard(), &closed));
        ASSERT_TRUE(harness.world().run_until([&] { return closed; }, {.steps = 400'000}));
        harness.node().stop();
        harness.after_death();
        harness.restart();
        ASSERT_TRUE(harness.recover());
        ASSERT_EQ(harness.shard()->counters().damaged_partitions, 0U);
        ASSERT_EQ(harness.verify(), "");
    }
}

io::Task<void> checkpoint_shard(Shard* shard) {
    (void)co_await shard->checkpoint();
}

io::Task<void> remove_partition(Shard* shard, TopicPartition id, bool* done) {
    (void)co_await shard->remove_partition(id);
    *done = true;
}

// Method: remove a partition at each of many steps of a checkpoint, which destages it and, at a
// roll, cuts its segment to its length.
TEST(ShardEnd, APartitionMayBeRemovedWhileItsSegmentIsSealed) {
    for (uint64_t steps = 0; steps < 300; ++steps) {
        SCOPED_TRACE(fmt::format("step {}", steps));
        ShardHarness harness({.seed = 6 + steps, .partitions = 1});
        ASSERT_TRUE(harness.create());
        harness.produce(200 + steps % 50);
        bool done = false;
        harness.node().spawn(0, checkpoint_shard(harness.shard()));
        harness.world().run_until([&, n = steps]() mutable { return n-- == 0; });
        harness.node().spawn(
            0, remove_partition(harness.shard(), {.topic = "words", .topic_id = harness.topic_id()},
                                &done));
        ASSERT_TRUE(harness.world().run_until([&] { return done; }, {.steps = 200'000}));
    }
}

}  // namespace
}  // namespace ringlog::engine::test

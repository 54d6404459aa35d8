// Fault: the disk is full, so that frames wait for a journal file, and the broker is told to stop.
// A checkpoint is under way, or begins with the stop, and must journal a `tail` before it rewrites
// a block that the one before counts on.
// Wrong: the tail waited for its frame, the frame for a file, and the stop for the checkpoint:
// only what came behind the checkpoint told the journal that it ends and has a bound to its
// patience.
// Rule: the journal knows of an end from its beginning.
#include <gtest/gtest.h>

#include "tests/support/shard_harness.h"

namespace ringlog::engine::test {
namespace {

io::Task<void> checkpoint_shard(Shard* shard) {
    EXPECT_TRUE(co_await shard->checkpoint());
}

TEST(Regression0016, AStopOnAFullDiskEndsThoughATailWaits) {
    for (const bool clean : {true, false}) {
        for (const uint64_t room : {uint64_t{0}, uint64_t{40'000}, uint64_t{150'000}}) {
            SCOPED_TRACE(fmt::format("room {}, clean {}", room, clean));
            ShardHarness harness({.seed = 5, .partitions = 2});
            ASSERT_TRUE(harness.create());
            harness.produce(5);
            harness.node().run(0, checkpoint_shard(harness.shard()));
            auto& disk = harness.node().disk();
            disk.set_capacity(disk.used_bytes() + room);
            harness.produce_for(200, 3 * kSecondNs);
            const MonotonicNs begun = harness.world().now();
            (void)harness.close(clean);
            ASSERT_EQ(harness.shard(), nullptr) << "the stop did not end";
            EXPECT_LT(harness.world().now() - begun, 10 * kSecondNs);
            disk.set_capacity(UINT64_MAX);
            harness.restart();
            ASSERT_TRUE(harness.recover());
            EXPECT_EQ(harness.shard()->counters().damaged_partitions, 0U);
            EXPECT_EQ(harness.verify(), "");
        }
    }
}

}  // namespace
}  // namespace ringlog::engine::test

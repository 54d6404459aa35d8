// A shard on a disk that is full for long, or that cannot be read.
#include <gtest/gtest.h>

#include "tests/support/shard_harness.h"

namespace ringlog::engine::test {
namespace {

using simulation::CrashKind;

// A disk that is full for long, a kill and a start meanwhile, and the space that comes back.
TEST(ShardDisk, AFullDiskHealsAndAStartOnItSucceeds) {
    for (const bool kill : {false, true}) {
        SCOPED_TRACE(kill ? "with a kill" : "without");
        ShardHarness harness({.seed = 12, .partitions = 4});
        ASSERT_TRUE(harness.create());
        harness.produce(30);
        harness.node().disk().set_capacity(harness.node().disk().used_bytes());
        harness.produce(100'000);  // until nothing moves
        const uint64_t acked = harness.acked_count();
        if (kill) {
            harness.crash(CrashKind::kill);
            harness.restart();
            Error error{Errc::io_failed};
            ASSERT_TRUE(harness.recover(&error)) << describe(error);
            ASSERT_EQ(harness.verify(), "");
        }
        harness.node().disk().set_capacity(UINT64_MAX);
        harness.world().run_for(3 * kSecondNs);  // the shard looks once a second
        harness.produce(300);
        EXPECT_GE(harness.acked_count(), acked + 300);
        EXPECT_EQ(harness.verify(), "");
    }
}

// A segment's last block that cannot be read keeps its partition from being destaged. It is put
// aside, so that checkpoints go on, and with them the journal.
TEST(ShardDisk, AnUnreadableSegmentDoesNotStopTheOtherPartitions) {
    ShardHarness harness({.seed = 9, .partitions = 2});
    ASSERT_TRUE(harness.create());
    harness.produce(200);
    simulation::DiskRates rates;
    rates.read_error = 1'000'000;
    harness.node().disk().set_rates(rates);
    const uint64_t before = harness.shard()->counters().checkpoints;
    harness.produce(2'000);
    EXPECT_GT(harness.shard()->counters().checkpoints, before);
}

}  // namespace
}  // namespace ringlog::engine::test

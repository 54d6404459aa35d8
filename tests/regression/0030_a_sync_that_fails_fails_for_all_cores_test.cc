// Fault: the sync of a checkpoint failed on one core, and took along what the others had written.
// Wrong: only that core's journal closed. The next sync of another core succeeded, for the kernel
// tells of an error once, and its checkpoint counted on bytes of segments that no medium had.
// Rule: after a sync of the data directory has failed, no checkpoint of that life is written by any
// core.
#include <gtest/gtest.h>

#include "tests/simulation/disk_fault.h"
#include "tests/support/shard_harness.h"

namespace ringlog::engine::test {
namespace {

using simulation::CrashKind;
using simulation::DiskEffect;
using simulation::DiskFault;
using simulation::FaultPlan;

io::Task<bool> checkpoint_succeeds(Shard* shard) {
    co_return (co_await shard->checkpoint()).has_value();
}

// Method: batches are destaged, a sync on behalf of another core fails, then this one takes a
// checkpoint and the power goes.
TEST(Regression0030, ACheckpointBehindTheFailedSyncOfAnotherCoreIsNotWritten) {
    for (uint64_t seed = 1; seed <= 20; ++seed) {
        SCOPED_TRACE(seed);
        ShardHarness harness({.seed = seed, .partitions = 2});
        ASSERT_TRUE(harness.create());
        harness.produce(40);
        harness.node().disk().arm(std::make_shared<FaultPlan>(
            DiskFault{.effect = DiskEffect::error, .kinds = simulation::kFsSyncs}));
        ASSERT_FALSE(harness.directory_sync().sync(harness.node().files(), "/data"));
        harness.node().disk().arm(nullptr);
        const auto written = harness.node().run(0, checkpoint_succeeds(harness.shard()));
        EXPECT_TRUE(written.has_value() && !*written);
        harness.crash(CrashKind::power_loss);
        harness.restart();
        ASSERT_TRUE(harness.recover());
        EXPECT_EQ(harness.shard()->counters().damaged_partitions, 0U);
        ASSERT_EQ(harness.verify(), "");
    }
}

}  // namespace
}  // namespace ringlog::engine::test

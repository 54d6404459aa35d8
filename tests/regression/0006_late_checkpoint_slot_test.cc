// Fault: a start read the checkpoint slots before it synced the file system, so a slot write of the
// killed predecessor could land behind the reading.
// Wrong: that start went on from the older checkpoint: it put the last synced block of a segment
// back, zeros behind it, and kept the batches of those zeros in the journal. The late slot, newer
// than all, then told the next start that they were in the segment: acked batches read as corrupt.
// Rule: nothing on the disk is looked at before what a predecessor had on its way has landed.
#include <gtest/gtest.h>

#include "tests/simulation/sweep.h"
#include "tests/support/shard_harness.h"

namespace ringlog::engine::test {
namespace {

using simulation::CrashKind;
using simulation::DiskEffect;
using simulation::FaultPlan;

// Method: kill at each write of a checkpoint; the write lands at some later moment. Start, append,
// and start once more.
TEST(Regression0006, ASlotWriteThatLandsLateIsReadOrNeverCounts) {
    const simulation::SweepOptions sweep{.effects = {DiskEffect::kill},
                                         .kinds = simulation::kWrites};
    for (uint64_t seed = 21; seed <= 30; ++seed) {
        SCOPED_TRACE(fmt::format("seed {}", seed));
        const auto kill_at = [seed](std::shared_ptr<FaultPlan> plan) {
            ShardHarness harness({.seed = seed, .partitions = 2});
            ASSERT_TRUE(harness.create());
            harness.produce(30);
            harness.node().disk().arm(std::move(plan));
            (void)harness.node().run(0, harness.shard()->checkpoint());
            harness.node().disk().arm(nullptr);
            for (int start = 0; start < 2; ++start) {
                harness.crash(CrashKind::kill);
                harness.restart();
                Error error{Errc::io_failed};
                ASSERT_TRUE(harness.recover(&error)) << describe(error) << " at start " << start;
                ASSERT_EQ(harness.verify(), "") << "start " << start;
                harness.produce(4);
            }
        };
        const auto result = simulation::for_each_fault(sweep, kill_at);
        ASSERT_FALSE(HasFailure());
        EXPECT_GT(result.faults, 3U);
    }
}

}  // namespace
}  // namespace ringlog::engine::test

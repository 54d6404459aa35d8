// Fault: a checkpoint that waited for its turn went on behind one whose sync had failed.
// Wrong: its own sync succeeded, for the kernel forgets what it could not write, and the slot said
// that bytes were in segments which no medium had. After a power loss acked batches were corrupt,
// and the journal that had them was not replayed.
// Rule: once a sync has failed, no checkpoint of that life is written: the journal is replayed.
#include <gtest/gtest.h>

#include "tests/simulation/sweep.h"
#include "tests/support/shard_harness.h"

namespace ringlog::engine::test {
namespace {

using simulation::CrashKind;
using simulation::DiskEffect;
using simulation::FaultPlan;

io::Task<void> checkpoint_shard(Shard* shard, int* ended) {
    (void)co_await shard->checkpoint();
    ++*ended;
}

// Method: two checkpoints at once, the second behind the first; each sync of them fails once.
TEST(Regression0007, ACheckpointBehindAFailedSyncIsNotWritten) {
    const simulation::SweepOptions sweep{.effects = {DiskEffect::error},
                                         .kinds = simulation::kFlushes | simulation::kFsSyncs};
    for (uint64_t seed = 1; seed <= 5; ++seed) {
        SCOPED_TRACE(fmt::format("seed {}", seed));
        const auto fail_at = [seed](std::shared_ptr<FaultPlan> plan) {
            ShardHarness harness({.seed = seed, .partitions = 2});
            ASSERT_TRUE(harness.create());
            harness.produce(20);
            harness.node().disk().arm(std::move(plan));
            int ended = 0;
            for (int i = 0; i < 2; ++i) {
                harness.node().spawn(0, checkpoint_shard(harness.shard(), &ended));
            }
            ASSERT_TRUE(harness.world().run_until([&] { return ended == 2; }, {.steps = 200'000}));
            harness.node().disk().arm(nullptr);
            harness.crash(CrashKind::power_loss);
            harness.restart();
            Error error{Errc::io_failed};
            ASSERT_TRUE(harness.recover(&error)) << describe(error);
            EXPECT_EQ(harness.shard()->counters().damaged_partitions, 0U);
            ASSERT_EQ(harness.verify(), "");
        };
        const auto result = simulation::for_each_fault(sweep, fail_at);
        ASSERT_FALSE(HasFailure());
        EXPECT_GT(result.faults, 1U);
    }
}

}  // namespace
}  // namespace ringlog::engine::test

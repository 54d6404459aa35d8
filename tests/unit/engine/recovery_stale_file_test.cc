// A journal file that a start set aside keeps its generation until it is recycled, so it may stand
// between two files of the log: between the active one and the spares.
#include <gtest/gtest.h>

#include "engine/recovery.h"
#include "tests/simulation/sweep.h"
#include "tests/support/journal_samples.h"
#include "tests/support/shard_harness.h"

namespace ringlog::engine::test {
namespace {

using simulation::CrashKind;
using simulation::DiskEffect;
using simulation::FaultPlan;

TEST(RecoveryStaleFile, TheLogGoesOnBehindAFileThatWasSetAside) {
    JournalImage image;
    image.add_file(Generation(5));
    image.add_frame(frame_of("one", 0));
    image.add_frame(frame_of("two", 1));
    image.add_file(Generation(6));  // stale: zeros, or torn
    image.add_file(Generation(8));
    image.add_frame(frame_of("three, acked", 2));
    const auto views = image.views();
    const RecoveryPlan plan = plan_recovery(image.journal(), checkpoint_after(0, 5), views);
    EXPECT_EQ(plan.frames.size(), 3U);
    EXPECT_FALSE(plan.gap);
    EXPECT_EQ(plan.resume.last, Sequence(3));
}

// Method: any write fails, which closes the journal; the start behind it sets three files aside, of
// which two become spares again and the third stays between. Then enough appends to go over to the
// next file, and a kill.
TEST(RecoveryStaleFile, NothingIsLostBehindAFileThatWasSetAside) {
    for (const uint64_t acks : {4, 8, 16}) {
        const auto result = simulation::for_each_fault(
            {.effects = {DiskEffect::error}, .kinds = simulation::kWrites, .limit = 2'000},
            [acks](std::shared_ptr<FaultPlan> plan) {
                ShardHarness harness({.seed = 3, .partitions = 2});
                ASSERT_TRUE(harness.create());
                harness.node().disk().arm(std::move(plan));
                harness.produce(100);
                harness.node().disk().arm(nullptr);
                harness.crash(CrashKind::power_loss);
                for (int life = 0; life < 3; ++life) {
                    harness.restart();
                    Error error{Errc::io_failed};
                    ASSERT_TRUE(harness.recover(&error)) << describe(error) << " at life " << life;
                    ASSERT_EQ(harness.shard()->counters().damaged_partitions, 0U) << life;
                    ASSERT_EQ(harness.verify(), "") << life;
                    harness.produce_and_crash(acks, CrashKind::kill);
                }
            });
        EXPECT_GT(result.faults, 10U);
    }
}

}  // namespace
}  // namespace ringlog::engine::test

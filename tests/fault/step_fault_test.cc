// Goal: a checkpoint, a clean stop, reads of a client and the reads of a start, each with any
// single disk operation of it failing, lose nothing that was acked and say nothing that is not so.
// Method: as in journal_fault_test.cc, over little data: these are few operations.
#include <gtest/gtest.h>

#include "tests/fault/restarts.h"
#include "tests/simulation/sweep.h"
#include "tests/support/shard_harness.h"

namespace ringlog::engine::test {
namespace {

using simulation::CrashKind;
using simulation::DiskEffect;
using simulation::FaultPlan;

constexpr simulation::DiskOps kAllReads = simulation::kReads | simulation::kFsReads;

simulation::SweepOptions any_change() {
    return {.effects = {DiskEffect::error, DiskEffect::torn, DiskEffect::short_io,
                        DiskEffect::no_space, DiskEffect::power_loss, DiskEffect::kill}};
}

TEST(StepFault, ACheckpointLosesNothing) {
    const auto result =
        simulation::for_each_fault(any_change(), [](std::shared_ptr<FaultPlan> plan) {
            ShardHarness harness({.seed = 21, .partitions = 2});
            ASSERT_TRUE(harness.create());
            harness.produce(30);
            harness.node().disk().arm(std::move(plan));
            (void)harness.node().run(0, harness.shard()->checkpoint());
            expect_everything_after_restarts(harness, CrashKind::power_loss);
        });
    EXPECT_GT(result.faults, 30U);
}

TEST(StepFault, ACleanStopLosesNothing) {
    const auto result =
        simulation::for_each_fault(any_change(), [](std::shared_ptr<FaultPlan> plan) {
            ShardHarness harness({.seed = 22, .partitions = 2});
            ASSERT_TRUE(harness.create());
            harness.produce(30);
            harness.node().disk().arm(std::move(plan));
            (void)harness.close(true);
            expect_everything_after_restarts(harness, CrashKind::power_loss);
        });
    EXPECT_GT(result.faults, 30U);
}

// A device that took a part of a write and fails the rest: the frame is not half there.
TEST(StepFault, AShortWriteWhoseRestFailsIsNoFrame) {
    const simulation::SweepOptions sweep{.effects = {DiskEffect::short_io},
                                         .kinds = simulation::kWrites};
    const auto result = simulation::for_each_fault(sweep, [](std::shared_ptr<FaultPlan> plan) {
        ShardHarness harness({.seed = 23, .partitions = 2});
        ASSERT_TRUE(harness.create());
        simulation::SimDisk& disk = harness.node().disk();
        disk.arm(plan);
        harness.world().set_check([&disk, plan, armed = false]() mutable {
            if (plan->fired() && !armed) {
                armed = true;
                disk.arm({.effect = DiskEffect::error, .kinds = simulation::kWrites});
            }
        });
        harness.produce(30);
        harness.world().set_check(nullptr);
        expect_everything_after_restarts(harness, CrashKind::power_loss);
    });
    EXPECT_GT(result.faults, 10U);
}

// Everything is in segments: each read of it is right or fails, and the next one is right.
TEST(StepFault, AFailedReadOfASegmentIsAnErrorAndNoMore) {
    const simulation::SweepOptions sweep{.effects = {DiskEffect::error, DiskEffect::short_io},
                                         .kinds = kAllReads};
    const auto result = simulation::for_each_fault(sweep, [](std::shared_ptr<FaultPlan> plan) {
        ShardHarness harness({.seed = 24, .partitions = 2});
        ASSERT_TRUE(harness.create());
        harness.produce(60);
        ASSERT_TRUE(harness.close(true));
        harness.restart();
        ASSERT_TRUE(harness.recover());
        const bool fails = plan->fault().effect == DiskEffect::error;
        harness.node().disk().arm(std::move(plan));
        const std::string problem = harness.verify();
        EXPECT_TRUE(problem.empty() || (fails && problem.find("io_failed") != std::string::npos))
            << problem;
        harness.node().disk().arm(nullptr);
        EXPECT_EQ(harness.verify(), "");
    });
    EXPECT_GT(result.faults, 10U);
}

// A read error at a start is never a silent cut: the start refuses, or finds everything, or says
// what is damaged; and what it did not find is not overwritten unsaid.
TEST(StepFault, AFailedReadOfAStartIsNeverASilentCut) {
    const simulation::SweepOptions sweep{.effects = {DiskEffect::error, DiskEffect::short_io},
                                         .kinds = kAllReads};
    uint64_t refused = 0;
    uint64_t damaged = 0;
    const auto result = simulation::for_each_fault(sweep, [&](std::shared_ptr<FaultPlan> plan) {
        ShardHarness harness({.seed = 25, .partitions = 2});
        ASSERT_TRUE(harness.create());
        harness.produce(60);
        harness.crash(CrashKind::power_loss);
        harness.restart();
        harness.node().disk().arm(std::move(plan));
        bool reported = false;
        for (int start = 0; start < 2; ++start) {
            SCOPED_TRACE(fmt::format("start {}", start));
            const bool started = harness.recover();
            harness.node().disk().arm(nullptr);
            refused += started ? 0 : 1;
            ASSERT_TRUE(started || start == 0);
            if (started) {
                const bool says = harness.shard()->counters().damaged_partitions > 0;
                ASSERT_TRUE(says || !reported) << "forgotten";
                reported = says;
                damaged += says ? 1 : 0;
                ASSERT_TRUE(says || harness.verify().empty()) << harness.verify();
            }
            harness.crash(CrashKind::kill);
            harness.restart();
        }
    });
    EXPECT_GT(result.faults, 3U);
    EXPECT_GT(refused + damaged, 0U);
}

}  // namespace
}  // namespace ringlog::engine::test

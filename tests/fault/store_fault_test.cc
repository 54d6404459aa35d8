// Goal: a change of the number of journals, and the removal of a partition, each with any single
// disk operation of it failing, leave everything that was acked, and end at the next start. Method:
// as in journal_fault_test.cc, over a data directory.
#include <gtest/gtest.h>

#include "tests/simulation/sweep.h"
#include "tests/support/directory_harness.h"

namespace ringlog::engine::test {
namespace {

using simulation::CrashKind;
using simulation::DiskEffect;
using simulation::FaultPlan;

class StoreFault : public ::testing::TestWithParam<DiskEffect> {
protected:
    static simulation::SweepOptions sweep() { return {.effects = {GetParam()}}; }
    /// One journal, some of whose data is in segments and some is not.
    static void fill(DirectoryHarness& harness) {
        ASSERT_TRUE(harness.open(1)) << harness.refusal();
        harness.produce(24);
    }
    /// The next start, with `journals`, finds everything and goes on.
    static void expect_start(DirectoryHarness& harness, CrashKind end, uint16_t journals) {
        harness.node().disk().arm(nullptr);
        harness.crash(end);
        harness.restart();
        ASSERT_TRUE(harness.open(journals)) << harness.refusal();
        ASSERT_EQ(harness.verify(), "");
        const uint64_t acked = harness.acked_count();
        harness.produce(4);
        ASSERT_GE(harness.acked_count(), acked + 4);
    }
};

TEST_P(StoreFault, ALayoutChangeLosesNothing) {
    const auto result = simulation::for_each_fault(sweep(), [](std::shared_ptr<FaultPlan> plan) {
        DirectoryHarness harness({.seed = 31});
        ASSERT_NO_FATAL_FAILURE(fill(harness));
        harness.crash(CrashKind::kill);
        harness.restart();
        harness.node().disk().arm(std::move(plan));
        (void)harness.open(2);  // it may fail or die: what counts is what the next start finds
        ASSERT_NO_FATAL_FAILURE(expect_start(harness, CrashKind::power_loss, 2));
        ASSERT_NO_FATAL_FAILURE(expect_start(harness, CrashKind::kill, 1));
    });
    EXPECT_GT(result.faults, 40U);
}

TEST_P(StoreFault, ARemovalEndsAndTouchesNobodyElse) {
    const auto result = simulation::for_each_fault(sweep(), [](std::shared_ptr<FaultPlan> plan) {
        DirectoryHarness harness({.seed = 32, .partitions = 2});
        ASSERT_NO_FATAL_FAILURE(fill(harness));
        harness.node().disk().arm(std::move(plan));
        (void)harness.remove(1);
        if (harness.node().up()) {
            harness.produce(10);
        }
        ASSERT_NO_FATAL_FAILURE(expect_start(harness, CrashKind::power_loss, 1));
        EXPECT_FALSE(harness.node().disk().exists("/data/places-1"));
        ASSERT_NO_FATAL_FAILURE(expect_start(harness, CrashKind::kill, 1));
    });
    EXPECT_GT(result.faults, 10U);
}

std::string name_of(const ::testing::TestParamInfo<DiskEffect>& info) {
    return simulation::effect_name(info.param);
}

INSTANTIATE_TEST_SUITE_P(Effects, StoreFault,
                         ::testing::Values(DiskEffect::error, DiskEffect::torn,
                                           DiskEffect::no_space, DiskEffect::power_loss,
                                           DiskEffect::kill),
                         name_of);

// Originals stay until the new layout is whole: a disk that fills up meanwhile refuses the start,
// which goes through when there is room again.
TEST(StoreFull, ALayoutChangeOnAFullDiskWaitsForRoom) {
    for (const uint64_t room : {0U, 20'000U, 100'000U, 200'000U, 400'000U}) {
        SCOPED_TRACE(fmt::format("room {}", room));
        DirectoryHarness harness({.seed = 33});
        ASSERT_TRUE(harness.open(1));
        harness.produce(24);
        harness.crash(CrashKind::kill);
        harness.restart();
        simulation::SimDisk& disk = harness.node().disk();
        disk.set_capacity(disk.used_bytes() + room);
        (void)harness.open(2);
        harness.crash(CrashKind::kill);
        harness.restart();
        disk.set_capacity(UINT64_MAX);
        ASSERT_TRUE(harness.open(2)) << harness.refusal();
        ASSERT_EQ(harness.verify(), "");
    }
}

}  // namespace
}  // namespace ringlog::engine::test

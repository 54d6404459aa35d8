// The start of a data directory that is new.
#include "engine/store.h"

#include <gtest/gtest.h>

#include "tests/simulation/sweep.h"
#include "tests/support/directory_harness.h"

namespace ringlog::engine::test {
namespace {

// The journal's directory is there before the manifest names it: what a crash leaves is known to be
// ours.
TEST(Store, ACrashInTheVeryFirstStartDoesNotRefuseTheNext) {
    const auto result = simulation::for_each_fault(
        {.effects = {simulation::DiskEffect::kill, simulation::DiskEffect::power_loss}},
        [](std::shared_ptr<simulation::FaultPlan> plan) {
            DirectoryHarness harness({.partitions = 1});
            harness.node().disk().arm(std::move(plan));
            const bool first = harness.open(1);
            harness.node().disk().arm(nullptr);
            harness.crash(simulation::CrashKind::kill);
            harness.restart();
            ASSERT_TRUE(harness.open(1)) << harness.refusal() << "; first start: " << first;
            EXPECT_EQ(harness.verify(), "");
        });
    EXPECT_GT(result.faults, 10U);
}

}  // namespace
}  // namespace ringlog::engine::test

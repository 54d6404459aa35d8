// Fault: the rename that makes a spare of a journal file that is not needed any more met a full
// disk. Wrong: the journal was closed for writing, for good, though a full disk heals; and because
// its failure was called no_space, whoever appended waited for room that could not come. A start in
// which it happened never ended, produces were never answered but by their time-out.
// Rule: a journal goes on with the files that it has while there is no room for another name.
#include <gtest/gtest.h>

#include "tests/simulation/sweep.h"
#include "tests/support/shard_harness.h"

namespace ringlog::engine::test {
namespace {

using simulation::DiskEffect;
using simulation::FaultPlan;

constexpr uint64_t kAcks = 150;

// Method: each operation on names in turn is refused once for want of space, while journal files
// are recycled.
TEST(Regression0008, AJournalGoesOnWhereANameIsRefusedForWantOfSpace) {
    const simulation::SweepOptions sweep{.effects = {DiskEffect::no_space},
                                         .kinds = simulation::kFsNames};
    const auto refuse_at = [](std::shared_ptr<FaultPlan> plan) {
        ShardHarness harness({.seed = 8, .partitions = 2});
        ASSERT_TRUE(harness.create());
        harness.node().disk().arm(std::move(plan));
        harness.produce(kAcks);
        harness.node().disk().arm(nullptr);
        EXPECT_FALSE(harness.shard()->journal().failure().has_value());
        EXPECT_GE(harness.acked_count(), kAcks);
        EXPECT_EQ(harness.verify(), "");
    };
    const auto result = simulation::for_each_fault(sweep, refuse_at);
    ASSERT_FALSE(HasFailure());
    EXPECT_GT(result.faults, 3U);
}

}  // namespace
}  // namespace ringlog::engine::test

// A frame follows only what it was written behind: its chain says so, where number, place and flags
// would all fit.
#include <gtest/gtest.h>

#include "engine/recovery.h"
#include "tests/support/journal_samples.h"

namespace ringlog::engine {
namespace {

TEST(RecoveryChain, AFenceOfALifeThatWasCutDoesNotFollowTheFenceInItsPlace) {
    JournalImage image;
    image.add_file(Generation(1));
    image.add_frame(frame_of("one", 0));
    const uint64_t chain = image.chain();
    const auto second = image.add_frame(frame_of("two", 1));
    image.add_frame(fence_of(22, 1));
    // A power loss took frame 2, so the next start cut there: its fence is frame 2 now, and the
    // place and the number behind it are those of the fence that the life before began with.
    image.rewind(second, chain);
    image.add_frame(fence_of(33, 1));
    const auto views = image.views();
    const RecoveryPlan plan = plan_recovery(image.journal(), checkpoint_after(0), views);
    ASSERT_EQ(plan.frames.size(), 2U);
    EXPECT_EQ(plan.frames.back().header.salt, 33U);
    EXPECT_EQ(plan.resume.last, Sequence(2));
    EXPECT_EQ(plan.findings.back().name, RecoveryCase::end_stale_life);
}

}  // namespace
}  // namespace ringlog::engine

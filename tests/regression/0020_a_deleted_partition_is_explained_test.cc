// Fault: a flushed frame is damaged. Behind the newest checkpoint's stop point stand entries of a
// partition that was deleted before the checkpoint's states were copied: no state, no `open`.
// Wrong: its batches counted as entries whose partition nobody knows, though its `remove` stands
// behind them: the start was refused until an operator accepted a loss that there was not.
// Rule: a `remove` explains what stands before it.
#include <gtest/gtest.h>

#include "engine/replay.h"
#include "tests/support/journal_samples.h"

namespace ringlog::engine::test {
namespace {

uint64_t unknown_entries(bool removed) {
    JournalImage image;
    image.add_file(Generation(1));
    image.add_frame(frame_of("before", 0));
    image.add_frame(batch_frame(0, 0, 1));
    const auto damaged = image.add_frame(frame_of("damaged", 2));
    JournalImage::Spec spec = batch_frame(1, batch_frame_bytes(), 3);
    if (removed) {
        FrameEntry remove;
        remove.partition = 7;
        remove.kind = EntryKind::remove;
        spec.entries.push_back(remove);
    }
    image.add_frame(spec);
    image.flip(damaged, 5);
    Checkpoint checkpoint = checkpoint_after(1);
    checkpoint.last_stamp = checkpoint.durable_through = Sequence(4);
    const auto views = image.views();
    const RecoveryPlan plan = plan_recovery(image.journal(), checkpoint, views);
    EXPECT_TRUE(plan.gap);
    EXPECT_EQ(plan.frames.size(), 2U);
    return replay(checkpoint, plan, 0).unknown_entries;
}

TEST(Regression0020, ARemoveExplainsWhatStandsBeforeIt) {
    EXPECT_EQ(unknown_entries(false), 2U);
    EXPECT_EQ(unknown_entries(true), 0U);
}

}  // namespace
}  // namespace ringlog::engine::test

// What a replay makes of the frames that recovery accepted. The rows of the table are in
// recovery_test.cc.
#include "engine/replay.h"

#include <gtest/gtest.h>

#include "engine/recovery.h"
#include "tests/support/journal_samples.h"

namespace ringlog::engine::test {
namespace {

// A batch that the checkpoint's state counts (its frame is at or below the stamp) but whose bytes
// only the journal had is lost. A later batch fits the log end, which the state knew: that proves
// nothing of the hole.
TEST(Replay, ALaterBatchDoesNotProveALogThatLostBytesWhichTheCheckpointCounted) {
    JournalImage image;
    image.add_file(Generation(1));
    const uint64_t bytes = batch_frame_bytes();
    image.add_frame(batch_frame(0, 0, 0));
    const auto lost = image.add_frame(batch_frame(1, bytes, 1));
    image.add_frame(batch_frame(2, 2 * bytes, 2));
    image.add_frame(batch_frame(3, 3 * bytes, 3));
    // A fuzzy checkpoint: frame 1 is in synced segments, the state was taken behind frame 3.
    Checkpoint checkpoint = checkpoint_after(1);
    checkpoint.last_stamp = Sequence(3);
    checkpoint.durable_through = Sequence(3);
    PartitionState state;
    state.number = PartitionNumber(7);
    state.id = {.topic = "t", .partition = 0};
    state.stamp = Sequence(3);
    state.leader_epoch = LeaderEpoch(0);
    state.log_end_offset = 3;
    state.segments = {{.base_offset = 0, .bytes = 3 * bytes, .max_timestamp = 1000}};
    state.destaged_bytes = bytes;
    checkpoint.partitions.push_back(state);
    for (const bool header : {true, false}) {
        SCOPED_TRACE(header ? "header lost" : "payload lost");
        image.flip(lost, header ? 5 : kFrameHeaderBytes + 70);
        const auto views = image.views();
        const RecoveryPlan plan = plan_recovery(image.journal(), checkpoint, views);
        ASSERT_TRUE(plan.gap);
        const ReplayOutcome outcome = replay(checkpoint, plan, 0);
        EXPECT_EQ(outcome.partitions.at(PartitionNumber(7)).log.damage(), Damage::journal_gap);
        image.flip(lost, header ? 5 : kFrameHeaderBytes + 70);
    }
}

}  // namespace
}  // namespace ringlog::engine::test

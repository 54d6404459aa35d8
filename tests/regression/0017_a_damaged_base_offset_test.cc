// Fault: a bit of a flushed frame flipped in the base offset of a batch.
// Wrong: the frame's payload hash showed it, and each of its batches was judged by its CRC, which
// does not cover the base offset (nor the leader epoch). The batch was taken at the wrong offset:
// the log end jumped there, and every later batch, intact and acked, was dropped as being below it.
// Rule: in a damaged payload, a batch counts only if it is what the frame's table says.
#include <gtest/gtest.h>

#include "engine/replay.h"
#include "tests/support/journal_samples.h"

namespace ringlog::engine::test {
namespace {

ReplayOutcome replay_with_flip(size_t byte, bool flip) {
    JournalImage image;
    image.add_file(Generation(1));
    const uint64_t bytes = batch_frame_bytes();
    JournalImage::Spec first;
    FrameEntry open;
    open.partition = 7;
    open.kind = EntryKind::open;
    open.leader_epoch = 0;
    OpenPayload payload;
    payload.name_bytes = 1;
    const auto head = std::as_bytes(std::span(&payload, 1));
    first.payload.assign(head.begin(), head.end());
    first.payload.push_back(std::byte{'t'});
    open.length = static_cast<uint32_t>(first.payload.size());
    first.entries.push_back(open);
    image.add_frame(first);
    image.add_frame(batch_frame(0, 0, 1));
    const auto damaged = image.add_frame(batch_frame(1, bytes, 2));
    image.add_frame(batch_frame(2, 2 * bytes, 3));
    image.add_frame(batch_frame(3, 3 * bytes, 4));
    image.add_frame(batch_frame(4, 4 * bytes, 5));
    if (flip) {
        image.flip(damaged, kFrameHeaderBytes + byte);
    }
    const Checkpoint checkpoint = checkpoint_after(0);
    const auto views = image.views();
    const RecoveryPlan plan = plan_recovery(image.journal(), checkpoint, views);
    EXPECT_EQ(plan.gap, flip);
    return replay(checkpoint, plan, 0);
}

TEST(Regression0017, LaterBatchesStayWhereABaseOffsetIsDamaged) {
    EXPECT_EQ(replay_with_flip(0, false).partitions.at(PartitionNumber(7)).log.damage(),
              Damage::none);
    for (size_t byte = 0; byte < batch_frame_bytes(); ++byte) {
        SCOPED_TRACE(byte);
        const ReplayOutcome outcome = replay_with_flip(byte, true);
        const ReplayedPartition& partition = outcome.partitions.at(PartitionNumber(7));
        EXPECT_EQ(partition.log.damage(), Damage::journal_gap);
        EXPECT_EQ(partition.log.log_end_offset(), 5);
        EXPECT_EQ(partition.pieces.size(), 4U);
    }
}

}  // namespace
}  // namespace ringlog::engine::test

// Fault: a start kept of a batch that was split over frames only the pieces that its segment did
// not have yet. A checkpoint may find the destager in the middle of such a batch.
// Wrong: neither the segment nor the window had the batch whole, so that a consumer got nothing at
// its offsets until the destager came by, with everything of it on the disk and promised.
// Rule: what is in a segment counts by whole batches, at a start as in a life.
#include <gtest/gtest.h>

#include "engine/replay.h"
#include "tests/support/journal_samples.h"

namespace ringlog::engine {
namespace {

constexpr uint64_t kPieceBytes = 3000;

std::vector<std::byte> batch_of_two_pieces() {
    // Lengths are varints: the value is made longer until the batch fits.
    for (uint64_t bytes = 2 * kPieceBytes - 100;; ++bytes) {
        std::vector<std::byte> batch =
            test::BatchBuilder().record(1'700'000'000'000, std::string(bytes, 'x')).build();
        if (batch.size() == 2 * kPieceBytes) {
            return batch;
        }
    }
}

JournalImage::Spec piece_of(ByteView batch, uint16_t piece) {
    const ByteView bytes = batch.subspan(piece * kPieceBytes, kPieceBytes);
    JournalImage::Spec spec;
    spec.payload.assign(bytes.begin(), bytes.end());
    FrameEntry entry;
    entry.partition = 7;
    entry.kind = EntryKind::batch;
    entry.piece = piece;
    entry.bytes_left = piece == 0 ? kPieceBytes : 0;
    entry.segment_position = piece * kPieceBytes;
    entry.length = kPieceBytes;
    spec.entries.push_back(entry);
    return spec;
}

/// A checkpoint taken behind both frames, which says that `destaged_bytes` are in the segment.
Checkpoint checkpoint_with(uint64_t destaged_bytes) {
    Checkpoint checkpoint = checkpoint_after(0);
    checkpoint.last_stamp = Sequence(2);
    PartitionState state;
    state.number = PartitionNumber(7);
    state.id = {.topic = "words", .topic_id = {}, .partition = 0};
    state.stamp = Sequence(2);
    state.log_end_offset = 1;
    state.segments = {{.base_offset = 0, .bytes = 2 * kPieceBytes}};
    state.destaged_bytes = destaged_bytes;
    checkpoint.partitions.push_back(state);
    checkpoint.next_number = PartitionNumber(8);
    return checkpoint;
}

TEST(Regression0004, ABatchThatASegmentHoldsInPartStaysWholeInTheWindow) {
    JournalImage image;
    image.add_file(Generation(1));
    const std::vector<std::byte> batch = batch_of_two_pieces();
    image.add_frame(piece_of(batch, 0));
    image.add_frame(piece_of(batch, 1));
    const auto views = image.views();
    const auto pieces_kept = [&](uint64_t destaged_bytes) {
        const Checkpoint checkpoint = checkpoint_with(destaged_bytes);
        const RecoveryPlan plan = plan_recovery(image.journal(), checkpoint, views);
        const ReplayOutcome outcome = replay(checkpoint, plan, 0);
        return outcome.partitions.at(PartitionNumber(7)).pieces.size();
    };
    EXPECT_EQ(pieces_kept(0), 2U);
    EXPECT_EQ(pieces_kept(4096), 2U);  // a block that ends in the second piece
    EXPECT_EQ(pieces_kept(2 * kPieceBytes - 1), 2U);
    EXPECT_EQ(pieces_kept(2 * kPieceBytes), 0U);
}

}  // namespace
}  // namespace ringlog::engine

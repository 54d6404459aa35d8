// Fault: a power cut took the tail of a segment, but not the rows of its index files. What clients
// sent again went to other places and ended with the same timestamp. Wrong: the index files ended
// with the largest timestamp of the segment, so their times counted as complete, and a lookup went
// past a batch that only the new tail had. Rule: before a batch is written to a segment, the index
// files are cut before the first row of that offset or behind it.
#include <gtest/gtest.h>

#include "tests/unit/engine/segment_harness.h"

namespace ringlog::engine::test {
namespace {

constexpr size_t kKept = 40;
constexpr size_t kAll = 81;

/// Both tails are alike but for one batch in the middle.
void add_batches(ModelSegment& segment, size_t from, size_t to, WallMs middle) {
    for (size_t i = from; i < to; ++i) {
        Random random(i);
        WallMs timestamp = static_cast<WallMs>(1000 + 10 * i);
        if (i >= kKept) {
            timestamp = i + 1 == kAll ? 9000 : 5000;
        }
        segment.add(random, 1500, i == kKept + 20 ? middle : timestamp);
    }
}

// Method: one life writes kAll batches and stops. The next finds the first kKept of them in the
// log, writes another tail, and forgets its index without having read the files; then every
// timestamp is looked up.
TEST(Regression0013, BatchesThatOnlyTheNewTailHasAreFoundByTime) {
    Random random(13);
    StoreHarness harness(13);
    const TopicPartition id{.topic = "t", .partition = 0};
    ModelSegment lost(0);
    add_batches(lost, 0, kAll, 5000);
    harness.destage(id, lost, random);
    harness.reopen();

    ModelSegment segment(0);
    add_batches(segment, 0, kAll, 8000);
    const IndexedBatch& first = segment.batches()[kKept].place;
    const uint64_t from = round_down(first.position, kBlockBytes);
    ASSERT_TRUE(harness.run(harness.store().write(
        id, 0, from, ByteView(segment.image()).subspan(from), first.base_offset)));
    for (size_t i = kKept; i < kAll; ++i) {
        harness.store().index(id, 0, segment.batches()[i].place);
    }
    harness.run(harness.store().evict(id));
    harness.expect_every_timestamp(id, segment);
    harness.expect_every_offset(id, segment, 3000);
}

}  // namespace
}  // namespace ringlog::engine::test

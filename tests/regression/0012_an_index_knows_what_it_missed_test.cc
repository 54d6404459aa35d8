// Fault: a lookup by time that began before some batches were destaged loaded the sparse index up
// to where the file had ended then; the index in memory that knew those batches had just been
// dropped. Wrong: the next batch that was told went behind the loaded ones, nothing marked the
// batches between as missing, and the times counted as complete: a later lookup went past a batch
// that reached its timestamp. Rule: times are complete only if every batch follows on the one
// before it.
#include <gtest/gtest.h>

#include "tests/unit/engine/segment_harness.h"

namespace ringlog::engine::test {
namespace {

constexpr size_t kPart = 40;

// Method: three parts of batches; the middle one has the largest timestamps. It is told and its
// index dropped, a lookup of the first part loads that one, the last part is told; then every
// timestamp is looked up.
TEST(Regression0012, BatchesThatAnIndexMissedAreFoundByTime) {
    Random random(12);
    ModelSegment segment(0);
    SegmentState first_part;
    for (size_t i = 0; i < 3 * kPart; ++i) {
        const bool middle = i >= kPart && i < 2 * kPart;
        segment.add(random, 1500, static_cast<int64_t>((middle ? 9000 : 1000) + 10 * i));
        if (i + 1 == kPart) {
            first_part = segment.state();
        }
    }
    StoreHarness harness(12);
    SegmentStore& store = harness.store();
    const TopicPartition id{.topic = "t", .partition = 0};
    ASSERT_TRUE(harness.run(store.create_partition(id)));
    ASSERT_TRUE(harness.run(store.write(id, 0, 0, segment.image(), 0)));
    const auto tell = [&](size_t from, size_t to) {
        for (size_t i = from; i < to; ++i) {
            store.index(id, 0, segment.batches()[i].place);
        }
    };
    tell(kPart, 2 * kPart);
    harness.run(store.evict(id));
    ASSERT_TRUE(harness.run(store.find_timestamp(id, first_part, 1100, first_part.bytes)));
    tell(2 * kPart, 3 * kPart);
    for (WallMs timestamp = 1000; timestamp <= segment.state().max_timestamp; timestamp += 50) {
        const auto right = std::ranges::find_if(segment.batches(), [&](const ModelBatch& batch) {
            return batch.place.max_timestamp >= timestamp;
        });
        const auto found =
            harness.run(store.find_timestamp(id, segment.state(), timestamp, UINT64_MAX));
        ASSERT_TRUE(found) << timestamp;
        ASSERT_EQ(found->base_offset, right->place.base_offset) << timestamp;
    }
}

}  // namespace
}  // namespace ringlog::engine::test

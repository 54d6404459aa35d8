// What segments alone tell of partitions: see engine/rebuild.h.
#include "engine/rebuild.h"

#include <gtest/gtest.h>

#include "tests/support/shard_harness.h"

namespace ringlog::engine {
namespace {

using test::ShardHarness;

/// What rebuild_states() cannot know, or says on purpose.
PartitionState comparable(PartitionState state) {
    state.number = PartitionNumber(0);
    state.stamp = Sequence(0);
    state.damage = Damage::none;
    for (SegmentState& segment : state.segments) {
        segment.created_ms = 0;
    }
    return state;
}

std::vector<PartitionState> rebuilt(ShardHarness& harness, JournalPlace place) {
    return harness.node()
        .run(0, rebuild_states(harness.node().reactor(), "/data", place))
        .value()
        .value();
}

// Goal: after a clean stop nothing is lost with the journal.
TEST(Rebuild, SegmentsOfACleanStopTellWhatTheCheckpointKnew) {
    ShardHarness harness({.partitions = 3});
    ASSERT_TRUE(harness.create());
    harness.produce(400);
    const std::vector<PartitionState> known = harness.shard()->states();
    ASSERT_TRUE(harness.close(true));
    harness.restart();
    const std::vector<PartitionState> found = rebuilt(harness, {});
    ASSERT_EQ(found.size(), known.size());
    for (const PartitionState& state : known) {
        const auto same = std::ranges::find(found, state.id, &PartitionState::id);
        ASSERT_NE(same, found.end());
        EXPECT_EQ(same->damage, Damage::journal_gap);
        EXPECT_GT(same->segments.size(), 1U);
        PartitionState expected = comparable(state);
        expected.destaging_base_offset = expected.segments.back().base_offset;
        expected.destaged_bytes = expected.segments.back().bytes;
        EXPECT_EQ(comparable(*same), expected);
    }
}

TEST(Rebuild, ABatchThatDoesNotHoldEndsItsSegment) {
    ShardHarness harness({.partitions = 1});
    ASSERT_TRUE(harness.create());
    harness.produce(300);
    ASSERT_TRUE(harness.close(true));
    harness.restart();
    const std::vector<PartitionState> whole = rebuilt(harness, {});
    const SegmentState& last = whole.front().segments.back();
    const std::string path = "/data/words-0/" + segment_file_name(last.base_offset, ".log");
    harness.node().disk().file(path).flip_bit(last.bytes - 1, 3);
    const std::vector<PartitionState> cut = rebuilt(harness, {});
    ASSERT_EQ(cut.size(), 1U);
    EXPECT_LT(cut.front().log_end_offset, whole.front().log_end_offset);
    EXPECT_EQ(cut.front().segments.size(), whole.front().segments.size());
    EXPECT_LT(cut.front().destaged_bytes, last.bytes);
}

TEST(Rebuild, EachJournalGetsItsPartitions) {
    ShardHarness harness({.partitions = 6});
    ASSERT_TRUE(harness.create());
    harness.produce(200);
    ASSERT_TRUE(harness.close(true));
    harness.restart();
    size_t all = 0;
    for (size_t place = 0; place < 3; ++place) {
        all += rebuilt(harness, {.place = place, .count = 3}).size();
    }
    EXPECT_EQ(all, 6U);
}

}  // namespace
}  // namespace ringlog::engine

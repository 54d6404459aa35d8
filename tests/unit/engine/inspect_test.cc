// What an operator is told about damage: see engine/inspect.h.
#include "engine/inspect.h"

#include <gtest/gtest.h>

#include "tests/support/shard_harness.h"

namespace ringlog::engine {
namespace {

using test::HarnessOptions;
using test::ShardHarness;

std::vector<OffsetRange> missing(ShardHarness& harness) {
    Partition* const partition = harness.shard()->find(harness.topic_id(), 0);
    return harness.node().run(0, find_missing_offsets(*partition)).value();
}

/// A log whose records all stand in segments, and nothing of it in memory.
void fill(ShardHarness& harness) {
    ASSERT_TRUE(harness.create());
    harness.produce(300);
    ASSERT_TRUE(harness.close(true));
    harness.restart();
    ASSERT_TRUE(harness.recover());
}

TEST(Inspect, NothingIsMissingOfAWholeLog) {
    ShardHarness harness({.partitions = 1});
    fill(harness);
    EXPECT_TRUE(missing(harness).empty());
    harness.produce(50);
    EXPECT_TRUE(missing(harness).empty()) << "with records in the window";
}

// Method: one bit of one batch in a segment is wrong; the range must hold that batch and end before
// what can be read again.
TEST(Inspect, ABatchThatCannotBeReadIsARange) {
    ShardHarness harness({.partitions = 1});
    fill(harness);
    simulation::SimDisk& disk = harness.node().disk();
    const std::string path = "/data/words-0/00000000000000000000.log";
    const std::vector<std::byte> bytes = disk.read_all(path);
    uint64_t at = 0;
    for (int i = 0; i < 10; ++i) {
        at += decode_batch_header(ByteView(bytes).subspan(at))->total_bytes;
    }
    const auto victim = decode_batch_header(ByteView(bytes).subspan(at));
    disk.file(path).flip_bit(at + kBatchHeaderBytes, 3);
    const auto ranges = missing(harness);
    ASSERT_EQ(ranges.size(), 1U);
    EXPECT_EQ(ranges.front().begin, victim->base_offset);
    EXPECT_GT(ranges.front().end, victim->last_offset());
    Partition* const partition = harness.shard()->find(harness.topic_id(), 0);
    EXPECT_LT(ranges.front().end, partition->log_end_offset());
    const auto again =
        harness.node().run(0, partition->read(ranges.front().end, 1, partition->log_end_offset()));
    EXPECT_TRUE(again.has_value() && again->has_value());
}

TEST(Inspect, AWholeJournalHasNothingUnexplained) {
    ShardHarness harness({.partitions = 1});
    ASSERT_TRUE(harness.create());
    harness.produce(20);
    harness.crash(simulation::CrashKind::kill);
    harness.restart();
    const auto inspection =
        harness.node().run(0, inspect_journal(harness.node().reactor(), "/data", JournalId(0)));
    ASSERT_TRUE(inspection.has_value() && inspection->has_value());
    EXPECT_FALSE((*inspection)->refused);
    EXPECT_EQ((*inspection)->unknown_entries, 0U);
    EXPECT_FALSE((*inspection)->findings.empty());
    ASSERT_TRUE(harness.recover());
    EXPECT_EQ(harness.verify(), "");
}

}  // namespace
}  // namespace ringlog::engine

// Room in window and journal is never all taken by those who cannot give it back: unfinished large
// batches, entries that make room, readers. See docs/journal.md, "Room".
#include <gtest/gtest.h>

#include "engine/window.h"
#include "tests/support/shard_harness.h"

namespace ringlog::engine::test {
namespace {

// Pieces of a large batch that is not whole cannot be destaged, and pin the window, which is first
// in, first out: were all of it spanned by unfinished ones, none would get room for its next piece.
TEST(Room, ManyLargeBatchesAtOnceDoNotStopTheShardForEver) {
    ShardHarness harness({.seed = 1, .partitions = 32, .batch_bytes_max = 60'000});
    ASSERT_TRUE(harness.create());
    harness.produce(300);
    EXPECT_GE(harness.acked_count(), 300U);
}

// `max.message.bytes` may be raised beyond what the window holds.
TEST(Room, ABatchLargerThanTheWindowIsAppendedOrRefusedAndDoesNotStopTheShard) {
    ShardHarness harness({.seed = 1, .partitions = 2, .large_bytes = 700'000});
    ASSERT_TRUE(harness.create());
    harness.produce(300);
    EXPECT_GE(harness.acked_count(), 300U);
}

// To free one chunk, one `tail` of up to a block is journaled for each partition in it, into the
// same window and the same journal.
TEST(Room, TailsOfManySmallPartitionsFitTheReserve) {
    ShardHarness harness(
        {.seed = 1, .partitions = 600, .batch_bytes_max = 100, .large_bytes = 100});
    ASSERT_TRUE(harness.create());
    harness.produce(5'000);
    EXPECT_GE(harness.acked_count(), 5'000U);
}

// Many partitions with a partial block each, for long, over several checkpoints and a kill.
TEST(Room, ManySmallPartitionsGoOnOverCheckpointsAndAKill) {
    ShardHarness harness(
        {.seed = 1, .partitions = 400, .batch_bytes_max = 100, .large_bytes = 100});
    ASSERT_TRUE(harness.create());
    harness.produce(12'000);
    EXPECT_GE(harness.acked_count(), 12'000U);
    harness.crash(simulation::CrashKind::kill);
    harness.restart();
    ASSERT_TRUE(harness.recover());
    EXPECT_EQ(harness.verify(), "");
}

struct NoObserver final : WindowObserver {
    void on_chunk_recycled(const Chunk&) override {}
};

// Readers may hold what they like of what was recycled, and no more than the spares replace:
// producers never wait for a reader that may never come back.
TEST(Room, ReadersNeverTakeTheRoomOfProducers) {
    simulation::SimWorld world(1);
    auto& node = world.add_node({});
    NoObserver observer;
    Window window(node.reactor(), {.bytes = 64 << 16, .chunk_bytes = 1 << 16, .spare_chunks = 8},
                  observer);
    std::vector<Slice> held;
    for (int i = 0; i < 1000; ++i) {
        ASSERT_TRUE(window.advance(false)) << "chunk " << i << ", readers hold " << held.size();
        Chunk& chunk = *window.current();
        chunk.used = chunk.bytes;
        if (window.may_pin(chunk)) {
            held.emplace_back(chunk, ByteView(chunk.data, 4096));
        }
    }
    held.clear();
}

}  // namespace
}  // namespace ringlog::engine::test

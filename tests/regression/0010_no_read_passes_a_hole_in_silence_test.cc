// Fault: a frame below what is known to be flushed was damaged, and its batches were lost.
// Wrong: the partition was read-only and said so, but a reader at the first lost offset was given
// what stands behind the hole, and a reader before it both sides in one answer: records were
// skipped without a word.
// Rule: damage is never passed over in silence. A read ends before the hole, and one at it fails
// with corrupt_batch until the operator accepts the loss.
#include <gtest/gtest.h>

#include "engine/frame.h"
#include "tests/support/shard_harness.h"

namespace ringlog::engine::test {
namespace {

using simulation::CrashKind;

/// What a read at `offset` gives: the first batch's base offset, or an error.
io::Task<Result<int64_t>> read_at(Partition* partition, int64_t offset) {
    auto data = co_await partition->read(offset, 1 << 20, partition->high_watermark());
    if (!data) {
        co_return fail(data.error());
    }
    const std::vector<std::byte> bytes = data->to_bytes();
    int64_t expected = -1;
    for (size_t at = 0; at < bytes.size();) {
        const auto header = decode_batch_header(ByteView(bytes).subspan(at));
        EXPECT_TRUE(header.has_value());
        EXPECT_TRUE(at == 0 || header->base_offset == expected) << "a hole within one answer";
        expected = header->last_offset() + 1;
        at += header->total_bytes;
    }
    co_return decode_batch_header(bytes)->base_offset;
}

struct Reads {
    int good = 0;
    int refused = 0;
    int passed_a_hole = 0;
};

Reads read_everywhere(ShardHarness& harness, Partition* partition) {
    Reads reads;
    for (int64_t offset = 0; offset < partition->high_watermark(); ++offset) {
        const auto first = harness.node().run(0, read_at(partition, offset));
        if (!first->has_value()) {
            EXPECT_EQ(first->error().code, Errc::corrupt_batch);
            ++reads.refused;
        } else {
            ++(**first <= offset ? reads.good : reads.passed_a_hole);
        }
    }
    return reads;
}

TEST(Regression0010, NoReadPassesAHoleBeforeItIsAccepted) {
    ShardHarness harness({.seed = 3, .partitions = 1, .batch_bytes_max = 200, .large_bytes = 200});
    ASSERT_TRUE(harness.create());
    harness.produce(12);
    harness.crash(CrashKind::kill);
    // Small batches, a frame of one block each. The eighth holds one of them.
    harness.node()
        .disk()
        .file("/data/journal.0/00000000000000000001.journal")
        .flip_bit(7 * kBlockBytes + kFrameHeaderBytes + 20, 3);
    harness.restart();
    ASSERT_TRUE(harness.recover());
    ASSERT_EQ(harness.shard()->counters().damaged_partitions, 1U);
    Partition* partition = harness.shard()->find(harness.topic_id(), 0);

    const Reads before = read_everywhere(harness, partition);
    EXPECT_GT(before.good, 5);
    EXPECT_GT(before.refused, 0);
    EXPECT_EQ(before.passed_a_hole, 0);

    partition->accept_damage();
    const Reads after = read_everywhere(harness, partition);
    EXPECT_EQ(after.good, before.good);
    EXPECT_EQ(after.refused, 0);
    EXPECT_EQ(after.passed_a_hole, before.refused);
}

}  // namespace
}  // namespace ringlog::engine::test

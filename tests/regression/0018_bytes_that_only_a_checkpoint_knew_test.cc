// Fault: flushed frames are damaged that stand between the stop point of the newest checkpoint and
// its stamp. Their batches are in the checkpoint's state, but their bytes were in the journal
// alone. Wrong: the state kept its segment as long as it had been. If later batches followed there,
// the destager wrote the hole between as whatever its buffer held: batches of other partitions,
// perhaps at their old places. If a new segment followed, the destager waited for bytes that nobody
// had, asking again and again without a pause: the start never ended. Rule: where bytes are lost,
// segments are what there is. Behind a hole begins another one.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "engine/checkpoint.h"
#include "engine/frame.h"
#include "engine/journal_files.h"
#include "tests/support/shard_harness.h"

namespace ringlog::engine::test {
namespace {

using simulation::CrashKind;
/// Number of a partition and base offset.
using BatchName = std::pair<uint32_t, int64_t>;

io::Task<Result<void>> checkpoint_shard(Shard* shard) {
    co_return co_await shard->checkpoint();
}
io::Task<void> begin_checkpoint(Shard* shard, bool* ended) {
    EXPECT_TRUE(co_await shard->checkpoint());
    *ended = true;
}

Checkpoint newest_checkpoint(simulation::SimDisk& disk) {
    Checkpoint newest;
    for (const char* slot : {"/data/checkpoint-0.0", "/data/checkpoint-0.1"}) {
        auto decoded = decode_checkpoint(disk.read_all(slot), JournalId(0));
        if (decoded && decoded->number > newest.number) {
            newest = std::move(*decoded);
        }
    }
    return newest;
}

/// Destroys the headers of all frames in (after, through]; the batches in them.
std::set<BatchName> destroy_frames(simulation::SimDisk& disk, Sequence after, Sequence through) {
    std::set<BatchName> batches;
    for (const std::string& name : disk.list_tree()) {
        const Generation generation = journal_file_generation(name.substr(name.rfind('/') + 1));
        if (generation.value() == 0) {
            continue;
        }
        const auto bytes = disk.read_all(name);
        for (uint64_t at = 0; at < bytes.size(); at += kBlockBytes) {
            const FrameCheck frame =
                check_frame(ByteView(bytes).subspan(at), {JournalId(0), generation, at});
            const Sequence sequence(frame.header.sequence);
            if (frame.finding != FrameFinding::valid || sequence <= after || sequence > through) {
                continue;
            }
            for (const FrameEntry& entry : frame.entries) {
                if (entry.kind == EntryKind::batch) {
                    batches.insert({entry.partition, entry.base_offset});
                }
            }
            disk.file(name).flip_bit(at + 3, 3);
        }
    }
    return batches;
}

/// Every batch that can be read, by base offset; where a read fails or finds nothing, from the next
/// offset on.
io::Task<std::map<int64_t, std::vector<std::byte>>> read_what_there_is(Partition* partition) {
    std::map<int64_t, std::vector<std::byte>> batches;
    for (int64_t offset = 0; offset < partition->high_watermark();) {
        auto data = co_await partition->read(offset, 10'000, partition->high_watermark());
        if (!data) {
            EXPECT_EQ(data.error().code, Errc::corrupt_batch);
        }
        const std::vector<std::byte> bytes = data ? data->to_bytes() : std::vector<std::byte>();
        ++offset;
        for (size_t at = 0; at < bytes.size();) {
            const auto header = verify_stored_batch(ByteView(bytes).subspan(at));
            EXPECT_TRUE(header.has_value());
            const auto* begin = bytes.data() + at;
            batches[header->base_offset].assign(begin, begin + header->total_bytes);
            offset = header->last_offset() + 1;
            at += header->total_bytes;
        }
    }
    co_return batches;
}

/// Everything acked but `lost` can be read, as it was sent, at its offset; and nothing else.
void expect_all_but(ShardHarness& harness, const std::set<BatchName>& lost) {
    for (int32_t p = 0; p < 2; ++p) {
        Partition* partition = harness.shard()->find(harness.topic_id(), p);
        const auto found = *harness.node().run(0, read_what_there_is(partition));
        size_t expected = 0;
        for (const SentBatch& sent : harness.sent()[p]) {
            if (sent.base_offset < 0 ||
                lost.contains({partition->number().value(), sent.base_offset})) {
                continue;
            }
            ++expected;
            const auto at = found.find(sent.base_offset);
            ASSERT_NE(at, found.end()) << "offset " << sent.base_offset << " of " << p;
            EXPECT_TRUE(std::ranges::equal(ByteView(at->second).subspan(batch_field::kCrc),
                                           ByteView(sent.bytes).subspan(batch_field::kCrc)))
                << "offset " << sent.base_offset << " of " << p;
        }
        EXPECT_GT(expected, 10U);
    }
}

/// The largest timestamp is that of a record which is there: a segment that lost its end does not
/// keep what it knew.
void expect_largest_timestamp(ShardHarness& harness) {
    for (int32_t p = 0; p < 2; ++p) {
        Partition* partition = harness.shard()->find(harness.topic_id(), p);
        WallMs largest = -1;
        const auto there = *harness.node().run(0, read_what_there_is(partition));
        for (const auto& [offset, bytes] : there) {
            largest = std::max(largest, decode_batch_header(bytes)->max_timestamp);
        }
        const auto found = *harness.node().run(0, partition->find_max_timestamp());
        ASSERT_TRUE(found);
        EXPECT_EQ(found->timestamp, largest);
        WallMs known = -1;
        for (const SegmentState& segment : partition->log().segments()) {
            known = std::max(known, segment.max_timestamp);
        }
        EXPECT_EQ(known, largest);
    }
}

/// Adds how many partitions were found damaged to `damaged`.
void lose_frames_and_go_on(uint64_t seed, uint64_t beyond_stamp, bool to_the_end,
                           uint64_t& damaged) {
    ShardHarness harness(
        {.seed = seed, .partitions = 2, .batch_bytes_max = 300, .large_bytes = 300});
    ASSERT_TRUE(harness.create());
    harness.produce(40);
    bool ended = false;
    harness.node().spawn(0, begin_checkpoint(harness.shard(), &ended));
    while (!ended) {
        harness.produce(1);
    }
    harness.produce(to_the_end ? 0 : 40);
    harness.crash(CrashKind::kill);
    auto& disk = harness.node().disk();
    const Checkpoint checkpoint = newest_checkpoint(disk);
    const Sequence stamp = checkpoint.partitions.front().stamp;
    const Sequence last(to_the_end ? UINT64_MAX : stamp.value() + beyond_stamp);
    const auto lost = destroy_frames(disk, checkpoint.replay_after, last);
    ASSERT_GT(lost.size(), 1U);
    harness.restart();
    Error error{Errc::io_failed};
    ASSERT_TRUE(harness.recover(&error)) << describe(error);
    damaged += harness.shard()->counters().damaged_partitions;
    expect_all_but(harness, lost);
    for (int32_t p = 0; p < 2; ++p) {
        harness.shard()->find(harness.topic_id(), p)->accept_damage();
    }
    expect_largest_timestamp(harness);
    harness.produce(40);
    ASSERT_TRUE(*harness.node().run(0, checkpoint_shard(harness.shard())));
    expect_all_but(harness, lost);
    ASSERT_TRUE(harness.close(true));
    harness.restart();
    ASSERT_TRUE(harness.recover(&error)) << describe(error);
    EXPECT_EQ(harness.shard()->counters().damaged_partitions, 0U);
    expect_all_but(harness, lost);
}

TEST(Regression0018, ALostPartOfASegmentIsNotInvented) {
    uint64_t damaged = 0;
    for (uint64_t seed = 1; seed <= 8; ++seed) {
        for (const uint64_t beyond : {0, 1, 5}) {
            SCOPED_TRACE(fmt::format("seed {}, {} frames beyond the stamp", seed, beyond));
            lose_frames_and_go_on(seed, beyond, false, damaged);
        }
    }
    EXPECT_GT(damaged, 20U);
}

TEST(Regression0018, ALostEndOfALogIsNotInvented) {
    uint64_t damaged = 0;
    for (uint64_t seed = 1; seed <= 8; ++seed) {
        SCOPED_TRACE(seed);
        lose_frames_and_go_on(seed, 0, true, damaged);
    }
    EXPECT_GT(damaged, 5U);
}

}  // namespace
}  // namespace ringlog::engine::test

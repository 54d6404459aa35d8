// Findings of a review: each test here fails today for a defect that its comment names, unless it
// says PASSES. To be moved to tests/regression/ (or beside its subject) with the mend.
#include <gtest/gtest.h>

#include <cstdlib>

#include "engine/recovery.h"
#include "engine/replay.h"
#include "engine/store.h"
#include "tests/simulation/sweep.h"
#include "tests/support/journal_image.h"
#include "tests/support/shard_harness.h"
#include "tests/unit/engine/batch_builder.h"

namespace ringlog::engine::test {
namespace {

using simulation::CrashKind;
using simulation::DiskEffect;
using simulation::FaultPlan;

// pieces of unfinished large batches cannot be destaged, and pin the window, which is first in
// first out. When all of it is spanned by unfinished ones, none of them ever gets room for its next
// piece.
TEST(Review, ManyLargeBatchesAtOnceDoNotStopTheShardForEver) {
    ShardHarness harness({.seed = 1, .partitions = 32, .batch_bytes_max = 60'000});
    ASSERT_TRUE(harness.create());
    harness.produce(300);
    EXPECT_GE(harness.acked_count(), 300U);
}

// one batch larger than the window (max.message.bytes may be raised) can never be placed whole.
TEST(Review, ABatchLargerThanTheWindowIsAppendedOrRefusedAndDoesNotStopTheShard) {
    ShardHarness harness({.seed = 1, .partitions = 2, .large_bytes = 700'000});
    ASSERT_TRUE(harness.create());
    harness.produce(300);
    EXPECT_GE(harness.acked_count(), 300U);
}

// to free one chunk, one `tail` of up to a block is journaled for each partition in it, into the
// same window and the same journal, whose reserves are two chunks and a quarter.
TEST(Review, TailsOfManySmallPartitionsFitTheReserve) {
    ShardHarness harness(
        {.seed = 1, .partitions = 600, .batch_bytes_max = 100, .large_bytes = 100});
    ASSERT_TRUE(harness.create());
    harness.produce(5'000);
    EXPECT_GE(harness.acked_count(), 5'000U);
}

JournalImage::Spec frame_of(std::string_view payload, uint64_t durable_through,
                            uint64_t salt = 11) {
    JournalImage::Spec spec;
    spec.salt = salt;
    spec.durable_through = durable_through;
    const ByteView bytes = as_bytes(payload);
    spec.payload.assign(bytes.begin(), bytes.end());
    FrameEntry entry;
    entry.kind = EntryKind::epoch;
    entry.length = static_cast<uint32_t>(bytes.size());
    spec.entries.push_back(entry);
    return spec;
}

Checkpoint checkpoint_after(uint64_t replay_after, uint64_t generation = 1) {
    Checkpoint checkpoint;
    checkpoint.journal = JournalId(3);
    checkpoint.number = 1;
    checkpoint.replay_generation = Generation(generation);
    checkpoint.replay_after = Sequence(replay_after);
    checkpoint.last_stamp = Sequence(replay_after);
    checkpoint.durable_through = Sequence(replay_after);
    return checkpoint;
}

// the walk looks at the next file of the list alone. A file that recovery set aside and that was
// not recycled since (two spares are enough) keeps its generation, between the active one and the
// spares.
TEST(Review, TheLogGoesOnBehindAFileThatWasSetAside) {
    JournalImage image;
    image.add_file(Generation(5));
    image.add_frame(frame_of("one", 0));
    image.add_frame(frame_of("two", 1));
    image.add_file(Generation(6));  // stale: zeros, or torn
    image.add_file(Generation(8));
    image.add_frame(frame_of("three, acked", 2));
    const auto views = image.views();
    const RecoveryPlan plan = plan_recovery(image.journal(), checkpoint_after(0, 5), views);
    EXPECT_EQ(plan.frames.size(), 3U);
    EXPECT_FALSE(plan.gap);
    EXPECT_EQ(plan.resume.last, Sequence(3));
}

// the same, over a real shard: the first write of a file fails (the journal's end), while the
// journal has two more spares: three files are set aside, two of them become spares again, the
// third stays between. Then enough appends to go over to the next file, and a kill.
TEST(Review, NothingIsLostBehindAFileThatWasSetAside) {
    for (const uint64_t acks : {4, 8, 16}) {
        const auto result = simulation::for_each_fault(
            {.effects = {DiskEffect::error}, .kinds = simulation::kWrites, .limit = 2'000},
            [acks](std::shared_ptr<FaultPlan> plan) {
                ShardHarness harness({.seed = 3, .partitions = 2});
                ASSERT_TRUE(harness.create());
                harness.node().disk().arm(std::move(plan));
                harness.produce(100);
                harness.node().disk().arm(nullptr);
                harness.crash(CrashKind::power_loss);
                for (int life = 0; life < 3; ++life) {
                    harness.restart();
                    Error error{Errc::io_failed};
                    ASSERT_TRUE(harness.recover(&error)) << describe(error) << " at life " << life;
                    ASSERT_EQ(harness.shard()->counters().damaged_partitions, 0U) << life;
                    ASSERT_EQ(harness.verify(), "") << life;
                    harness.produce_and_crash(acks, CrashKind::kill);
                }
            });
        EXPECT_GT(result.faults, 10U);
    }
}

// D counts frames of the last accepted frame's life alone. With the fence damaged, all of the life
// that it began is cut without a word, flushed and acked as it was.
TEST(Review, ADamagedFenceIsDamageAndNotTheEnd) {
    JournalImage image;
    image.add_file(Generation(1));
    image.add_frame(frame_of("one", 0));
    image.add_frame(frame_of("two", 1));
    JournalImage::Spec fence;
    fence.salt = 22;
    fence.flags = kFrameFence;
    fence.durable_through = 2;
    const auto written = image.add_frame(fence);
    image.add_frame(frame_of("four, acked", 3, 22));
    image.add_frame(frame_of("five, acked", 4, 22));
    image.flip(written, 5);
    const auto views = image.views();
    const RecoveryPlan plan = plan_recovery(image.journal(), checkpoint_after(0), views);
    EXPECT_TRUE(plan.gap);
    EXPECT_EQ(plan.frames.size(), 4U);
    EXPECT_GE(plan.durable_through, Sequence(4));
}

JournalImage::Spec batch_frame(int64_t offset, uint64_t position, uint64_t durable_through,
                               uint64_t& bytes) {
    std::vector<std::byte> batch = BatchBuilder().record(1000, "value").build();
    stamp_batch(batch, offset, LeaderEpoch(0));
    bytes = batch.size();
    JournalImage::Spec spec;
    spec.durable_through = durable_through;
    FrameEntry entry;
    entry.partition = 7;
    entry.kind = EntryKind::batch;
    entry.leader_epoch = 0;
    entry.base_offset = entry.last_offset = offset;
    entry.segment_base = 0;
    entry.segment_position = position;
    entry.length = static_cast<uint32_t>(batch.size());
    entry.timestamp = 1000;
    spec.entries.push_back(entry);
    spec.payload = batch;
    return spec;
}

// a batch that the checkpoint's state counts (its frame is at or below the stamp) but whose bytes
// only the journal had is lost; a later batch fits the log end, which the state knew, and "proves"
// a log with a hole.
TEST(Review, ALaterBatchDoesNotProveALogThatLostBytesWhichTheCheckpointCounted) {
    JournalImage image;
    image.add_file(Generation(1));
    uint64_t bytes = 0;
    image.add_frame(batch_frame(0, 0, 0, bytes));
    const auto lost = image.add_frame(batch_frame(1, bytes, 1, bytes));
    image.add_frame(batch_frame(2, 2 * bytes, 2, bytes));
    image.add_frame(batch_frame(3, 3 * bytes, 3, bytes));
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

io::Task<void> close_shard(Shard* shard, bool* closed) {
    (void)co_await shard->close(false);
    *closed = true;
}

// a checkpoint that waits for its sync when the journal closes asks an empty list for the active
// file.
TEST(Review, ClosingWhileACheckpointRunsIsSafe) {
    const auto scenario = [] {
        for (uint64_t steps = 0; steps < 2'000; steps += 3) {
            ShardHarness harness({.seed = 4});
            if (!harness.create()) {
                std::_Exit(2);
            }
            const uint64_t before = harness.shard()->counters().checkpoints;
            harness.produce(60 + steps % 61);
            (void)before;
            bool closed = false;
            harness.world().run_until([&, n = steps]() mutable { return n-- == 0; });
            harness.node().spawn(0, close_shard(harness.shard(), &closed));
            harness.world().run_until([&] { return closed; }, {.steps = 200'000});
            if (!closed) {
                std::_Exit(3);
            }
            harness.node().stop();
            harness.after_death();
            harness.restart();
            Error error{Errc::io_failed};
            if (!harness.recover(&error) || !harness.verify().empty()) {
                std::_Exit(4);
            }
        }
        std::_Exit(0);
    };
    EXPECT_EXIT(scenario(), ::testing::ExitedWithCode(0), "");
}

io::Task<void> remove_partition(Shard* shard, TopicPartition id, bool* done) {
    (void)co_await shard->remove_partition(id);
    *done = true;
}

// finish_segment() asserts that pieces are left after it waited for seal(); remove_partition() has
// dropped them.
TEST(Review, APartitionMayBeRemovedWhileItsSegmentIsSealed) {
    const auto scenario = [] {
        for (uint64_t steps = 0; steps < 300; ++steps) {
            ShardHarness harness({.seed = 6 + steps, .partitions = 1});
            if (!harness.create()) {
                std::_Exit(2);
            }
            harness.produce(200 + steps % 50);
            bool done = false;
            harness.node().spawn(0, [](Shard* shard) -> io::Task<void> {
                (void)co_await shard->checkpoint();
            }(harness.shard()));
            harness.world().run_until([&, n = steps]() mutable { return n-- == 0; });
            harness.node().spawn(
                0, remove_partition(harness.shard(),
                                    {.topic = "words", .topic_id = harness.topic_id()}, &done));
            harness.world().run_until([&] { return done; }, {.steps = 200'000});
            if (!done) {
                std::_Exit(3);
            }
        }
        std::_Exit(0);
    };
    EXPECT_EXIT(scenario(), ::testing::ExitedWithCode(0), "");
}

struct NoObserver final : WindowObserver {
    void on_chunk_recycled(const Chunk&) override {}
};

// may_pin() bounds what was recycled under readers, not what they hold: half of the window can be
// pinned, and the spare chunks that replace it are fewer. Then producers wait for a reader that may
// never come back.
TEST(Review, ReadersNeverTakeTheRoomOfProducers) {
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

// the destager is stopped before the journal closes, and the journal waits until every large append
// is placed.
TEST(Review, ClosingEndsALargeAppendThatWaitsForRoom) {
    ShardHarness harness({.seed = 2, .partitions = 4, .batch_bytes_max = 30'000});
    ASSERT_TRUE(harness.create());
    harness.produce(20);
    harness.node().disk().set_capacity(
        harness.node().disk().used_bytes());  // nothing can be destaged
    harness.produce(UINT64_MAX / 2);          // until nothing moves
    bool closed = false;
    harness.node().spawn(0, close_shard(harness.shard(), &closed));
    harness.world().run_until([&] { return closed; },
                              {.steps = 400'000, .duration_ns = 60 * kSecondNs});
    EXPECT_TRUE(closed);
}

io::Task<bool> open_first(io::Reactor* here, ShardOptions shard) {
    StoreOptions options;
    options.directory = "/data";
    options.cluster_id = "cluster";
    options.cores = {io::CoreId(0)};
    options.shard = shard;
    auto opened = co_await open_store(*here, options);
    if (!opened) {
        co_return false;
    }
    (void)co_await opened->shards[0]->close(true);
    co_return true;
}

// the journal's directory is there before the manifest: what a crash leaves is taken for somebody
// else's.
TEST(Review, ACrashInTheVeryFirstStartDoesNotRefuseTheNext) {
    (void)simulation::for_each_fault(
        {.effects = {DiskEffect::kill}}, [](std::shared_ptr<FaultPlan> plan) {
            ShardHarness options({});
            simulation::SimWorld world(1);
            auto& node = world.add_node({});
            node.disk().arm(std::move(plan));
            const auto first = node.run(0, open_first(&node.reactor(), options.shard_options()));
            node.disk().arm(nullptr);
            if (node.up()) {
                node.crash(CrashKind::kill);
            }
            node.restart();
            const auto second = node.run(0, open_first(&node.reactor(), options.shard_options()));
            EXPECT_TRUE(second.value_or(false)) << "first start: " << first.value_or(false);
            node.crash(CrashKind::kill);
        });
}

// a segment's last block that cannot be read fails the destaging of its partition for ever: no
// checkpoint, a full journal, and nobody on this core can append. It has neither rescue file nor
// damage.
TEST(Review, AnUnreadableSegmentDoesNotStopTheOtherPartitions) {
    ShardHarness harness({.seed = 9, .partitions = 2});
    ASSERT_TRUE(harness.create());
    harness.produce(200);
    simulation::DiskRates rates;
    rates.read_error = 1'000'000;
    harness.node().disk().set_rates(rates);
    const uint64_t before = harness.shard()->counters().checkpoints;
    harness.produce(2'000);
    EXPECT_GT(harness.shard()->counters().checkpoints, before);
}

}  // namespace
}  // namespace ringlog::engine::test

// Fault: none. Two calls open one new partition at the same time, the first waits for room in the
// journal.
// Wrong: the journal got two `open` entries, of two numbers; the next start made two partitions of
// one, and what it knew by the number of the first pointed to an object that the second had
// replaced. Rule: a second call waits for the first; a replay that meets two opens keeps the number
// that was used.
#include <gtest/gtest.h>

#include "engine/replay.h"
#include "tests/support/journal_samples.h"
#include "tests/support/shard_harness.h"

namespace ringlog::engine::test {
namespace {

JournalImage::Spec open_frame(uint32_t number) {
    const std::string_view topic = "t";
    OpenPayload payload;
    payload.name_bytes = static_cast<uint32_t>(topic.size());
    JournalImage::Spec spec;
    const ByteView head = std::as_bytes(std::span(&payload, 1));
    spec.payload.assign(head.begin(), head.end());
    spec.payload.insert(spec.payload.end(), as_bytes(topic).begin(), as_bytes(topic).end());
    FrameEntry entry;
    entry.partition = number;
    entry.kind = EntryKind::open;
    entry.leader_epoch = 0;
    entry.length = static_cast<uint32_t>(spec.payload.size());
    spec.entries.push_back(entry);
    return spec;
}

JournalImage::Spec remove_frame(uint32_t number) {
    JournalImage::Spec spec;
    FrameEntry entry;
    entry.partition = number;
    entry.kind = EntryKind::remove;
    spec.entries.push_back(entry);
    return spec;
}

ReplayOutcome replay_of(const std::vector<JournalImage::Spec>& frames) {
    JournalImage image;
    image.add_file(Generation(1));
    for (const JournalImage::Spec& frame : frames) {
        image.add_frame(frame);
    }
    const Checkpoint checkpoint = checkpoint_after(0);
    const auto views = image.views();
    const RecoveryPlan plan = plan_recovery(image.journal(), checkpoint, views);
    EXPECT_EQ(plan.frames.size(), frames.size());
    return replay(checkpoint, plan, 0);
}

// Method: the number that takes the batch is 7; the other one is opened before or behind it.
TEST(Regression0022, OfTwoOpensTheOneThatWasUsedIsKept) {
    for (const uint32_t other : {6, 8}) {
        for (const bool before : {true, false}) {
            SCOPED_TRACE(fmt::format("number {} {} it", other, before ? "before" : "behind"));
            const ReplayOutcome outcome =
                replay_of({open_frame(before ? other : 7), open_frame(before ? 7 : other),
                           batch_frame(0, 0, 0)});
            ASSERT_EQ(outcome.partitions.size(), 1U);
            const ReplayedPartition& kept = outcome.partitions.at(PartitionNumber(7));
            EXPECT_EQ(kept.log.log_end_offset(), 1);
            EXPECT_EQ(kept.pieces.size(), 1U);
            EXPECT_EQ(outcome.next_number, PartitionNumber(std::max(other, 7U) + 1));
        }
    }
}

TEST(Regression0022, OfTwoOpensThatWereNotUsedOneIsKept) {
    EXPECT_EQ(replay_of({open_frame(7), open_frame(8)}).partitions.size(), 1U);
}

TEST(Regression0022, ARemoveEndsEveryNumberOfItsPartition) {
    EXPECT_TRUE(replay_of({open_frame(7), open_frame(8), remove_frame(7)}).partitions.empty());
    EXPECT_TRUE(replay_of({open_frame(7), open_frame(8), remove_frame(8)}).partitions.empty());
    // Made again.
    const auto outcome =
        replay_of({open_frame(7), open_frame(8), remove_frame(8), open_frame(9)}).partitions;
    ASSERT_EQ(outcome.size(), 1U);
    EXPECT_EQ(outcome.begin()->first, PartitionNumber(9));
}

io::Task<void> open_one(Shard* shard, OpenPartition request, std::vector<Partition*>* opened) {
    const auto partition = co_await shard->open_partition(std::move(request));
    opened->push_back(partition.value_or(nullptr));
}

// Method: calls for one id begin together, over seeds, for the order in which they run.
TEST(Regression0022, CallsForOnePartitionGetOnePartition) {
    for (uint64_t seed = 1; seed <= 20; ++seed) {
        SCOPED_TRACE(seed);
        ShardHarness harness({.seed = seed, .partitions = 1});
        ASSERT_TRUE(harness.create());
        const uint64_t entries = harness.shard()->journal().counters().entries;
        std::vector<Partition*> opened;
        for (int call = 0; call < 3; ++call) {
            OpenPartition request;
            request.id = {.topic = "words", .topic_id = harness.topic_id(), .partition = 5};
            harness.node().spawn(0, open_one(harness.shard(), request, &opened));
        }
        ASSERT_TRUE(harness.world().run_until([&] { return opened.size() == 3; }));
        EXPECT_NE(opened.front(), nullptr);
        EXPECT_EQ(std::ranges::count(opened, opened.front()), 3);
        EXPECT_EQ(harness.shard()->journal().counters().entries, entries + 1);
    }
}

}  // namespace
}  // namespace ringlog::engine::test

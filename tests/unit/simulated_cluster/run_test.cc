// Goal: a seed is one run, and switches do what they say. Method: small runs.
#include "tests/simulation/cluster/run.h"

#include <gtest/gtest.h>

#include <set>
#include <string_view>

#include "tests/simulation/cluster/consumer.h"

namespace ringlog::simulation {
namespace {

RunOptions small_run(uint64_t seed) {
    RunOptions options;
    options.seed = seed;
    options.length = {.lives = 2, .life_ms = 50};
    return options;
}

TEST(SimulatedCluster, ASeedIsOneRun) {
    const RunOutcome first = run_seed(small_run(5));
    const RunOutcome second = run_seed(small_run(5));
    EXPECT_EQ(first.failure, "");
    EXPECT_EQ(first.trace_hash, second.trace_hash);
    EXPECT_EQ(first.events, second.events);
    EXPECT_EQ(first.marks, second.marks);
    EXPECT_NE(run_seed(small_run(6)).trace_hash, first.trace_hash);
}

TEST(SimulatedCluster, TheStoryChangesNothing) {
    RunOptions told = small_run(7);
    uint64_t lines = 0;
    told.story = [&lines](const std::string&) { ++lines; };
    EXPECT_EQ(run_seed(told).trace_hash, run_seed(small_run(7)).trace_hash);
    EXPECT_GT(lines, 0U);
}

TEST(Swarm, ToExcludeASwitchMovesNothingElse) {
    for (uint64_t seed = 1; seed <= 50; ++seed) {
        const Swarm all(seed, {}, {});
        for (const SwitchRow& row : switch_rows()) {
            SwitchOrders orders;
            orders.excluded.set(row.name, true);
            const Swarm without(seed, orders, {});
            EXPECT_FALSE(without.on(row.name));
            for (const SwitchRow& other : switch_rows()) {
                if (other.name != row.name) {
                    EXPECT_EQ(without.on(other.name), all.on(other.name));
                }
            }
            EXPECT_EQ(without.topics.size(), all.topics.size());
            EXPECT_EQ(without.producers.size(), all.producers.size());
        }
    }
}

TEST(Swarm, HonestyIsAskedForWhereADiskLies) {
    SwitchOrders orders;
    for (const SwitchRow& row : switch_rows()) {
        orders.excluded.set(row.name, row.lies);
    }
    EXPECT_FALSE(Swarm(1, orders, {}).honesty());
    orders.excluded.set(Switch::bit_rot, false);
    orders.forced.set(Switch::bit_rot, true);
    EXPECT_TRUE(Swarm(1, orders, {}).honesty());
}

TEST(Tables, NamesAreThereOnce) {
    std::set<std::string_view> names;
    for (const SwitchRow& row : switch_rows()) {
        EXPECT_TRUE(names.insert(row.text).second) << row.text;
        EXPECT_EQ(find_switch(row.text), row.name);
    }
    std::set<std::string_view> numbers;
    for (const InvariantRow& row : invariant_rows()) {
        EXPECT_TRUE(numbers.insert(row.number).second) << row.number;
        EXPECT_FALSE(row.where.empty());
    }
}

ReadBatch batch_at(int64_t offset, int32_t count, int32_t sequence) {
    ReadBatch batch{.header = {}, .values = {}, .timestamps = {}, .content_crc = 0};
    batch.header.base_offset = offset;
    batch.header.last_offset_delta = count - 1;
    batch.header.records_count = count;
    batch.header.producer_id = 5;
    batch.header.producer_epoch = 0;
    batch.header.base_sequence = sequence;
    return batch;
}

TEST(ReadRun, FollowsOffsetsAndSequences) {
    ReadRun run;
    run.seek(11);  // within the first batch
    EXPECT_FALSE(run.next(batch_at(10, 3, INT32_MAX - 1)).has_value());
    EXPECT_EQ(run.position(), 13);
    EXPECT_FALSE(run.next(batch_at(13, 2, 1)).has_value());  // the sequence went around
    const auto gap = run.next(batch_at(15, 1, 4));
    ASSERT_TRUE(gap.has_value());
    EXPECT_EQ(gap->first, Invariant::sequence_no_gap);
    const auto skipped = run.next(batch_at(17, 1, 5));
    ASSERT_TRUE(skipped.has_value());
    EXPECT_EQ(skipped->first, Invariant::poll_contiguity);
}

}  // namespace
}  // namespace ringlog::simulation

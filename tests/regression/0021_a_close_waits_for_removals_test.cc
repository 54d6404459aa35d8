// Fault: none. A shard is closed while partitions of it are being removed: a broker stops while a
// topic is deleted.
// Wrong: the close looked through a list of partitions that the removals destroyed one by one, and
// a removal that waited for another's went on in a shard that was closed and gone.
// Rule: a close ends when every removal has ended; what comes later is refused.
#include <gtest/gtest.h>

#include "tests/support/shard_harness.h"

namespace ringlog::engine::test {
namespace {

struct Ends {
    int begun = 0;
    int ended = 0;
    int removed = 0;
    bool closed = false;
};

io::Task<void> remove_one(Shard* shard, TopicPartition id, Ends* ends) {
    ++ends->begun;
    const auto done = co_await shard->remove_partition(std::move(id));
    ++ends->ended;
    ends->removed += done ? 1 : 0;
    EXPECT_TRUE(done || done.error().code == Errc::closed) << describe(done.error());
}

/// Uses the partition for a while: whoever removes it waits.
io::Task<void> append_one(Shard* shard, Partition* partition, std::vector<std::byte> bytes,
                          int64_t for_ns) {
    const Partition::Hold hold(*partition);
    auto appended = co_await partition->append(bytes, {});
    if (appended) {
        (void)co_await partition->wait_high_watermark(appended->end_offset);
    }
    co_await shard->reactor().sleep_until(shard->reactor().now() + for_ns);
}

io::Task<void> close_shard(Shard* shard, bool clean, Ends* ends) {
    (void)co_await shard->close(clean);
    EXPECT_EQ(ends->ended, ends->begun);
    ends->closed = true;
}

constexpr int32_t kPartitions = 6;
constexpr int32_t kRemoved = 4;

/// The number of removals that succeeded.
int close_beside_removals(uint64_t seed, Durability durability) {
    ShardHarness harness({.seed = seed, .durability = durability, .partitions = kPartitions});
    EXPECT_TRUE(harness.create());
    harness.produce(12);
    simulation::SimWorld& world = harness.world();
    Shard* const shard = harness.shard();
    Ends ends;
    const auto run = [&world](uint64_t steps) {
        world.run_until([n = world.random().below(steps)]() mutable { return n-- == 0; });
    };
    for (int32_t p = 0; p < kRemoved; ++p) {
        Partition* const partition = shard->find(harness.topic_id(), p);
        BatchBuilder batch;
        batch.record(1'700'000'000'000, std::string(1 + world.random().below(30'000), 'x'));
        const auto for_ns = static_cast<int64_t>(world.random().below(5 * kMillisecondNs));
        harness.node().spawn(0, append_one(shard, partition, batch.build(), for_ns));
    }
    run(60);
    const auto close_before = static_cast<int32_t>(world.random().below(kRemoved + 1));
    for (int32_t p = 0; p <= kRemoved; ++p) {
        if (p == close_before) {
            harness.node().spawn(0, close_shard(shard, world.random().chance(1, 2), &ends));
            run(20);
        }
        // Some are removed by two at once.
        for (int times = world.random().chance(1, 2) ? 2 : 1; p < kRemoved && times > 0; --times) {
            const TopicPartition id{
                .topic = "words", .topic_id = harness.topic_id(), .partition = p};
            harness.node().spawn(0, remove_one(shard, id, &ends));
        }
        run(60);
    }
    EXPECT_TRUE(world.run_until([&ends] { return ends.closed; }, {.steps = 200'000}));
    EXPECT_TRUE(world.run_until([&ends] { return ends.ended == ends.begun; }, {.steps = 10'000}));
    harness.node().stop();
    harness.after_death();
    harness.restart();
    EXPECT_TRUE(harness.recover());
    return ends.removed;
}

// Method: removals, some of them twice at once, of partitions that take appends; a close begins any
// number of steps later.
TEST(Regression0021, ACloseEndsWhenEveryRemovalHasEnded) {
    int removed = 0;
    for (uint64_t seed = 1; seed <= 150; ++seed) {
        for (const Durability durability : {Durability::power, Durability::crash}) {
            SCOPED_TRACE(fmt::format("seed {} durability {}", seed, static_cast<int>(durability)));
            removed += close_beside_removals(seed, durability);
            ASSERT_FALSE(HasFailure());
        }
    }
    EXPECT_GT(removed, 100);
}

}  // namespace
}  // namespace ringlog::engine::test

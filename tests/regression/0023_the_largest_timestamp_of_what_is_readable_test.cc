// Fault: none. A batch with the largest timestamp of its log is appended and not durable yet.
// Wrong: ListOffsets for the largest timestamp (-3) looked for that record alone, below the high
// watermark, and answered that the log has none.
// Rule: the answer is the largest timestamp of what can be read.
#include <gtest/gtest.h>

#include "tests/support/shard_harness.h"

namespace ringlog::engine::test {
namespace {

constexpr WallMs kFirst = 1'700'000'000'000;

io::Task<Result<int64_t>> append(Partition* partition, WallMs timestamp, bool wait) {
    BatchBuilder builder;
    builder.record(timestamp, "value");
    std::vector<std::byte> bytes = builder.build();
    const auto appended = co_await partition->append(bytes, {});
    if (!appended) {
        co_return fail(appended.error());
    }
    if (wait) {
        const auto durable = co_await partition->wait_high_watermark(appended->end_offset);
        if (!durable) {
            co_return fail(durable.error());
        }
    }
    co_return appended->base_offset;
}

io::Task<TimestampOffset> largest_beside_an_append(Partition* partition) {
    for (const WallMs timestamp : {kFirst + 3, kFirst + 7, kFirst + 5}) {
        const auto appended = co_await append(partition, timestamp, true);
        EXPECT_TRUE(appended);
    }
    const auto later = co_await append(partition, kFirst + 1'000'000, false);
    EXPECT_TRUE(later);
    EXPECT_LT(partition->high_watermark(), partition->log_end_offset());
    const auto found = co_await partition->find_max_timestamp();
    co_return found.value_or(TimestampOffset{});
}

TEST(Regression0023, TheLargestTimestampIsOfWhatCanBeRead) {
    ShardHarness harness({.partitions = 1});
    ASSERT_TRUE(harness.create());
    Partition* const partition = harness.shard()->find(harness.topic_id(), 0);
    const auto found = *harness.node().run(0, largest_beside_an_append(partition));
    EXPECT_EQ(found.timestamp, kFirst + 7);
    EXPECT_EQ(found.offset, 1);
}

}  // namespace
}  // namespace ringlog::engine::test

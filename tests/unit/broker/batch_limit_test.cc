#include "broker/batch_limit.h"

#include <gtest/gtest.h>

namespace ringlog::broker {
namespace {

constexpr uint64_t kMiB = 1 << 20;

engine::ShardOptions shard(uint64_t window_mib, uint64_t journal_mib) {
    engine::ShardOptions options;
    options.window.bytes = window_mib * kMiB;
    options.journal_bytes = journal_mib * kMiB;
    return options;
}

TEST(BatchLimit, NamesKeyValueLimitAndWhatToRaise) {
    EXPECT_EQ(batch_limit_problem("message.max.bytes", 8 * kMiB, shard(32, 64)), std::nullopt);
    EXPECT_EQ(batch_limit_problem("message.max.bytes", 8 * kMiB + 1, shard(32, 64)),
              "message.max.bytes=8388609 is more than the 8388608 bytes of the largest batch that "
              "this broker can take; raise ringlog.window.bytes to at least 35651584 and "
              "ringlog.journal.bytes to at least 67108872, or lower it");
    EXPECT_EQ(batch_limit_problem("message.max.bytes", 9 * kMiB, shard(16, 1024)),
              "message.max.bytes=9437184 is more than the 4194304 bytes of the largest batch that "
              "this broker can take; raise ringlog.window.bytes to at least 37748736, or lower it");
    EXPECT_EQ(
        batch_limit_problem("message.max.bytes", 9 * kMiB, shard(64, 64)),
        "message.max.bytes=9437184 is more than the 8388608 bytes of the largest batch that "
        "this broker can take; raise ringlog.journal.bytes to at least 75497472, or lower it");
}

// The smallest that the two keys may be set to take what clients send by default.
TEST(BatchLimit, TheDefaultFitsTheSmallestJournalAndWindow) {
    EXPECT_EQ(batch_limit_problem("message.max.bytes", 1'048'588, shard(4, 16)), std::nullopt);
}

}  // namespace
}  // namespace ringlog::broker

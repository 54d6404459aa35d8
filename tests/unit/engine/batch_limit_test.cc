// Goal: what is told before a shard is opened (batch_bytes_max) is what the shard takes.
#include <gtest/gtest.h>

#include "engine/store.h"
#include "tests/support/shard_harness.h"

namespace ringlog::engine {
namespace {

uint64_t most(const ShardOptions& options) {
    const BatchBytesMax limits = batch_bytes_max(options);
    return std::min(limits.by_window, limits.by_journal);
}

TEST(BatchLimit, IsWhatTheJournalOfAShardTakes) {
    test::ShardHarness harness({});
    ASSERT_TRUE(harness.create());
    EXPECT_EQ(harness.shard()->journal().large_bytes_max(), most(harness.shard_options()));
}

TEST(BatchLimit, WhatIsSaidToBeEnoughIsEnough) {
    for (const uint64_t bytes : {uint64_t{1}, uint64_t{1'048'588}, uint64_t{100'000'001}}) {
        ShardOptions options;
        options.window.bytes = window_bytes_for_batch(bytes, options);
        options.journal_bytes = journal_bytes_for_batch(bytes);
        EXPECT_GE(most(options), bytes);
    }
}

}  // namespace
}  // namespace ringlog::engine

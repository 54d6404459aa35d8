// Goal: what is told before a shard is opened (batch_bytes_max) is what the shard takes.
#include <gtest/gtest.h>

#include "engine/store.h"
#include "tests/support/shard_harness.h"

namespace ringlog::engine {
namespace {

uint64_t most(const ShardOptions& options) {
    const BatchBytesMax limits = batch_bytes_max(options);
    return std::min({limits.by_window, limits.by_journal, limits.by_format});
}

class NoObserver final : public WindowObserver, public JournalObserver {
public:
    void on_chunk_recycled(const Chunk&) override {}
    void on_frame_completed(std::span<const FrameNote>) override {}
    void on_journal_failed(const Error&) override {}
};

TEST(BatchLimit, IsWhatTheJournalOfAShardTakes) {
    test::ShardHarness harness({});
    ASSERT_TRUE(harness.create());
    EXPECT_EQ(harness.shard()->journal().large_bytes_max(), most(harness.shard_options()));
}

// A piece is numbered in 16 bits: a batch of more than 65,536 of the smallest would be given one
// number twice.
TEST(BatchLimit, NoBatchHasMorePiecesThanAnEntryNumbers) {
    ShardOptions options;
    options.window.bytes = options.journal_bytes = uint64_t{1} << 40;
    EXPECT_EQ(most(options), uint64_t{256} << 20);
    options = test::ShardHarness({}).shard_options();
    options.window.bytes = options.journal_bytes = uint64_t{1} << 40;
    simulation::SimWorld world(1);
    io::Reactor& reactor = world.add_node().reactor();
    NoObserver observer;
    Window window(reactor, options.window, observer);
    const Journal journal(reactor, {.files = {.bytes_max = options.journal_bytes}}, window,
                          observer);
    EXPECT_EQ(journal.large_bytes_max(), most(options));
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

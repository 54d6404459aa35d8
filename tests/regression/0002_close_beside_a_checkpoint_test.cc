// Fault: closing a shard closed the journal's files while the shard's own checkpoint, which runs in
// the background, waited for its sync.
// Wrong: the checkpoint then asked an empty list for the active file: the process died. A start
// with another number of cores closes each journal of the old layout right behind a checkpoint, so
// it died at every attempt once the journal held more than a quarter of its bytes. Rule: a close
// waits for the checkpoint that is under way; the files outlive it.
#include <gtest/gtest.h>

#include "tests/support/directory_harness.h"

namespace ringlog::engine::test {
namespace {

using simulation::CrashKind;

io::Task<void> close_shard(Shard* shard, bool* closed) {
    (void)co_await shard->close(false);
    *closed = true;
}

io::Task<void> checkpoint_shard(Shard* shard, bool* ended) {
    (void)co_await shard->checkpoint();
    *ended = true;
}

// Method: begin a checkpoint, let N steps pass for N = 1, 2, 3... until it has ended before the
// close, close, start again.
TEST(Regression0002, AShardClosesAtAnyStepOfACheckpoint) {
    bool ended_before = false;
    uint64_t steps = 0;
    for (; !ended_before && steps < 2'000; ++steps) {
        SCOPED_TRACE(fmt::format("step {}", steps));
        ShardHarness harness({.seed = 4});
        ASSERT_TRUE(harness.create());
        harness.produce(20);
        bool ended = false;
        bool closed = false;
        harness.node().spawn(0, checkpoint_shard(harness.shard(), &ended));
        harness.world().run_until([&, n = steps]() mutable { return n-- == 0; });
        ended_before = ended;
        harness.node().spawn(0, close_shard(harness.shard(), &closed));
        ASSERT_TRUE(harness.world().run_until([&] { return ended && closed; }, {.steps = 200'000}));
        harness.node().stop();
        harness.after_death();
        harness.restart();
        Error error{Errc::io_failed};
        ASSERT_TRUE(harness.recover(&error)) << describe(error);
        ASSERT_EQ(harness.verify(), "");
    }
    EXPECT_TRUE(ended_before);
    EXPECT_GT(steps, 10U);
}

// Method: leave a journal more than a quarter full, with a kill, and start with another number of
// journals, forth and back.
TEST(Regression0002, ALayoutChangesWhileTheJournalAsksForACheckpoint) {
    for (uint64_t seed = 1; seed <= 10; ++seed) {
        SCOPED_TRACE(fmt::format("seed {}", seed));
        DirectoryHarness harness({.seed = seed});
        ASSERT_TRUE(harness.open(1));
        for (const uint16_t journals : {2, 1, 2}) {
            harness.produce(40);
            Shard& shard = *harness.store().shards.front();
            const uint64_t quarter = shard.journal().bytes_max() / 4;
            for (int i = 0; i < 50 && shard.journal().live_bytes() <= quarter; ++i) {
                harness.produce(10);
            }
            ASSERT_GT(shard.journal().live_bytes(), quarter);
            harness.crash(CrashKind::kill);
            harness.restart();
            ASSERT_TRUE(harness.open(journals)) << harness.refusal();
            ASSERT_TRUE(harness.store().layout_changed);
            ASSERT_EQ(harness.verify(), "");
        }
        ASSERT_TRUE(harness.close());
    }
}

}  // namespace
}  // namespace ringlog::engine::test

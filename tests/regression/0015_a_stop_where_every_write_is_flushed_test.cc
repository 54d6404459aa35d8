// Fault: none. At durability `crash`, on a file system that refuses O_DIRECT, a shard was told to
// stop while frames were on their way.
// Wrong: every write is flushed there, so a frame is flushed when it completes, and nobody told the
// task that flushes at `crash`. It had looked while frames were left, waited for the next word, and
// the stop with it, for ever.
// Rule: who waits for the last frame is told of it, whichever way it became flushed.
#include <gtest/gtest.h>

#include "tests/support/shard_harness.h"

namespace ringlog::engine::test {
namespace {

io::Task<void> close_shard(Shard* shard, bool clean, bool* closed) {
    (void)co_await shard->close(clean);
    *closed = true;
}

// Method: stop after N steps of busy clients, for N = 0, 1, 2...
TEST(Regression0015, AStopEndsWhateverIsOnItsWay) {
    for (uint64_t steps = 0; steps < 200; ++steps) {
        SCOPED_TRACE(fmt::format("step {}", steps));
        ShardHarness harness({.seed = 9,
                              .durability = Durability::crash,
                              .partitions = 2,
                              .disk = {.direct = false}});
        ASSERT_TRUE(harness.create());
        harness.produce_for(UINT64_MAX / 2, 5 * kMillisecondNs);
        harness.world().run_until([&, n = steps]() mutable { return n-- == 0; });
        bool closed = false;
        harness.node().spawn(0, close_shard(harness.shard(), steps % 2 == 0, &closed));
        ASSERT_TRUE(harness.world().run_until([&] { return closed; },
                                              {.steps = 400'000, .duration_ns = 60 * kSecondNs}));
    }
}

}  // namespace
}  // namespace ringlog::engine::test

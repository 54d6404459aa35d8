// A broker that was killed refused to start: its checkpoint slots named a journal file as the place
// where replay begins which held no frame behind them (the next frame had not fitted and went to
// the next file), and that file had been recycled, because everything in it was covered. Files are
// freed by what the older slot names, not by frames.
#include <gtest/gtest.h>

#include "tests/support/shard_harness.h"

namespace ringlog::engine::test {
namespace {

// Goal: a start succeeds with either slot alone, wherever in a file the checkpoints were taken.
// Method: for many fills of the active file: checkpoints with and without an append between them,
// one slot damaged, a kill.
TEST(Regression0001, AStartSucceedsWithEitherCheckpointSlotAlone) {
    for (uint64_t fill = 1; fill <= 24; ++fill) {
        for (const char* slot : {"/data/checkpoint-0.0", "/data/checkpoint-0.1"}) {
            SCOPED_TRACE(fmt::format("fill {} damaged {}", fill, slot));
            ShardHarness harness({.seed = 77});
            ASSERT_TRUE(harness.create());
            harness.produce(fill);
            for (int i = 0; i < 2; ++i) {
                ASSERT_TRUE(harness.node().run(0, harness.shard()->checkpoint())->has_value());
            }
            harness.produce(3);
            ASSERT_TRUE(harness.node().run(0, harness.shard()->checkpoint())->has_value());
            harness.crash(simulation::CrashKind::kill);
            harness.node().disk().file(slot).flip_bit(200, 3);
            harness.restart();
            Error error{Errc::io_failed};
            ASSERT_TRUE(harness.recover(&error)) << describe(error);
            ASSERT_EQ(harness.verify(), "");
        }
    }
}

}  // namespace
}  // namespace ringlog::engine::test

// What goes to segments, and when.
#include "engine/destager.h"

#include <gtest/gtest.h>

#include "tests/support/shard_harness.h"

namespace ringlog::engine::test {
namespace {

// At `crash` a batch is acked before it is flushed: the difference shows after every event.
TEST(Destager, NothingIsDestagedBeforeItsFrameIsFlushed) {
    ShardHarness harness({.seed = 11, .durability = Durability::crash});
    ASSERT_TRUE(harness.create());
    uint64_t looks = 0;
    uint64_t early = 0;
    harness.world().set_check([&] {
        for (const Partition* partition : harness.shard()->partitions()) {
            const PieceQueue& pieces = partition->pieces();
            const size_t destaged = pieces.destaged();
            if (destaged > 0) {
                ++looks;
                const Sequence flushed = harness.shard()->journal().flushed_through();
                early += pieces[destaged - 1].sequence > flushed ? 1 : 0;
            }
        }
    });
    harness.produce(1000);
    harness.world().set_check(nullptr);
    EXPECT_GT(looks, 0U);
    EXPECT_EQ(early, 0U);
    EXPECT_TRUE(harness.close(true));
}

}  // namespace
}  // namespace ringlog::engine::test

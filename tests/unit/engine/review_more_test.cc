// More of the review: gaps in the tests. Each says whether it fails today.
#include <gtest/gtest.h>

#include "tests/support/shard_harness.h"

namespace ringlog::engine::test {
namespace {

using simulation::CrashKind;

// A disk that is full for long, a kill and a start meanwhile, and the space that comes back.
TEST(ReviewMore, AFullDiskHealsAndAStartOnItSucceeds) {
    for (const bool kill : {false, true}) {
        SCOPED_TRACE(kill ? "with a kill" : "without");
        ShardHarness harness({.seed = 12, .partitions = 4});
        ASSERT_TRUE(harness.create());
        harness.produce(30);
        harness.node().disk().set_capacity(harness.node().disk().used_bytes());
        harness.produce(100'000);  // until nothing moves
        const uint64_t acked = harness.acked_count();
        if (kill) {
            harness.crash(CrashKind::kill);
            harness.restart();
            Error error{Errc::io_failed};
            ASSERT_TRUE(harness.recover(&error)) << describe(error);
            ASSERT_EQ(harness.verify(), "");
        }
        harness.node().disk().set_capacity(UINT64_MAX);
        harness.world().run_for(3 * kSecondNs);  // the shard looks once a second
        harness.produce(300);
        EXPECT_GE(harness.acked_count(), acked + 300);
        EXPECT_EQ(harness.verify(), "");
    }
}

// At `crash` a power loss may cut what was acked, and nothing else: a start never refuses or finds
// damage, and every log is continuous and of what was sent.
TEST(ReviewMore, APowerLossAtCrashIsACutAndNeverDamage) {
    for (uint64_t seed = 1; seed <= 25; ++seed) {
        SCOPED_TRACE(fmt::format("seed {}", seed));
        ShardHarness harness({.seed = seed, .durability = Durability::crash});
        ASSERT_TRUE(harness.create());
        for (int life = 0; life < 5; ++life) {
            SCOPED_TRACE(fmt::format("life {}", life));
            harness.produce_and_crash(20 + seed * 13 % 150, CrashKind::power_loss);
            harness.restart();
            Error error{Errc::io_failed};
            ASSERT_TRUE(harness.recover(&error)) << describe(error);
            ASSERT_EQ(harness.shard()->counters().damaged_partitions, 0U);
            const std::string problem = harness.verify();
            ASSERT_TRUE(problem.empty() || problem.find("acked at offset") != std::string::npos)
                << problem;
        }
    }
}

// Many partitions with a partial block each, for long, over several checkpoints and a kill.
TEST(ReviewMore, ManySmallPartitionsGoOnOverCheckpointsAndAKill) {
    ShardHarness harness(
        {.seed = 1, .partitions = 400, .batch_bytes_max = 100, .large_bytes = 100});
    ASSERT_TRUE(harness.create());
    harness.produce(12'000);
    EXPECT_GE(harness.acked_count(), 12'000U);
    harness.crash(CrashKind::kill);
    harness.restart();
    ASSERT_TRUE(harness.recover());
    EXPECT_EQ(harness.verify(), "");
}

}  // namespace
}  // namespace ringlog::engine::test

// A shard from its first frame to its clean end, and across crashes, on the simulated disk.
#include "engine/shard.h"

#include <gtest/gtest.h>

#include "tests/support/shard_harness.h"

namespace ringlog::engine::test {
namespace {

using simulation::CrashKind;

TEST(Shard, WhatIsAppendedIsReadBackFromWindowAndSegments) {
    ShardHarness harness({});
    ASSERT_TRUE(harness.create());
    harness.produce(2'000);
    EXPECT_GE(harness.acked_count(), 2'000U);
    EXPECT_GT(harness.shard()->counters().checkpoints, 2U) << "the journal was never recycled";
    EXPECT_GT(harness.shard()->destager().counters().writes, 0U);
    ASSERT_EQ(harness.verify(), "");
    EXPECT_TRUE(harness.close(true));
}

TEST(Shard, ACleanStopAndStartKeepsEverythingAndReplaysNothing) {
    ShardHarness harness({.seed = 2});
    ASSERT_TRUE(harness.create());
    harness.produce(500);
    ASSERT_TRUE(harness.close(true));
    harness.restart();
    ASSERT_TRUE(harness.recover());
    ASSERT_EQ(harness.verify(), "");
    harness.produce(200);
    ASSERT_EQ(harness.verify(), "");
    EXPECT_TRUE(harness.close(true));
}

class ShardCrash : public ::testing::TestWithParam<std::tuple<Durability, CrashKind>> {};

TEST_P(ShardCrash, KeepsEveryAckedBatchOverManyLives) {
    const auto [durability, kind] = GetParam();
    for (uint64_t seed = 1; seed <= 15; ++seed) {
        SCOPED_TRACE(fmt::format("seed {}", seed));
        ShardHarness harness({.seed = seed, .durability = durability});
        ASSERT_TRUE(harness.create());
        for (int life = 0; life < 6; ++life) {
            SCOPED_TRACE(fmt::format("life {}", life));
            harness.produce_and_crash(20 + seed * 13 % 150, kind);
            harness.restart();
            ASSERT_TRUE(harness.recover());
            EXPECT_EQ(harness.shard()->counters().damaged_partitions, 0U);
            ASSERT_EQ(harness.verify(), "");
        }
        EXPECT_TRUE(harness.close(true));
    }
}

// `crash` promises nothing over a power loss: that pair is not in the list.
INSTANTIATE_TEST_SUITE_P(Rungs, ShardCrash,
                         ::testing::Values(std::tuple(Durability::power, CrashKind::kill),
                                           std::tuple(Durability::power, CrashKind::power_loss),
                                           std::tuple(Durability::crash, CrashKind::kill)));

// At `crash` a power loss may cut what was acked, and nothing else: a start never refuses or finds
// damage, and every log is continuous and of what was sent.
TEST(Shard, APowerLossAtCrashIsACutAndNeverDamage) {
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

}  // namespace
}  // namespace ringlog::engine::test

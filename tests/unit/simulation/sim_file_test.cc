// The content of a file on a simulated disk: what a power loss may leave of it.
#include "tests/simulation/sim_file.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

namespace ringlog::simulation {
namespace {

constexpr PowerLoss kLoseAll{.data = Fate::lost, .names = Fate::lost};
constexpr PowerLoss kKeepAll{.data = Fate::kept, .names = Fate::kept};

void lose(SimFile& file, const PowerLoss& how, Random& random) {
    RandomChoices choices(random);
    file.lose_power(how, choices);
}

std::vector<std::byte> filled(uint64_t count, char with) {
    return std::vector<std::byte>(count, static_cast<std::byte>(with));
}

std::string text_of(const SimFile& file, uint64_t position, uint64_t count) {
    std::string text(count, '?');
    text.resize(file.read(std::as_writable_bytes(std::span(text)), position));
    return text;
}

/// A file of one durable block of 'o'.
SimFile with_old_block() {
    SimFile file;
    file.write(0, filled(4096, 'o'));
    file.make_durable(file.mark());
    return file;
}

TEST(SimFile, ReadsWhatWasWrittenAndEndsAtItsSize) {
    SimFile file;
    file.write(10, as_bytes("hello"));
    EXPECT_EQ(file.size_bytes(), 15u);
    EXPECT_EQ(text_of(file, 8, 100), std::string("\0\0hello", 7));
    EXPECT_EQ(text_of(file, 15, 1), "");
    EXPECT_EQ(file.allocated_bytes(), 4096u);
}

TEST(SimFile, UnsyncedGrowthIsLostWithItsSize) {
    Random random(1);
    SimFile file = with_old_block();
    file.write(4096, filled(4096, 'n'));
    lose(file, kLoseAll, random);
    EXPECT_EQ(file.size_bytes(), 4096u);
    EXPECT_EQ(text_of(file, 0, 8192), std::string(4096, 'o'));
}

TEST(SimFile, SyncedWritesSurvive) {
    Random random(1);
    SimFile file;
    file.write(0, filled(6000, 'n'));
    file.make_durable(file.mark());
    EXPECT_TRUE(file.is_durable());
    lose(file, kLoseAll, random);
    EXPECT_EQ(text_of(file, 0, 8192), std::string(6000, 'n'));
}

TEST(SimFile, ASyncCoversOnlyWhatCameBeforeItsMark) {
    Random random(1);
    SimFile file = with_old_block();
    file.write(0, filled(512, 'a'));
    const Mark submitted = file.mark();
    file.write(512, filled(512, 'b'));
    file.write(0, filled(512, 'c'));
    file.make_durable(submitted);
    lose(file, kLoseAll, random);
    EXPECT_EQ(text_of(file, 0, 1024), std::string(512, 'a') + std::string(512, 'o'));
}

TEST(SimFile, AFlushedWriteIsDurableAndTakesNobodyWithIt) {
    Random random(1);
    SimFile file = with_old_block();
    file.write(512, filled(512, 'a'));
    file.write_durably(0, filled(512, 'f'));
    lose(file, kLoseAll, random);
    EXPECT_EQ(text_of(file, 0, 1024), std::string(512, 'f') + std::string(512, 'o'));
}

TEST(SimFile, AFlushedWriteIntoReservedBlocksSurvivesAnUnflushedOneReadsAsZeros) {
    Random random(1);
    SimFile file;
    file.preallocate(0, 16'384);
    file.make_durable(file.mark());
    file.write(0, filled(4096, 'a'));
    file.write_durably(8192, filled(4096, 'f'));
    EXPECT_EQ(text_of(file, 0, 1), "a");
    lose(file, kLoseAll, random);
    EXPECT_EQ(file.size_bytes(), 16'384u);
    EXPECT_EQ(text_of(file, 0, 4096), std::string(4096, '\0'));
    EXPECT_EQ(text_of(file, 8192, 4096), std::string(4096, 'f'));
    EXPECT_EQ(file.allocated_bytes(), 16'384u);
}

TEST(SimFile, AnUnsyncedOverwriteIsOldOrNewPerSectorAndNeverMixedWithinOne) {
    std::set<std::string> seen;
    for (uint64_t seed = 0; seed < 200; ++seed) {
        Random random(seed);
        SimFile file = with_old_block();
        file.write(0, filled(1024, 'a'));
        file.write(0, filled(1024, 'b'));
        lose(file, {}, random);
        const std::string first = text_of(file, 0, 512);
        const std::string second = text_of(file, 512, 512);
        ASSERT_EQ(first, std::string(512, first[0]));
        ASSERT_EQ(second, std::string(512, second[0]));
        seen.insert({first[0], second[0]});
        ASSERT_EQ(text_of(file, 1024, 4096), std::string(3072, 'o'));
    }
    const std::set<std::string> all{"oo", "oa", "ob", "ao", "aa", "ab", "bo", "ba", "bb"};
    EXPECT_EQ(seen, all);
}

TEST(SimFile, GarbageComesOnlyWhereAsked) {
    Random random(3);
    SimFile file = with_old_block();
    file.write(0, filled(512, 'n'));
    lose(file, {.garbage_per_thousand = 1000}, random);
    const std::string first = text_of(file, 0, 512);
    EXPECT_TRUE(first != std::string(512, 'o') || first == std::string(512, 'n'));
    EXPECT_EQ(text_of(file, 512, 512), std::string(512, 'o'));
}

TEST(SimFile, AnUnsyncedTruncateIsUndone) {
    Random random(1);
    SimFile file = with_old_block();
    file.truncate(100);
    EXPECT_EQ(text_of(file, 0, 4096), std::string(100, 'o'));
    file.truncate(200);
    EXPECT_EQ(text_of(file, 0, 4096), std::string(100, 'o') + std::string(100, '\0'));
    lose(file, kLoseAll, random);
    EXPECT_EQ(text_of(file, 0, 4096), std::string(4096, 'o'));
}

TEST(SimFile, ASyncedTruncateNeverBringsOldBytesBack) {
    Random random(1);
    SimFile file = with_old_block();
    file.truncate(100);
    file.write(1000, as_bytes("x"));
    file.make_durable(file.mark());
    lose(file, kLoseAll, random);
    EXPECT_EQ(text_of(file, 0, 4096), std::string(100, 'o') + std::string(900, '\0') + "x");
}

TEST(SimFile, AFlushedWriteBehindAnUnsyncedTruncateMakesTheTruncateDurable) {
    Random random(1);
    SimFile file = with_old_block();
    file.truncate(0);
    file.write_durably(0, filled(512, 'f'));
    file.make_durable(file.mark());
    lose(file, kLoseAll, random);
    EXPECT_EQ(text_of(file, 0, 4096), std::string(512, 'f'));
}

TEST(SimFile, AfterAFailedFlushNoLaterFlushSavesThePendingBytes) {
    uint64_t lost = 0;
    for (uint64_t seed = 0; seed < 50; ++seed) {
        Random random(seed);
        SimFile file = with_old_block();
        file.write(0, filled(512, 'n'));
        file.forget_pending(random);
        EXPECT_EQ(text_of(file, 0, 1), "n");
        file.make_durable(file.mark());
        lose(file, {}, random);
        lost += text_of(file, 0, 1) == "o" ? 1 : 0;
    }
    EXPECT_GT(lost, 10u);
    EXPECT_LT(lost, 40u);
}

TEST(SimFile, KeptMeansEverything) {
    Random random(1);
    SimFile file;
    file.write(0, filled(5000, 'n'));
    lose(file, kKeepAll, random);
    EXPECT_EQ(text_of(file, 0, 8192), std::string(5000, 'n'));
}

TEST(SimFile, DamageAtRestIsReadAndABadSectorHealsWhenWritten) {
    SimFile file = with_old_block();
    file.flip_bit(7, 0);
    EXPECT_EQ(text_of(file, 6, 3), "ono");
    file.make_sector_bad(600);
    EXPECT_TRUE(file.has_bad_sector(0, 513));
    EXPECT_FALSE(file.has_bad_sector(0, 512));
    EXPECT_FALSE(file.has_bad_sector(1024, 512));
    file.write(512, filled(512, 'n'));
    EXPECT_FALSE(file.has_bad_sector(0, 4096));
}

// Goal: the state that is kept per sector and block never disagrees with a simple model of the same
// rules. Method: random operations, all of them synced at random moments; after a power loss that
// loses all, the content must be that of the last sync. (What comes between is checked one rule at
// a time above.)
TEST(SimFile, RandomHistoriesEndAtTheLastSync) {
    for (uint64_t seed = 0; seed < 300; ++seed) {
        SCOPED_TRACE(seed);
        Random random(seed);
        SimFile file;
        std::string now;
        std::string synced;
        for (int i = 0; i < 40; ++i) {
            const uint64_t position = random.below(20'000);
            const uint64_t count = 1 + random.below(9'000);
            switch (random.below(6)) {
                case 0:
                case 1: {
                    const char with = static_cast<char>('a' + random.below(26));
                    file.write(position, filled(count, with));
                    now.resize(std::max<size_t>(now.size(), position + count), '\0');
                    now.replace(position, count, count, with);
                    break;
                }
                case 2:
                    file.truncate(position);
                    now.resize(position, '\0');
                    break;
                case 3:
                    file.preallocate(position, position + count);
                    now.resize(std::max<size_t>(now.size(), position + count), '\0');
                    break;
                case 4:
                    file.prewrite(position, position + count);
                    now.resize(std::max<size_t>(now.size(), position + count), '\0');
                    now.replace(position, count, count, '\0');
                    synced = now;
                    break;
                default:
                    file.make_durable(file.mark());
                    synced = now;
                    break;
            }
            ASSERT_TRUE(text_of(file, 0, 40'000) == now) << "step " << i;
        }
        lose(file, kLoseAll, random);
        ASSERT_TRUE(text_of(file, 0, 40'000) == synced);
    }
}

}  // namespace
}  // namespace ringlog::simulation

// The walk over a journal, case by case: every row of kRecoveryCases is reached here.
#include "engine/recovery.h"

#include <gtest/gtest.h>

#include <set>

#include "engine/replay.h"
#include "tests/support/journal_samples.h"

namespace ringlog::engine {
namespace {

using Written = JournalImage::Written;

/// Which rows the tests of this file have met.
std::set<RecoveryCase>& reached() {
    static std::set<RecoveryCase> cases;
    return cases;
}

RecoveryPlan recover(const JournalImage& image, const Checkpoint& checkpoint) {
    const auto views = image.views();
    RecoveryPlan plan = plan_recovery(image.journal(), checkpoint, views);
    for (const RecoveryFinding& finding : plan.findings) {
        reached().insert(finding.name);
    }
    return plan;
}

/// Five frames in one file, each written after the one before was flushed.
struct FiveFrames {
    JournalImage image;
    std::vector<Written> frames;

    FiveFrames() {
        image.add_file(Generation(1));
        for (uint64_t i = 1; i <= 5; ++i) {
            frames.push_back(image.add_frame(frame_of("frame", i - 1)));
        }
    }
};

TEST(Recovery, FramesBehindTheCheckpointAreReplayedUpToTheZeros) {
    const FiveFrames five;
    const RecoveryPlan plan = recover(five.image, checkpoint_after(2));
    ASSERT_EQ(plan.frames.size(), 3U);
    EXPECT_EQ(plan.frames.front().header.sequence, 3U);
    EXPECT_EQ(plan.findings.back().name, RecoveryCase::end_zero);
    EXPECT_EQ(plan.resume.last, Sequence(5));
    EXPECT_EQ(plan.resume.end, five.image.end());
    EXPECT_EQ(plan.durable_through, Sequence(4));
    EXPECT_FALSE(plan.gap);
}

TEST(Recovery, ACheckpointOfTheLastFrameIsClean) {
    const FiveFrames five;
    const RecoveryPlan plan = recover(five.image, checkpoint_after(5));
    EXPECT_TRUE(plan.frames.empty());
    EXPECT_EQ(plan.findings.back().name, RecoveryCase::clean);
}

TEST(Recovery, ATornLastFrameIsCut) {
    FiveFrames five;
    five.image.flip(five.frames[4], kFrameHeaderBytes + 2);
    const RecoveryPlan plan = recover(five.image, checkpoint_after(0));
    EXPECT_EQ(plan.frames.size(), 4U);
    EXPECT_EQ(plan.findings.back().name, RecoveryCase::end_torn);
    EXPECT_EQ(plan.resume.end, five.frames[4].position);
    EXPECT_FALSE(plan.gap);
}

TEST(Recovery, AHoleAboveWhatWasFlushedCutsEverythingBehindIt) {
    JournalImage image;
    image.add_file(Generation(1));
    image.add_frame(frame_of("one", 0));
    const Written lost = image.add_frame(frame_of("two", 1));
    image.add_frame(frame_of("three", 1));  // left with "two" in one write
    image.flip(lost, 5);
    const RecoveryPlan plan = recover(image, checkpoint_after(0));
    EXPECT_EQ(plan.frames.size(), 1U);
    EXPECT_EQ(plan.findings.back().name, RecoveryCase::end_hole);
    EXPECT_EQ(plan.resume.end, lost.position);
    EXPECT_FALSE(plan.gap);
}

TEST(Recovery, AHeaderLostBelowWhatWasFlushedIsDamageAndNotTheEnd) {
    FiveFrames five;
    five.image.flip(five.frames[2], 5);
    const RecoveryPlan plan = recover(five.image, checkpoint_after(0));
    EXPECT_EQ(plan.frames.size(), 4U);
    EXPECT_TRUE(plan.gap);
    EXPECT_TRUE(plan.frames[2].after_gap);
    EXPECT_EQ(plan.findings.front().name, RecoveryCase::header_damaged);
    EXPECT_EQ(plan.findings.front().sequence, Sequence(3));
    EXPECT_EQ(plan.resume.last, Sequence(5));
}

TEST(Recovery, APayloadLostBelowWhatWasFlushedKeepsItsTable) {
    FiveFrames five;
    five.image.flip(five.frames[2], kFrameHeaderBytes);
    const RecoveryPlan plan = recover(five.image, checkpoint_after(0));
    ASSERT_EQ(plan.frames.size(), 5U);
    EXPECT_TRUE(plan.frames[2].payload_damaged);
    EXPECT_TRUE(plan.gap);
    EXPECT_EQ(plan.findings.front().name, RecoveryCase::payload_damaged);
}

TEST(Recovery, ATableLostBelowWhatWasFlushedIsDamage) {
    FiveFrames five;
    five.image.flip(five.frames[1], kFrameHeaderBytes + 8);
    const RecoveryPlan plan = recover(five.image, checkpoint_after(0));
    EXPECT_EQ(plan.findings.front().name, RecoveryCase::table_damaged);
    EXPECT_TRUE(plan.gap);
    EXPECT_EQ(plan.frames.size(), 4U);
}

TEST(Recovery, FlushedFramesThatAreGoneAreDamageEvenWithNothingBehindThem) {
    FiveFrames five;
    five.image.zero(five.frames[3]);
    five.image.zero(five.frames[4]);
    Checkpoint checkpoint = checkpoint_after(0);
    checkpoint.durable_through = Sequence(4);
    const RecoveryPlan plan = recover(five.image, checkpoint);
    EXPECT_EQ(plan.findings.back().name, RecoveryCase::frames_lost);
    EXPECT_TRUE(plan.gap);
    EXPECT_EQ(plan.resume.last, Sequence(3));
}

TEST(Recovery, TheFirstFrameBehindTheCheckpointMayBeTheDamagedOne) {
    FiveFrames five;
    five.image.flip(five.frames[0], 5);
    const RecoveryPlan plan = recover(five.image, checkpoint_after(0));
    EXPECT_EQ(plan.findings.front().name, RecoveryCase::replay_start_lost);
    EXPECT_TRUE(plan.gap);
    EXPECT_EQ(plan.frames.size(), 4U);
}

TEST(Recovery, AFrameLostBeforeTheCheckpointIsNotMissed) {
    FiveFrames five;
    five.image.flip(five.frames[0], 5);
    const RecoveryPlan plan = recover(five.image, checkpoint_after(2));
    EXPECT_FALSE(plan.gap) << "frames 3 to 5 are whole, and nothing before them is needed";
    EXPECT_EQ(plan.frames.size(), 3U);
}

TEST(Recovery, AnUnreadableFrameIsDamageOnBothSidesOfWhatWasFlushed) {
    FiveFrames below;
    below.image.make_unreadable(below.frames[2]);
    const RecoveryPlan first = recover(below.image, checkpoint_after(0));
    EXPECT_EQ(first.findings.front().name, RecoveryCase::unreadable_below);
    EXPECT_TRUE(first.gap);
    EXPECT_EQ(first.frames.size(), 4U);

    FiveFrames above;
    above.image.make_unreadable(above.frames[4]);
    const RecoveryPlan second = recover(above.image, checkpoint_after(0));
    EXPECT_EQ(second.findings.back().name, RecoveryCase::unreadable_above);
    EXPECT_TRUE(second.gap) << "a read error is never a silent cut";
    EXPECT_EQ(second.resume.end, above.image.views()[0].bytes.size());
}

TEST(Recovery, FramesOfAnEarlierLifeBehindTheFenceDoNotCount) {
    JournalImage image;
    image.add_file(Generation(1));
    image.add_frame(frame_of("one", 0));
    const uint64_t chain = image.chain();
    const Written second = image.add_frame(frame_of("two, cut", 1));
    image.add_frame(frame_of("three, of the first life", 1));
    // A recovery cut frame 2 and began a life with a fence in its place.
    image.rewind(second, chain);
    image.add_frame(fence_of(22, 1));
    const RecoveryPlan plan = recover(image, checkpoint_after(0));
    ASSERT_EQ(plan.frames.size(), 2U);
    EXPECT_EQ(plan.frames.back().header.salt, 22U);
    EXPECT_EQ(plan.findings.back().name, RecoveryCase::end_stale_life);
    EXPECT_EQ(plan.resume.last, Sequence(2));
}

TEST(Recovery, TheLogGoesOnInTheNextFileAndNotInAStaleOne) {
    JournalImage image;
    image.add_file(Generation(7));
    image.add_frame(frame_of("one", 0));
    image.add_file(Generation(9));
    image.add_frame(frame_of("two", 1));
    image.add_frame(frame_of("three", 2));
    const RecoveryPlan plan = recover(image, checkpoint_after(0, 7));
    EXPECT_EQ(plan.frames.size(), 3U);
    EXPECT_FALSE(plan.gap);
    EXPECT_EQ(plan.resume.generation, Generation(9));
}

TEST(Recovery, BytesOfAClientAreNoFrame) {
    FiveFrames five;
    five.image.garble_end("these bytes are a record, whatever they look like");
    const RecoveryPlan plan = recover(five.image, checkpoint_after(0));
    EXPECT_EQ(plan.frames.size(), 5U);
    EXPECT_EQ(plan.findings.back().name, RecoveryCase::end_unknown_bytes);
}

TEST(Recovery, AFullLastFileEndsTheLog) {
    JournalImage image;
    image.add_file(Generation(1), 2 * kBlockBytes);
    image.add_frame(frame_of("one", 0));
    image.add_frame(frame_of("two", 1));
    const RecoveryPlan plan = recover(image, checkpoint_after(0));
    EXPECT_EQ(plan.findings.back().name, RecoveryCase::end_of_files);
    EXPECT_EQ(plan.frames.size(), 2U);
}

TEST(Recovery, AMissingFileBetweenTwoOthersIsDamage) {
    JournalImage image;
    image.add_file(Generation(1));
    image.add_frame(frame_of("one", 0));
    image.add_file(Generation(2));
    image.add_frame(frame_of("two", 1));
    image.add_file(Generation(3));
    image.add_frame(frame_of("three", 2));
    image.remove_file(1);
    const RecoveryPlan plan = recover(image, checkpoint_after(0));
    EXPECT_TRUE(plan.gap);
    reached().insert(plan.findings.front().name);
    const auto names = [&plan] {
        std::set<RecoveryCase> all;
        for (const RecoveryFinding& finding : plan.findings) {
            all.insert(finding.name);
        }
        return all;
    }();
    EXPECT_TRUE(names.contains(RecoveryCase::file_missing));
    EXPECT_EQ(plan.frames.size(), 2U);
}

// Generations of neighbouring files need not be consecutive: what stood at the end of the first
// file was a frame, and not the end of the file.
TEST(Recovery, ADamagedLastFrameOfAFileIsNoMissingFile) {
    for (const bool unreadable : {false, true}) {
        JournalImage image;
        image.add_file(Generation(1));
        image.add_frame(frame_of("one", 0));
        const Written lost = image.add_frame(frame_of("two", 1));
        image.add_file(Generation(9));
        image.add_frame(frame_of("three", 2));
        if (unreadable) {
            image.make_unreadable(lost);
        } else {
            image.flip(lost, 5);
        }
        const RecoveryPlan plan = recover(image, checkpoint_after(0));
        EXPECT_TRUE(plan.gap);
        EXPECT_EQ(plan.frames.size(), 2U);
        for (const RecoveryFinding& finding : plan.findings) {
            EXPECT_NE(finding.name, RecoveryCase::file_missing);
        }
    }
}

TEST(Recovery, WithoutTheFileOfTheCheckpointNothingIsServed) {
    FiveFrames five;
    const RecoveryPlan plan = recover(five.image, checkpoint_after(3, 5));
    EXPECT_TRUE(plan.refused);
    EXPECT_EQ(plan.findings.back().name, RecoveryCase::no_files);
}

TEST(Recovery, ANewerFormatIsRefused) {
    JournalImage image;
    image.add_file(Generation(1));
    image.add_frame(frame_of("one", 0));
    JournalImage::Spec newer = frame_of("two", 1);
    newer.version = kFrameVersion + 1;
    image.add_frame(newer);
    const RecoveryPlan plan = recover(image, checkpoint_after(0));
    EXPECT_TRUE(plan.refused);
    EXPECT_EQ(plan.findings.back().name, RecoveryCase::newer_version);
}

TEST(Recovery, AnEntryOfANewerKindIsRefusedInReplay) {
    JournalImage image;
    image.add_file(Generation(1));
    JournalImage::Spec spec = frame_of("", 0);
    spec.entries.front().kind = EntryKind::extent;
    image.add_frame(spec);
    const auto views = image.views();
    const Checkpoint checkpoint = checkpoint_after(0);
    const RecoveryPlan plan = plan_recovery(image.journal(), checkpoint, views);
    const ReplayOutcome outcome = replay(checkpoint, plan, 0);
    ASSERT_TRUE(outcome.refused);
    EXPECT_EQ(outcome.findings.back().name, RecoveryCase::extent_unsupported);
    reached().insert(outcome.findings.back().name);
}

TEST(Recovery, TheNewerOfTwoGoodSlotsIsUsedAndTheOtherWhenItIsBad) {
    const auto slots = [](std::optional<uint64_t> first, std::optional<uint64_t> second) {
        std::vector<SlotReading> both(2);
        const std::array numbers = {first, second};
        for (size_t i = 0; i < 2; ++i) {
            if (numbers[i]) {
                both[i].checkpoint = checkpoint_after(0);
                both[i].checkpoint->number = *numbers[i];
            } else {
                both[i].error = Error{Errc::corrupt_file};
            }
        }
        return both;
    };
    std::vector<RecoveryFinding> findings;
    EXPECT_EQ(choose_checkpoint(slots(4, 5), findings)->number, 5U);
    EXPECT_TRUE(findings.empty());
    EXPECT_EQ(choose_checkpoint(slots(4, std::nullopt), findings)->number, 4U);
    ASSERT_EQ(findings.size(), 1U);
    EXPECT_EQ(findings.back().name, RecoveryCase::checkpoint_slot_bad);
    reached().insert(findings.back().name);
    EXPECT_FALSE(choose_checkpoint(slots(std::nullopt, std::nullopt), findings));
    EXPECT_EQ(findings.back().name, RecoveryCase::checkpoint_slots_bad);
    reached().insert(findings.back().name);
}

/// Last, by its name: tests of a suite run in the order in which they stand in the file.
TEST(Recovery, EveryRowOfTheTableWasReached) {
    const auto* suite = ::testing::UnitTest::GetInstance()->current_test_suite();
    if (suite->test_to_run_count() < suite->total_test_count()) {
        GTEST_SKIP() << "only some tests of the suite run: ctest's recovery_table runs all of them";
    }
    for (const RecoveryRow& row : kRecoveryCases) {
        EXPECT_TRUE(reached().contains(row.name)) << recovery_case_name(row.name);
    }
}

}  // namespace
}  // namespace ringlog::engine

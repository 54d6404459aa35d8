// Fault: what was known to be flushed (D) was raised only by frames of the life of the last
// accepted frame.
// Wrong: one damaged frame at the seam of two lives, the last of the earlier or the fence of the
// later, was taken for the end of the log. The whole later life, flushed and acked, was cut without
// a word.
// Rule: a frame of a later life proves that the lives before it had ended and what they flushed.
// The seam is damage then, reported, and the walk goes on behind it.
#include <gtest/gtest.h>

#include "tests/support/journal_samples.h"

namespace ringlog::engine {
namespace {

using Written = JournalImage::Written;

/// Two lives of one journal; every frame was flushed before the next.
struct TwoLives {
    JournalImage image;
    std::vector<Written> frames;

    TwoLives() {
        image.add_file(Generation(1));
        frames.push_back(image.add_frame(frame_of("one", 0)));
        frames.push_back(image.add_frame(frame_of("two, the last of its life", 1)));
        frames.push_back(image.add_frame(fence_of(22, 2)));
        frames.push_back(image.add_frame(frame_of("four, acked", 3, 22)));
        frames.push_back(image.add_frame(frame_of("five, acked", 4, 22)));
    }
    [[nodiscard]] RecoveryPlan recover() const {
        const auto views = image.views();
        const Checkpoint checkpoint = checkpoint_after(0);
        return plan_recovery(image.journal(), checkpoint, views);
    }
};

void expect_damage_between(const RecoveryPlan& plan, uint64_t before, uint64_t behind) {
    EXPECT_TRUE(plan.gap);
    EXPECT_EQ(plan.findings.front().name, RecoveryCase::header_damaged);
    std::vector<uint64_t> kept;
    for (const AcceptedFrame& frame : plan.frames) {
        kept.push_back(frame.header.sequence);
        EXPECT_EQ(frame.after_gap, frame.header.sequence == behind);
    }
    std::vector<uint64_t> expected;
    for (uint64_t sequence = 1; sequence <= 5; ++sequence) {
        if (sequence <= before || sequence >= behind) {
            expected.push_back(sequence);
        }
    }
    EXPECT_EQ(kept, expected);
    EXPECT_GE(plan.durable_through, Sequence(4));
    EXPECT_EQ(plan.resume.last, Sequence(5));
}

TEST(Regression0003, ADamagedFenceIsDamageAndNotTheEnd) {
    TwoLives lives;
    lives.image.flip(lives.frames[2], 5);
    expect_damage_between(lives.recover(), 2, 4);
}

TEST(Regression0003, ADamagedLastFrameBeforeAFenceIsDamageAndNotTheEnd) {
    TwoLives lives;
    lives.image.flip(lives.frames[1], 5);
    expect_damage_between(lives.recover(), 1, 3);
}

// The fence that cut a life stands in the place of a frame that was never promised: what is left of
// that life behind it proves nothing.
TEST(Regression0003, WhatAFenceCutIsNotDamage) {
    JournalImage image;
    image.add_file(Generation(1));
    image.add_frame(frame_of("one", 0));
    const uint64_t chain = image.chain();
    const Written cut = image.add_frame(frame_of("two, torn", 1));
    image.add_frame(frame_of("three, left behind the cut", 1));
    image.rewind(cut, chain);
    image.add_frame(fence_of(22, 1));
    const auto views = image.views();
    const Checkpoint checkpoint = checkpoint_after(0);
    const RecoveryPlan plan = plan_recovery(image.journal(), checkpoint, views);
    EXPECT_FALSE(plan.gap);
    EXPECT_EQ(plan.frames.size(), 2U);
    EXPECT_EQ(plan.resume.last, Sequence(2));
}

}  // namespace
}  // namespace ringlog::engine

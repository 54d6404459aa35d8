// Fault: journal files were freed by the frames in them, not by what the checkpoint slots name. A
// slot may name a file that holds no frame behind it: the next frame did not fit there and went to
// the next file.
// Wrong: that file was recycled, and a broker that was killed refused every start: "no_files".
// Rule: a file is freed when neither slot names it or one before it. Either slot alone can begin a
// replay, both at any moment.
#include <gtest/gtest.h>

#include "engine/checkpoint.h"
#include "engine/frame.h"
#include "engine/journal_files.h"
#include "tests/support/shard_harness.h"

namespace ringlog::engine::test {
namespace {

constexpr std::array<const char*, 2> kSlots = {"/data/checkpoint-0.0", "/data/checkpoint-0.1"};
/// Fills of the journal's first file, up to beyond its end.
constexpr uint64_t kFills = 24;

/// What the slots of a disk say, the older one first.
struct SlotPair {
    Checkpoint older;
    Checkpoint newer;
};

Result<SlotPair> slots_of(const simulation::SimDisk& disk) {
    auto first = decode_checkpoint(disk.read_all(kSlots[0]), JournalId(0));
    auto second = decode_checkpoint(disk.read_all(kSlots[1]), JournalId(0));
    if (!first || !second) {
        return fail(first ? second.error() : first.error());
    }
    const bool in_order = first->number < second->number;
    return SlotPair{.older = in_order ? *first : *second, .newer = in_order ? *second : *first};
}

std::string path_of(Generation generation) {
    return "/data/journal.0/" + journal_file_name(generation);
}

/// Whether nothing of the file that `slot` names is behind it: the frame that follows is the first
/// of another file.
bool names_a_file_that_is_used_up(const simulation::SimDisk& disk, const Checkpoint& slot) {
    for (const std::string& path : disk.list_tree()) {
        const Generation generation =
            journal_file_generation(std::string_view(path).substr(path.rfind('/') + 1));
        if (generation <= slot.replay_generation) {
            continue;
        }
        const std::vector<std::byte> bytes = disk.read_all(path);
        AlignedBytes aligned(bytes.size());
        std::ranges::copy(bytes, aligned.bytes().begin());
        const FrameCheck first = check_frame(aligned.bytes(), {JournalId(0), generation, 0});
        if (first.finding == FrameFinding::valid &&
            Sequence(first.header.sequence) == slot.replay_after + 1) {
            return true;
        }
    }
    return false;
}

class Regression0001 : public ::testing::Test {
protected:
    /// Both slots say the same: they were taken with nothing in between.
    static void fill_and_checkpoint_twice(ShardHarness& harness, uint64_t fill) {
        ASSERT_TRUE(harness.create());
        harness.produce(fill);
        for (int i = 0; i < 2; ++i) {
            ASSERT_TRUE(harness.node().run(0, harness.shard()->checkpoint())->has_value());
        }
    }
    /// Gives what frees files the time to rename them, then looks, kills, starts with `damaged`.
    void expect_either_slot_is_enough(ShardHarness& harness, const char* damaged) {
        harness.world().run_for(5 * kMillisecondNs);
        simulation::SimDisk& disk = harness.node().disk();
        const auto slots = slots_of(disk);
        ASSERT_TRUE(slots.has_value());
        EXPECT_TRUE(disk.exists(path_of(slots->older.replay_generation)));
        EXPECT_TRUE(disk.exists(path_of(slots->newer.replay_generation)));
        used_up_ += names_a_file_that_is_used_up(disk, slots->older) ? 1 : 0;
        harness.crash(simulation::CrashKind::kill);
        if (damaged != nullptr) {
            disk.file(damaged).flip_bit(200, 3);
        }
        harness.restart();
        Error error{Errc::io_failed};
        ASSERT_TRUE(harness.recover(&error)) << describe(error);
        ASSERT_EQ(harness.verify(), "");
    }

    uint64_t used_up_ = 0;  ///< Runs that met what the fault needs.
};

// Method: for many fills of the first file, two checkpoints with nothing in between, appends, one
// more checkpoint, which frees files; a kill; a start with one slot damaged.
TEST_F(Regression0001, AStartSucceedsWithEitherCheckpointSlotAlone) {
    for (uint64_t fill = 1; fill <= kFills; ++fill) {
        for (const char* slot : kSlots) {
            SCOPED_TRACE(fmt::format("fill {} damaged {}", fill, slot));
            ShardHarness harness({.seed = 77});
            ASSERT_NO_FATAL_FAILURE(fill_and_checkpoint_twice(harness, fill));
            harness.produce(3);
            ASSERT_TRUE(harness.node().run(0, harness.shard()->checkpoint())->has_value());
            ASSERT_NO_FATAL_FAILURE(expect_either_slot_is_enough(harness, slot));
        }
    }
    EXPECT_GT(used_up_, 0U) << "no fill left the next frame to another file";
}

// Method: the same with both slots whole, and the appends begun at each step of a third checkpoint,
// most of all while its slot is being written: it has named the active file then, and frees files
// when that is not the active one any more.
TEST_F(Regression0001, AFrameThatGoesToTheNextFileDuringACheckpointTakesNoFileAway) {
    const auto run = [this](uint64_t fill, uint64_t steps) {
        ShardHarness harness({.seed = 77});
        ASSERT_NO_FATAL_FAILURE(fill_and_checkpoint_twice(harness, fill));
        const uint64_t before = harness.shard()->counters().checkpoints;
        harness.node().spawn(0, [](Shard* shard) -> io::Task<void> {
            (void)co_await shard->checkpoint();
        }(harness.shard()));
        const auto written = [&] { return harness.shard()->counters().checkpoints > before; };
        harness.world().run_until([&, n = steps]() mutable { return n-- == 0 || written(); });
        harness.produce(3);
        ASSERT_TRUE(harness.world().run_until(written, {.steps = 100'000}));
        ASSERT_NO_FATAL_FAILURE(expect_either_slot_is_enough(harness, nullptr));
    };
    for (uint64_t fill = 1; fill <= kFills; ++fill) {
        const uint64_t before = used_up_;
        ASSERT_NO_FATAL_FAILURE(run(fill, 0));
        for (uint64_t steps = 4; used_up_ > before && steps <= 120; steps += 4) {
            SCOPED_TRACE(fmt::format("fill {} step {}", fill, steps));
            ASSERT_NO_FATAL_FAILURE(run(fill, steps));
        }
    }
    EXPECT_GT(used_up_, 0U) << "no fill left the next frame to another file";
}

}  // namespace
}  // namespace ringlog::engine::test

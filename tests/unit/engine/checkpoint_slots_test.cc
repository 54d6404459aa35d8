// The two slots of a checkpoint on a simulated disk: whatever operation of a write fails, and
// wherever the power goes, the newest checkpoint that was reported as written is there, or a newer
// one.
#include <gtest/gtest.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine/checkpoint.h"
#include "tests/simulation/sim_world.h"
#include "tests/unit/engine/checkpoint_samples.h"

namespace ringlog::engine {
namespace {

using simulation::DiskEffect;
using simulation::SimNode;
using simulation::SimWorld;

constexpr JournalId kJournal(5);
constexpr size_t kManyPartitions = 900;  ///< More than a first slot holds.

io::Task<Result<void>> make_directory(io::Reactor& reactor) {
    co_return co_await reactor.run_blocking([&]() -> Result<void> {
        const auto made = reactor.files().make_directory("/data");
        return made ? reactor.files().sync_directory("/") : made;
    });
}

/// One node with an empty data directory.
struct Disk {
    explicit Disk(uint64_t seed) : world(seed), node(world.add_node()) {
        EXPECT_TRUE(*node.run(0, make_directory(node.reactor())));
    }

    CheckpointSlots& slots() {
        return node.own(std::make_unique<CheckpointSlots>(node.reactor(), "/data", kJournal));
    }

    SimWorld world;
    SimNode& node;
};

/// The newest checkpoint in both readings, and whether any slot is damaged.
struct Found {
    std::optional<Checkpoint> newest;
    bool damaged = false;
};

Found newest_of(const std::vector<SlotReading>& readings) {
    Found found;
    for (const SlotReading& reading : readings) {
        EXPECT_NE(reading.checkpoint.has_value(), reading.error.has_value());
        if (reading.checkpoint &&
            (!found.newest || found.newest->number < reading.checkpoint->number)) {
            found.newest = reading.checkpoint;
        }
        found.damaged |= reading.error && reading.error->code != Errc::not_found;
    }
    return found;
}

Found read_all(SimNode& node, CheckpointSlots& slots) {
    const auto readings = node.run(0, slots.read());
    EXPECT_TRUE(readings && *readings && (*readings)->size() == 2);
    return newest_of(**readings);
}

TEST(CheckpointSlots, AreEmptyWhenCreatedAndMissingBefore) {
    Disk disk(1);
    auto& slots = disk.slots();
    EXPECT_FALSE(read_all(disk.node, slots).newest);
    ASSERT_TRUE(*disk.node.run(0, slots.create()));
    const Found found = read_all(disk.node, slots);
    EXPECT_FALSE(found.newest);
    EXPECT_FALSE(found.damaged);
    ASSERT_TRUE(*disk.node.run(0, slots.remove()));
    ASSERT_TRUE(*disk.node.run(0, slots.remove()));
    EXPECT_FALSE(disk.node.disk().exists(slots.path(0)));
}

TEST(CheckpointSlots, AMissingDirectoryIsAnError) {
    Disk disk(1);
    auto& slots =
        disk.node.own(std::make_unique<CheckpointSlots>(disk.node.reactor(), "/none", kJournal));
    const auto readings = disk.node.run(0, slots.read());
    ASSERT_TRUE(readings && !*readings);
    EXPECT_EQ(readings->error().code, Errc::not_found);
}

TEST(CheckpointSlots, AlternateAndSurviveARestart) {
    Disk disk(2);
    Random random(9);
    std::vector<Checkpoint> written;
    ASSERT_TRUE(*disk.node.run(0, disk.slots().create()));
    for (uint64_t number = 1; number <= 6; ++number) {
        auto& slots = disk.slots();
        const Found before = read_all(disk.node, slots);
        EXPECT_EQ(before.newest.has_value(), number > 1);
        // The fourth is larger than its slot.
        written.push_back(
            test::random_checkpoint(random, kJournal, number, number == 4 ? kManyPartitions : 3));
        ASSERT_TRUE(*disk.node.run(0, slots.write(written.back())));
        disk.node.crash(simulation::CrashKind::power_loss);
        disk.node.restart();
        const auto readings = disk.node.run(0, disk.slots().read());
        ASSERT_TRUE(readings && *readings);
        EXPECT_EQ(newest_of(**readings).newest, written.back());
        for (const SlotReading& reading : **readings) {
            if (number > 1) {
                ASSERT_TRUE(reading.checkpoint);
                EXPECT_GE(reading.checkpoint->number, number - 1);
            }
        }
    }
}

TEST(CheckpointSlots, DamageIsToldApartFromAnEmptySlot) {
    Disk disk(3);
    Random random(9);
    auto& slots = disk.slots();
    ASSERT_TRUE(*disk.node.run(0, slots.create()));
    for (uint64_t number = 1; number <= 2; ++number) {
        const auto checkpoint = test::random_checkpoint(random, kJournal, number, 3);
        ASSERT_TRUE(*disk.node.run(0, slots.write(checkpoint)));
    }
    disk.node.disk().file(slots.path(1)).flip_bit(1000, 3);
    const Found found = read_all(disk.node, slots);
    EXPECT_TRUE(found.damaged);
    ASSERT_TRUE(found.newest);
    EXPECT_EQ(found.newest->number, 1U);
    // The damaged one is written next.
    const auto third = test::random_checkpoint(random, kJournal, 3, 1);
    ASSERT_TRUE(*disk.node.run(0, slots.write(third)));
    const Found mended = read_all(disk.node, slots);
    EXPECT_FALSE(mended.damaged);
    EXPECT_EQ(mended.newest, third);
}

/// The third is larger than its slot.
std::vector<Checkpoint> five_checkpoints() {
    Random random(77);
    std::vector<Checkpoint> all;
    for (uint64_t number = 1; number <= 5; ++number) {
        all.push_back(
            test::random_checkpoint(random, kJournal, number, number == 3 ? kManyPartitions : 20));
    }
    return all;
}

// Goal: a checkpoint that was reported as written, or a newer one, is there after any single
// failure. Method: `effect` happens to the Nth change of the disk, for N = 1, 2, 3... until a run
// sees no fault.
class CheckpointSlotsFault : public testing::TestWithParam<DiskEffect> {};

/// Remembers what was acknowledged even when the node dies under the writer.
io::Task<void> write_and_note(CheckpointSlots& slots, const std::vector<Checkpoint>& all,
                              std::shared_ptr<uint64_t> acknowledged) {
    const auto created = co_await slots.create();
    for (const Checkpoint& checkpoint : all) {
        if (!created) {
            break;
        }
        const auto written = co_await slots.write(checkpoint);
        if (written) {
            *acknowledged = checkpoint.number;
        }
    }
}

TEST_P(CheckpointSlotsFault, AnySingleOneLeavesTheNewestOrItsPredecessor) {
    const auto all = five_checkpoints();
    uint64_t n = 1;
    for (; n < 500; ++n) {
        SCOPED_TRACE(testing::Message() << "operation " << n);
        Disk disk(n);
        const auto acknowledged = std::make_shared<uint64_t>(0);
        const auto plan =
            disk.node.disk().arm({.effect = GetParam(), .kinds = simulation::kChanges, .nth = n});
        (void)disk.node.run(0, write_and_note(disk.slots(), all, acknowledged));
        const bool fired = plan->fired();
        disk.node.disk().arm(nullptr);
        if (disk.node.up()) {
            disk.node.crash(simulation::CrashKind::power_loss);
        }
        disk.node.restart();
        const Found found = read_all(disk.node, disk.slots());
        EXPECT_FALSE(found.damaged);
        if (*acknowledged > 0) {
            ASSERT_TRUE(found.newest);
            EXPECT_GE(found.newest->number, *acknowledged);
        }
        if (found.newest) {
            EXPECT_EQ(*found.newest, all[found.newest->number - 1]);
        }
        if (!fired) {
            EXPECT_EQ(*acknowledged, all.size());
            break;
        }
    }
    EXPECT_GT(n, 20U);
    EXPECT_LT(n, 500U);
}

INSTANTIATE_TEST_SUITE_P(Effects, CheckpointSlotsFault,
                         testing::Values(DiskEffect::power_loss, DiskEffect::kill,
                                         DiskEffect::error, DiskEffect::torn, DiskEffect::no_space,
                                         DiskEffect::short_io),
                         [](const auto& parameter) {
                             return std::string(simulation::effect_name(parameter.param));
                         });

}  // namespace
}  // namespace ringlog::engine

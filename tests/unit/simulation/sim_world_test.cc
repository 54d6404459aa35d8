// Whole worlds: that a task runs, that a crash leaves what it must, and that one seed is one run.
#include "tests/simulation/sim_world.h"

#include <gtest/gtest.h>

#include <array>

#include "io/file.h"
#include "io/mesh.h"

namespace ringlog::simulation {
namespace {

using io::Task;

struct alignas(4096) AlignedBlock {
    std::array<std::byte, 4096> bytes;
};

AlignedBlock block_of(char fill) {
    AlignedBlock block;
    block.bytes.fill(static_cast<std::byte>(fill));
    return block;
}

/// Makes /data/log of `blocks` zero blocks, durable with its name.
Result<void> make_log(io::FileSystem& files, uint64_t blocks) {
    if (auto made = files.make_directory("/data"); !made) {
        return made;
    }
    auto opened = files.open("/data/log", {.create = true, .write = true});
    if (!opened) {
        return fail(opened.error());
    }
    if (auto written = files.prewrite(opened->descriptor, 0, blocks * 4096); !written) {
        return written;
    }
    files.close(opened->descriptor);
    if (auto synced = files.sync_directory("/data"); !synced) {
        return synced;
    }
    return files.sync_directory("/");
}

/// Writes blocks 'a', 'b', ... one after the other, each flushed; the last that was acknowledged is
/// *acked.
Task<void> write_log(SimNode& node, uint64_t blocks, uint64_t* acked) {
    io::Reactor& reactor = node.reactor();
    io::FileSystem& files = reactor.files();
    auto made = co_await reactor.run_blocking([&files, blocks] { return make_log(files, blocks); });
    if (!made) {
        co_return;
    }
    auto opened = co_await reactor.run_blocking(
        [&files] { return files.open("/data/log", {.write = true}); });
    if (!opened) {
        co_return;
    }
    auto attached = io::File::attach(reactor, *opened);
    auto file = std::make_unique<io::File>(std::move(*attached));
    for (uint64_t i = 0; i < blocks; ++i) {
        // On the heap: a coroutine's frame does not honour the alignment.
        const auto block = std::make_unique<AlignedBlock>(block_of(static_cast<char>('a' + i)));
        auto written = co_await file->write(block->bytes, i * 4096, io::WriteMode::flushed);
        if (!written || *written != 4096) {
            break;
        }
        *acked = i + 1;
    }
    file->close();
}

uint64_t intact_blocks(SimNode& node) {
    if (!node.disk().exists("/data/log")) {
        return 0;
    }
    const std::vector<std::byte> bytes = node.disk().read_all("/data/log");
    uint64_t count = 0;
    for (uint64_t at = 0; at + 4096 <= bytes.size(); at += 4096) {
        const AlignedBlock expected = block_of(static_cast<char>('a' + count));
        if (!std::equal(expected.bytes.begin(), expected.bytes.end(),
                        bytes.begin() + static_cast<ptrdiff_t>(at))) {
            break;
        }
        ++count;
    }
    return count;
}

TEST(SimWorld, ATaskReadsAndWritesFilesAndTheWorldBecomesIdle) {
    SimWorld world(1);
    SimNode& node = world.add_node();
    uint64_t acked = 0;
    EXPECT_TRUE(node.run(0, write_log(node, 8, &acked)));
    EXPECT_EQ(acked, 8u);
    EXPECT_EQ(intact_blocks(node), 8u);
    EXPECT_TRUE(world.run_until_idle());
    EXPECT_GT(world.now(), 8 * 200'000);
    node.stop();
}

// Goal: nothing that was acknowledged is lost, whenever the power goes.
TEST(SimWorld, FlushedWritesSurviveAPowerLossAtAnyStep) {
    for (uint64_t seed = 1; seed <= 200; ++seed) {
        SCOPED_TRACE(seed);
        SimWorld world(seed);
        SimNode& node = world.add_node();
        uint64_t acked = 0;
        node.spawn(0, write_log(node, 8, &acked));
        const uint64_t steps = world.random().below(60);
        world.run_until([&] { return world.steps() >= steps; });
        const auto kind = seed % 2 == 0 ? CrashKind::kill : CrashKind::power_loss;
        node.crash(kind);
        node.restart();
        ASSERT_GE(intact_blocks(node), acked);
        ASSERT_LE(intact_blocks(node), acked + 1);
    }
}

TEST(SimWorld, OneSeedIsOneRunAndAnotherSeedIsAnother) {
    const auto run = [](uint64_t seed) {
        SimWorld world(seed);
        SimNode& node = world.add_node({.cores = 2});
        uint64_t acked = 0;
        node.spawn(0, write_log(node, 8, &acked));
        world.run_until_idle();
        return world.trace().hash();
    };
    EXPECT_EQ(run(7), run(7));
    EXPECT_NE(run(7), run(8));
}

Task<Result<uint64_t>> double_it(uint64_t value) {
    co_return value * 2;
}

Task<Result<uint64_t>> ask_core_one(SimNode& node) {
    auto answer = co_await io::call_on(node.reactor(0), io::CoreId(1), [](io::Reactor& there) {
        return double_it(there.core().value() + 20);
    });
    co_return answer;
}

TEST(SimWorld, CoresOfANodeAnswerEachOther) {
    SimWorld world(3);
    SimNode& node = world.add_node({.cores = 2});
    const std::optional<Result<uint64_t>> answer = node.run(0, ask_core_one(node));
    ASSERT_TRUE(answer.has_value());
    EXPECT_EQ(**answer, 42u);
}

Task<void> sleep_then(SimNode& node, int64_t ns, MonotonicNs* woke) {
    co_await node.reactor().sleep_for(ns);
    *woke = node.reactor().now();
}

TEST(SimWorld, TimeJumpsToTheNextTimerAndNeverWakesEarly) {
    SimWorld world(4);
    SimNode& node = world.add_node();
    MonotonicNs woke = 0;
    const MonotonicNs before = node.reactor().exact_now();
    EXPECT_TRUE(node.run(0, sleep_then(node, 3600 * kSecondNs, &woke)));
    EXPECT_GE(woke, before + 3600 * kSecondNs);
    EXPECT_LT(woke, before + 3600 * kSecondNs + kMillisecondNs);
    EXPECT_LT(world.steps(), 100u);
}

TEST(SimWorld, APausedCoreDoesNothingUntilThePauseEnds) {
    SimWorld world(5);
    SimNode& node = world.add_node();
    MonotonicNs woke = 0;
    const MonotonicNs start = node.reactor().exact_now();
    node.pause(0, kSecondNs);
    EXPECT_TRUE(node.run(0, sleep_then(node, kMillisecondNs, &woke)));
    EXPECT_GE(woke, start + kSecondNs);
}

TEST(SimWorld, ATaskOfADeadNodeNeverRunsAgain) {
    SimWorld world(6);
    SimNode& node = world.add_node();
    MonotonicNs woke = 0;
    node.spawn(0, sleep_then(node, kSecondNs, &woke));
    world.run_for(kMillisecondNs);
    node.crash(CrashKind::kill);
    EXPECT_FALSE(node.up());
    EXPECT_TRUE(world.run_until_idle());
    EXPECT_EQ(woke, 0);
    node.restart();
    EXPECT_TRUE(node.run(0, sleep_then(node, kSecondNs, &woke)));
    EXPECT_GT(woke, 0);
}

TEST(SimWorld, APlannedFaultKillsTheNodeWhileTheOperationIsUnderWay) {
    SimWorld world(9);
    SimNode& node = world.add_node();
    uint64_t acked = 0;
    const auto plan =
        node.disk().arm({.effect = DiskEffect::power_loss, .kinds = kWrites, .nth = 3});
    EXPECT_FALSE(node.run(0, write_log(node, 8, &acked)));
    EXPECT_TRUE(plan->fired());
    EXPECT_FALSE(node.up());
    EXPECT_EQ(acked, 2u);
    node.restart();
    EXPECT_GE(intact_blocks(node), 2u);
}

}  // namespace
}  // namespace ringlog::simulation

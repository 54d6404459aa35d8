// The operations of a simulated core: faults of single operations, writes that outlive their
// process.
#include "tests/simulation/sim_backend.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cstdlib>

#include "io/file.h"
#include "tests/simulation/sim_world.h"
#include "tests/simulation/sweep.h"

namespace ringlog::simulation {
namespace {

using io::Task;
using io::WriteMode;

struct AlignedBytes {
    explicit AlignedBytes(uint64_t count, char fill = 0)
        : data(static_cast<std::byte*>(std::aligned_alloc(4096, count))), size(count) {
        std::fill_n(data, count, static_cast<std::byte>(fill));
    }
    AlignedBytes(const AlignedBytes&) = delete;
    AlignedBytes& operator=(const AlignedBytes&) = delete;
    ~AlignedBytes() { std::free(data); }
    [[nodiscard]] Bytes bytes() const { return {data, size}; }

    std::byte* data;
    uint64_t size;
};

/// A node with /log: `blocks` durable blocks of zeros, open.
struct LogNode {
    explicit LogNode(uint64_t seed, uint64_t blocks = 4) : world(seed), node(world.add_node()) {
        prepare(blocks);
    }
    void prepare(uint64_t blocks) {
        auto opened = node.files().open("/log", {.create = true, .write = true});
        RL_ASSERT(node.files().prewrite(opened->descriptor, 0, blocks * 4096).has_value());
        RL_ASSERT(node.files().sync_directory("/").has_value());
        open(*opened);
    }
    void open(const io::OpenedFile& opened) {
        file = &node.own(std::make_unique<io::File>(*io::File::attach(node.reactor(), opened)));
    }
    void reopen() { open(*node.files().open("/log", {.write = true})); }
    AlignedBytes& buffer(uint64_t blocks, char fill) {
        return node.own(std::make_unique<AlignedBytes>(blocks * 4096, fill));
    }
    [[nodiscard]] std::string text(uint64_t position, uint64_t count) {
        const std::vector<std::byte> all = node.disk().read_all("/log");
        return std::string(as_text(all).substr(position, count));
    }

    SimWorld world;
    SimNode& node;
    io::File* file = nullptr;
};

Task<Result<uint32_t>> write(io::File* file, ByteView bytes, uint64_t position, WriteMode mode) {
    auto written = co_await file->write(bytes, position, mode);
    co_return written;
}

Task<Result<uint32_t>> read(io::File* file, Bytes to, uint64_t position) {
    auto count = co_await file->read(to, position);
    co_return count;
}

Task<Result<uint32_t>> flush(io::File* file) {
    auto flushed = co_await file->flush();
    co_return flushed;
}

TEST(SimBackend, ReadsAndWritesMoveBytesAndEndAtTheFilesEnd) {
    LogNode log(1);
    const auto written =
        log.node.run(0, write(log.file, log.buffer(1, 'x').bytes(), 4096, WriteMode::plain));
    EXPECT_EQ(**written, 4096u);
    AlignedBytes& to = log.buffer(4, '?');
    EXPECT_EQ(**log.node.run(0, read(log.file, to.bytes(), 8192)), 8192u);
    EXPECT_EQ(**log.node.run(0, read(log.file, to.bytes(), 4096)), 3u * 4096);
    EXPECT_EQ(as_text(to.bytes()).substr(0, 4097), std::string(4096, 'x') + '\0');
    EXPECT_EQ(**log.node.run(0, read(log.file, to.bytes(), 1'000 * 4096)), 0u);
    log.file->close();
}

TEST(SimBackend, MisalignedOperationsAreRefused) {
    LogNode log(1);
    const Bytes buffer = log.buffer(2, 'x').bytes();
    const auto result =
        log.node.run(0, write(log.file, buffer.subspan(512, 4096), 0, WriteMode::plain));
    EXPECT_EQ(result->error().os_errno, EINVAL);
    EXPECT_EQ(log.node.run(0, read(log.file, buffer.first(512), 0))->error().os_errno, EINVAL);
    log.file->close();
}

TEST(SimBackend, EveryEffectOnAWriteIsReportedAsItIs) {
    struct Row {
        DiskEffect effect;
        int64_t result;  ///< Bytes, or minus errno; -1: any count of whole sectors.
        std::string first_bytes;
    };
    const Row rows[] = {{DiskEffect::error, -EIO, std::string(2, '\0')},
                        {DiskEffect::no_space, -ENOSPC, std::string(2, '\0')},
                        {DiskEffect::lost, 8192, std::string(2, '\0')},
                        {DiskEffect::short_io, -1, "xx"}};
    for (const Row& row : rows) {
        SCOPED_TRACE(effect_name(row.effect));
        LogNode log(5);
        log.node.disk().arm({.effect = row.effect, .kinds = kWrites});
        const auto result =
            log.node.run(0, write(log.file, log.buffer(2, 'x').bytes(), 0, WriteMode::flushed));
        ASSERT_TRUE(result.has_value());
        const int64_t got = *result ? int64_t{**result} : -int64_t{result->error().os_errno};
        if (row.result == -1) {
            EXPECT_GT(got, 0);
            EXPECT_LT(got, 8192);
            EXPECT_EQ(got % 512, 0);
        } else {
            EXPECT_EQ(got, row.result);
        }
        EXPECT_EQ(log.text(0, 2), row.first_bytes);
        log.file->close();
    }
}

TEST(SimBackend, AMisdirectedWriteLandsElsewhereInItsFileAndClaimsSuccess) {
    bool elsewhere = false;
    for (uint64_t seed = 1; seed <= 20; ++seed) {
        LogNode log(seed);
        log.node.disk().arm({.effect = DiskEffect::misdirected, .kinds = kWrites});
        EXPECT_EQ(
            **log.node.run(0, write(log.file, log.buffer(1, 'x').bytes(), 0, WriteMode::flushed)),
            4096u);
        const std::string all = log.text(0, 4 * 4096);
        ASSERT_EQ(std::ranges::count(all, 'x'), 4096);
        ASSERT_EQ(all.find('x') % 4096, 0u);
        elsewhere = elsewhere || all[0] != 'x';
        log.file->close();
    }
    EXPECT_TRUE(elsewhere);
}

TEST(SimBackend, ACorruptWriteAndACorruptReadDifferInOneBit) {
    LogNode log(5);
    const auto flipped_bits = [](const std::string& text) {
        uint64_t bits = 0;
        for (const char c : text) {
            bits += static_cast<uint64_t>(std::popcount(static_cast<uint8_t>(c ^ 'x')));
        }
        return bits;
    };
    log.node.disk().arm({.effect = DiskEffect::corrupt, .kinds = kWrites});
    log.node.run(0, write(log.file, log.buffer(1, 'x').bytes(), 0, WriteMode::flushed));
    EXPECT_EQ(flipped_bits(log.text(0, 4096)), 1u);
    log.node.run(0, write(log.file, log.buffer(1, 'x').bytes(), 0, WriteMode::flushed));
    log.node.disk().arm({.effect = DiskEffect::corrupt, .kinds = kReads});
    AlignedBytes& to = log.buffer(1, '?');
    log.node.run(0, read(log.file, to.bytes(), 0));
    EXPECT_EQ(flipped_bits(std::string(as_text(to.bytes()))), 1u);
    EXPECT_EQ(flipped_bits(log.text(0, 4096)), 0u);
    log.file->close();
}

Task<void> sync_and_count(SimNode& node, uint64_t* done) {
    io::FileSystem& files = node.files();
    co_await node.reactor().run_blocking([&files] {
        (void)files.sync_directory("/");
        (void)files.make_directory("/behind");
    });
    ++*done;
}

TEST(SimBackend, ABlockingCallThatHangsNeverComesBackAndDoesNothingMore) {
    SimWorld world(2);
    SimNode& node = world.add_node();
    uint64_t done = 0;
    node.disk().arm({.effect = DiskEffect::hang, .kinds = kFsSyncs});
    node.spawn(0, sync_and_count(node, &done));
    EXPECT_TRUE(world.run_until_idle());
    EXPECT_EQ(done, 0u);
    EXPECT_FALSE(node.disk().exists("/behind"));
    node.spawn(0, sync_and_count(node, &done));  // another helper still works
    EXPECT_TRUE(world.run_until_idle());
    EXPECT_EQ(done, 1u);
    EXPECT_TRUE(node.disk().exists("/behind"));
}

TEST(SimBackend, ATornWriteLeavesSomeSectors) {
    LogNode log(6);
    log.node.disk().arm({.effect = DiskEffect::torn, .kinds = kWrites});
    const auto result =
        log.node.run(0, write(log.file, log.buffer(4, 'x').bytes(), 0, WriteMode::flushed));
    EXPECT_EQ(result->error().os_errno, EIO);
    uint64_t there = 0;
    for (uint64_t at = 0; at < 4 * 4096; at += 512) {
        const std::string sector = log.text(at, 512);
        ASSERT_EQ(sector, std::string(512, sector[0]));
        there += sector[0] == 'x' ? 1 : 0;
    }
    EXPECT_GT(there, 0u);
    EXPECT_LT(there, 32u);
    log.file->close();
}

TEST(SimBackend, AFlushCoversWhatHadCompletedBeforeItWasSubmitted) {
    LogNode log(7);
    ASSERT_TRUE(log.node.run(0, write(log.file, log.buffer(1, 'a').bytes(), 0, WriteMode::plain)));
    ASSERT_TRUE(**log.node.run(0, flush(log.file)) == 0u);
    ASSERT_TRUE(
        log.node.run(0, write(log.file, log.buffer(1, 'b').bytes(), 4096, WriteMode::plain)));
    log.node.crash(CrashKind::power_loss, {.data = Fate::lost});
    EXPECT_EQ(log.text(0, 1), "a");
    EXPECT_EQ(log.text(4096, 1), std::string(1, '\0'));
}

TEST(SimBackend, AFailedFlushLosesWhatALaterOneSeemsToSave) {
    uint64_t lost = 0;
    for (uint64_t seed = 1; seed <= 20; ++seed) {
        LogNode log(seed);
        log.node.run(0, write(log.file, log.buffer(1, 'a').bytes(), 0, WriteMode::plain));
        log.node.disk().arm({.effect = DiskEffect::error, .kinds = kFlushes});
        EXPECT_EQ(log.node.run(0, flush(log.file))->error().os_errno, EIO);
        EXPECT_TRUE(log.node.run(0, flush(log.file))->has_value());
        log.node.crash(CrashKind::power_loss);
        lost += log.text(0, 4096) == std::string(4096, 'a') ? 0 : 1;
    }
    EXPECT_GT(lost, 10u);
}

Task<void> write_and_count(io::File* file, ByteView bytes, uint64_t position, uint64_t* done) {
    auto written = co_await file->write(bytes, position, WriteMode::flushed);
    *done += written ? 1 : 0;
}

// Goal: a write that the kernel held when its process died can land after the next process has
// opened the file, and no longer once that process has synced the file.
TEST(SimBackend, LateWritesOfADeadProcessLandUntilASync) {
    uint64_t landed_later = 0;
    for (uint64_t seed = 1; seed <= 50; ++seed) {
        LogNode log(seed);
        uint64_t done = 0;
        log.node.disk().set_extra_latency(10 * kMillisecondNs);
        log.node.spawn(0, write_and_count(log.file, log.buffer(1, 'x').bytes(), 0, &done));
        log.world.run_for(kMillisecondNs);
        ASSERT_EQ(done, 0u);
        log.node.crash(CrashKind::kill);
        log.node.restart();
        log.reopen();
        EXPECT_EQ(log.text(0, 1), std::string(1, '\0'));
        const bool pending = log.node.disk().late_writes() == 1;
        if (seed % 2 == 0) {
            auto opened = log.node.files().open("/log", {.write = true});
            ASSERT_TRUE(log.node.files().sync_data(opened->descriptor));
            EXPECT_EQ(log.node.disk().late_writes(), 0u);
            EXPECT_EQ(log.text(0, 1) == "x", pending);
            log.node.disk().file("/log").overwrite_at_rest(0, as_bytes("y"));
            log.world.run_for(kSecondNs);
            EXPECT_EQ(log.text(0, 1), "y");
        } else {
            log.world.run_for(kSecondNs);
            EXPECT_EQ(log.text(0, 1) == "x", pending);
        }
        landed_later += pending ? 1 : 0;
        log.file->close();
    }
    EXPECT_GT(landed_later, 20u);
    EXPECT_LT(landed_later, 50u);
}

TEST(SimBackend, AHungOperationNeverCompletesAndDiesWithItsNode) {
    LogNode log(3);
    uint64_t done = 0;
    log.node.disk().arm({.effect = DiskEffect::hang, .kinds = kWrites});
    log.node.spawn(0, write_and_count(log.file, log.buffer(1, 'x').bytes(), 0, &done));
    EXPECT_TRUE(log.world.run_until_idle());
    EXPECT_EQ(done, 0u);
    EXPECT_EQ(log.node.reactor().backend().file_ops_in_flight(), 1u);
    log.node.crash(CrashKind::kill);
}

TEST(SimBackend, ABadSectorFailsReadsOfIt) {
    LogNode log(3);
    log.node.disk().file("/log").make_sector_bad(4096);
    AlignedBytes& to = log.buffer(1, '?');
    EXPECT_TRUE(log.node.run(0, read(log.file, to.bytes(), 0))->has_value());
    EXPECT_EQ(log.node.run(0, read(log.file, to.bytes(), 4096))->error().os_errno, EIO);
    log.file->close();
}

Task<bool> write_four(io::File* file, ByteView bytes) {
    for (uint64_t i = 0; i < 4; ++i) {
        auto written =
            co_await file->write(bytes.subspan(i * 4096, 4096), i * 4096, WriteMode::flushed);
        if (!written || *written < 4096) {
            co_return false;
        }
    }
    co_return true;
}

TEST(Sweep, VisitsEveryOperationOncePerEffectAndEndsWithoutAFault) {
    uint64_t complete = 0;
    const SweepResult result = for_each_fault(
        {.effects = {DiskEffect::error, DiskEffect::power_loss}, .kinds = kWrites},
        [&](const std::shared_ptr<FaultPlan>& plan) {
            LogNode log(11);
            log.node.disk().arm(plan);
            const auto wrote = log.node.run(0, write_four(log.file, log.buffer(4, 'x').bytes()));
            EXPECT_EQ(wrote.value_or(false), !plan->fired());
            EXPECT_EQ(log.node.up(), !plan->fired() || plan->fault().effect == DiskEffect::error);
            complete += wrote.value_or(false) ? 1 : 0;
            if (log.node.up()) {
                log.file->close();
            }
        });
    EXPECT_EQ(result.faults, 8u);
    EXPECT_EQ(result.runs, 10u);
    EXPECT_EQ(complete, 2u);
}

}  // namespace
}  // namespace ringlog::simulation

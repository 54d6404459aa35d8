// The bytes of a checkpoint: what was encoded comes back, and nothing else passes for a checkpoint.
#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "base/checksum.h"
#include "engine/checkpoint.h"
#include "tests/unit/engine/checkpoint_samples.h"

namespace ringlog::engine {
namespace {

constexpr JournalId kJournal(3);

Errc code_of(const Result<Checkpoint>& result) {
    return result ? Errc{} : result.error().code;
}

/// Makes both hashes right again after a change.
void fix_hashes(std::vector<std::byte>& slot) {
    const uint64_t seed = 0x31504b43474f4c52 ^ uint64_t { kJournal.value() };
    const ByteView view(slot);
    store_le<uint64_t>(&slot[88], xxh3(view.subspan(128), seed));
    store_le<uint64_t>(&slot[120], xxh3(view.first(120), seed));
}

TEST(CheckpointCodec, WhatWasEncodedComesBack) {
    for (uint64_t seed = 0; seed < 200; ++seed) {
        SCOPED_TRACE(seed);
        Random random(seed);
        const Checkpoint checkpoint =
            test::random_checkpoint(random, kJournal, seed, random.below(12));
        auto slot = encode_checkpoint(checkpoint);
        ASSERT_EQ(slot.size() % kBlockBytes, 0U);
        ASSERT_EQ(checkpoint_bytes(ByteView(slot).first(kBlockBytes), kJournal), slot.size());
        slot.insert(slot.end(), 5000, std::byte{0x5a});  // What an older, larger one left.
        const auto decoded = decode_checkpoint(slot, kJournal);
        ASSERT_TRUE(decoded);
        ASSERT_EQ(*decoded, checkpoint);
    }
}

TEST(CheckpointCodec, EveryFlippedByteIsFound) {
    Random random(1);
    const auto good = encode_checkpoint(test::random_checkpoint(random, kJournal, 7, 2));
    for (size_t at = 0; at < good.size(); ++at) {
        for (const unsigned mask : {0x01U, 0x80U, 0xffU}) {
            auto bad = good;
            bad[at] ^= static_cast<std::byte>(mask);
            ASSERT_EQ(code_of(decode_checkpoint(bad, kJournal)), Errc::corrupt_file) << at;
        }
    }
}

TEST(CheckpointCodec, EveryTruncationIsFound) {
    Random random(2);
    const auto good = encode_checkpoint(test::random_checkpoint(random, kJournal, 7, 2));
    for (size_t size = 0; size < good.size(); ++size) {
        ASSERT_EQ(code_of(decode_checkpoint(ByteView(good).first(size), kJournal)),
                  Errc::corrupt_file)
            << size;
    }
}

TEST(CheckpointCodec, ZerosAreAnEmptySlotAndNoCheckpoint) {
    const std::vector<std::byte> zeros(kBlockBytes);
    EXPECT_EQ(checkpoint_bytes(zeros, kJournal).error().code, Errc::not_found);
    EXPECT_EQ(code_of(decode_checkpoint(zeros, kJournal)), Errc::corrupt_file);
}

TEST(CheckpointCodec, TheSlotOfAnotherJournalIsRefused) {
    Random random(3);
    const auto slot = encode_checkpoint(test::random_checkpoint(random, JournalId(4), 1, 1));
    EXPECT_EQ(code_of(decode_checkpoint(slot, kJournal)), Errc::corrupt_file);
}

TEST(CheckpointCodec, ANewerVersionIsNamedOnlyWhenItsHashHolds) {
    Random random(4);
    auto slot = encode_checkpoint(test::random_checkpoint(random, kJournal, 1, 1));
    slot[8] = std::byte{2};
    EXPECT_EQ(code_of(decode_checkpoint(slot, kJournal)), Errc::corrupt_file);
    fix_hashes(slot);
    const auto decoded = decode_checkpoint(slot, kJournal);
    ASSERT_FALSE(decoded);
    EXPECT_EQ(decoded.error(), (Error{.code = Errc::version_unknown, .at = 2}));
}

TEST(CheckpointCodec, CountsThatDoNotFitAreRefusedEvenUnderRightHashes) {
    Random random(5);
    const auto good = encode_checkpoint(test::random_checkpoint(random, kJournal, 1, 3));
    // Every four bytes of the header and the first state in turn claim almost everything.
    for (size_t at = 16; at < 128 + 96; at += 4) {
        if (at == 88 || at == 92 || at >= 120) {
            if (at < 128) {
                continue;
            }
        }
        auto bad = good;
        store_le<uint32_t>(&bad[at], 0xfffffff0);
        fix_hashes(bad);
        const auto decoded = decode_checkpoint(bad, kJournal);
        if (!decoded) {
            EXPECT_EQ(decoded.error().code, Errc::corrupt_file) << at;
        }
    }
    auto bad = good;
    store_le<uint32_t>(&bad[80], 0xffffffff);  // The number of partitions.
    fix_hashes(bad);
    EXPECT_EQ(code_of(decode_checkpoint(bad, kJournal)), Errc::corrupt_file);
    for (const size_t at : {72U, 76U, 80U}) {  // Segments, epochs, producers of the first.
        bad = good;
        store_le<uint32_t>(&bad[128 + at], 0xffffffff);
        fix_hashes(bad);
        EXPECT_EQ(code_of(decode_checkpoint(bad, kJournal)), Errc::corrupt_file) << at;
    }
    bad = good;
    store_le<uint64_t>(&bad[24], load_le<uint64_t>(&good[24]) - 1);  // The bytes of the states.
    fix_hashes(bad);
    EXPECT_EQ(code_of(decode_checkpoint(bad, kJournal)), Errc::corrupt_file);
}

TEST(CheckpointCodec, TheWorkedExampleOfTheDocumentIsTrue) {
    Checkpoint checkpoint{.journal = JournalId(0),
                          .number = 7,
                          .replay_generation = Generation(3),
                          .replay_after = Sequence(120),
                          .last_stamp = Sequence(124),
                          .durable_through = Sequence(124),
                          .next_number = PartitionNumber(1)};
    PartitionState state{
        .id = {.topic = "t", .topic_id = *Uuid::from_base64("MkUuZ0bQR7yZvQmZkN8p5Q")},
        .stamp = Sequence(124),
        .leader_epoch = LeaderEpoch(2),
        .log_end_offset = 10,
        .destaged_bytes = 300};
    state.segments.push_back(
        {.bytes = 700, .max_timestamp = 1'700'000'000'000, .created_ms = 1'700'000'000'000});
    state.epochs.push_back({LeaderEpoch(2), 0});
    checkpoint.partitions.push_back(state);
    const auto slot = encode_checkpoint(checkpoint);
    const std::vector<std::pair<size_t, uint64_t>> words = {{0x00, 0x31504b43474f4c52},
                                                            {0x08, 0x0000008000000001},
                                                            {0x10, 4096},
                                                            {0x18, 141},
                                                            {0x20, 0x0000000100000000},
                                                            {0x28, 7},
                                                            {0x30, 3},
                                                            {0x38, 120},
                                                            {0x40, 124},
                                                            {0x48, 124},
                                                            {0x50, 1},
                                                            {0x58, 0xc8574184'7ebba2e8},
                                                            {0x78, 0xc28cdf3a'a240d6b5},
                                                            {0x80, 0},
                                                            {0x98, 124},
                                                            {0xa8, 10},
                                                            {0xb0, 300},
                                                            {0xc0, 0x0001000000000002},
                                                            {0xc8, 0x0000000100000001}};
    for (const auto& [at, value] : words) {
        EXPECT_EQ(load_le<uint64_t>(&slot[at]), value) << at;
    }
    EXPECT_EQ(slot[0xe0], std::byte{'t'});
    EXPECT_EQ(load_le<uint64_t>(&slot[0xe9]), 700U);
    EXPECT_EQ(slot.size(), 4096U);
}

}  // namespace
}  // namespace ringlog::engine

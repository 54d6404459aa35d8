// Segments under damage, failing disks and many readers at once: an answer is right or an error,
// never wrong bytes.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "engine/segment_store.h"
#include "tests/unit/engine/segment_harness.h"

namespace ringlog::engine {
namespace {

using simulation::DiskEffect;
using test::ModelSegment;
using test::StoreHarness;

/// Where in a batch a flipped bit can be noticed: not in the leader epoch, which nothing covers.
bool is_covered(uint64_t position_in_batch) {
    return position_in_batch < batch_field::kLeaderEpoch ||
           position_in_batch >= batch_field::kMagic;
}

/// Whether `read` is the beginning of `right` but for leader epochs, which nothing covers.
bool is_beginning(std::vector<std::byte> read, std::vector<std::byte> right) {
    for (auto* bytes : {&read, &right}) {
        uint64_t at = 0;
        while (at + kBatchHeaderBytes <= bytes->size()) {
            store_be<int32_t>(&(*bytes)[at + batch_field::kLeaderEpoch], 0);
            at += kBatchPrefixBytes + load_be<uint32_t>(&(*bytes)[at + batch_field::kBatchLength]);
        }
    }
    return read.size() <= right.size() && std::equal(read.begin(), read.end(), right.begin());
}

// Goal: damage in a segment is reported at the offset of the damaged batch, and what is before it
// is still served. Method: flip one bit at rest, read from every offset.
TEST(SegmentDamage, AFlippedBitIsReportedAtItsBatchAndNeverServed) {
    for (uint64_t seed = 1; seed <= 150; ++seed) {
        SCOPED_TRACE(seed);
        Random random(seed);
        StoreHarness harness(seed, {.index_interval_bytes = 700});
        const auto id = test::some_partition();
        ModelSegment segment(100);
        segment.fill(random, 25, 600);
        harness.destage(id, segment, random);
        if (seed % 2 == 0) {
            harness.reopen();
        }
        // Not the last: its base offset is only confirmed by the batch behind it.
        const size_t victim = random.below(segment.batches().size() - 1);
        const auto& batch = segment.batches()[victim];
        uint64_t at = random.below(batch.bytes.size());
        if (seed % 3 == 0) {
            at = random.below(kBatchHeaderBytes);
        }
        if (!is_covered(at)) {
            continue;
        }
        harness.disk()
            .file(harness.path(id, 100, ".log"))
            .flip_bit(batch.place.position + at, static_cast<uint32_t>(random.below(8)));
        for (size_t i = 0; i < segment.batches().size(); ++i) {
            const int64_t offset = segment.batches()[i].place.base_offset;
            const auto read = harness.read(id, segment, offset, 1500);
            const auto right = segment.expected(offset, 1500, UINT64_MAX);
            if (!read) {
                ASSERT_EQ(read.error().code, Errc::corrupt_batch);
                ASSERT_EQ(read.error().at, batch.place.base_offset) << "read from batch " << i;
                continue;
            }
            ASSERT_NE(i, victim);
            ASSERT_TRUE(is_beginning(read->bytes, right));
        }
        if (victim > 0) {
            ASSERT_TRUE(harness.read(id, segment, 100, 1500));
        }
    }
}

TEST(SegmentDamage, AFileThatEndsTooEarlyIsCorrupt) {
    Random random(1);
    StoreHarness harness(1);
    const auto id = test::some_partition();
    ModelSegment segment(0);
    segment.fill(random, 40, 600);
    harness.destage(id, segment, random);
    ASSERT_TRUE(harness.run(harness.store().seal(id, segment.state())));
    const auto& batch = segment.batches()[30];
    harness.disk().file(harness.path(id, 0, ".log")).truncate(batch.place.position + 70);
    harness.reopen();
    EXPECT_TRUE(harness.read(id, segment, 0, 1000));
    const auto read = harness.read(id, segment, batch.place.base_offset, 1000);
    ASSERT_FALSE(read);
    EXPECT_EQ(read.error().code, Errc::corrupt_batch);
    EXPECT_EQ(read.error().at, batch.place.base_offset);
}

// Goal: a read that fails says so, and one that succeeds is right, whichever operation fails.
// Method: the Nth read of the disk fails, is short, or cannot be opened, for N = 1, 2, 3... until a
// run sees no fault.
TEST(SegmentDamage, AFailingDiskGivesErrorsAndNoWrongAnswer) {
    for (const DiskEffect effect : {DiskEffect::error, DiskEffect::short_io, DiskEffect::corrupt}) {
        uint64_t n = 1;
        for (; n < 200; ++n) {
            SCOPED_TRACE(testing::Message() << simulation::effect_name(effect) << " " << n);
            Random random(7);
            StoreHarness harness(n, {.index_interval_bytes = 700});
            const auto id = test::some_partition();
            ModelSegment segment(0);
            segment.fill(random, 40, 600);
            harness.destage(id, segment, random);
            harness.reopen();
            const auto plan = harness.disk().arm(
                {.effect = effect,
                 .kinds = simulation::kReads | simulation::kFsReads | simulation::kFsNames,
                 .nth = n});
            for (int64_t offset = 0; offset < segment.next_offset(); offset += 17) {
                const auto read = harness.read(id, segment, offset, 3000);
                ASSERT_TRUE(read || plan->fired());
                if (read) {
                    const auto right = segment.expected(offset, 3000, UINT64_MAX);
                    // Damage behind the first batch ends an answer early.
                    ASSERT_TRUE(is_beginning(read->bytes, right)) << offset;
                }
            }
            harness.disk().arm(nullptr);
            harness.expect_every_timestamp(id, segment);
            if (!plan->fired()) {
                break;
            }
        }
        EXPECT_GT(n, 5U);
        EXPECT_LT(n, 200U);
    }
}

/// Reads at random, or looks up times, and compares; counts itself out at its end.
io::Task<void> keep_reading(StoreHarness& harness, SegmentStore& store,
                            const std::vector<TopicPartition>& ids,
                            const std::vector<ModelSegment>& segments, uint64_t seed,
                            int& running) {
    Random random(seed);
    for (int i = 0; i < 40; ++i) {
        const size_t which = random.below(ids.size());
        const ModelSegment& segment = segments[which];
        const auto max_bytes = static_cast<uint32_t>(random.below(20'000));
        const auto offset =
            static_cast<int64_t>(random.below(static_cast<uint64_t>(segment.next_offset())));
        if (random.chance(1, 8)) {
            co_await store.evict(ids[which]);
        }
        if (random.chance(1, 4)) {
            const auto& batch = segment.batches()[random.below(segment.batches().size())];
            const auto found = co_await store.find_timestamp(ids[which], segment.state(),
                                                             batch.place.max_timestamp, UINT64_MAX);
            EXPECT_TRUE(found && found->position <= batch.place.position);
            continue;
        }
        const auto read =
            co_await store.read(ids[which], segment.state(), offset, max_bytes, UINT64_MAX);
        EXPECT_TRUE(read && read->bytes == segment.expected(offset, max_bytes, UINT64_MAX));
        co_await harness.node().reactor().yield();
    }
    --running;
}

// Goal: few descriptors, few indexes and little memory make readers wait, never fail, and never for
// ever.
TEST(SegmentStoreUnderLoad, ManyReadersShareSmallBounds) {
    for (uint64_t seed = 1; seed <= 6; ++seed) {
        SCOPED_TRACE(seed);
        Random random(seed);
        StoreHarness harness(seed, {.index_interval_bytes = 500,
                                    .open_files_max = 2,
                                    .hot_indexes_max = 2,
                                    .read_budget_bytes = 16 << 10});
        std::vector<TopicPartition> ids;
        std::vector<ModelSegment> segments;
        for (uint64_t i = 0; i < 7; ++i) {
            ids.push_back(test::some_partition(i, "topic" + std::to_string(i)));
            segments.emplace_back(0);
            segments.back().fill(random, 60, 700);
            harness.destage(ids.back(), segments.back(), random);
        }
        int running = 12;
        const int readers = running;
        for (int i = 0; i < readers; ++i) {
            harness.node().spawn(
                0, keep_reading(harness, harness.store(), ids, segments, random.next(), running));
        }
        ASSERT_TRUE(harness.world().run_until([&] { return running == 0; }));
    }
}

/// Writes the segment piece by piece; `valid` is what may be read.
io::Task<void> keep_writing(SegmentStore& store, TopicPartition id, const ModelSegment& segment,
                            uint64_t& valid) {
    const auto image = segment.image();
    for (const auto& batch : segment.batches()) {
        const uint64_t from = round_down(valid, kBlockBytes);
        const uint64_t end = batch.place.position + batch.bytes.size();
        std::vector<std::byte> piece(image.begin() + static_cast<int64_t>(from),
                                     image.begin() + static_cast<int64_t>(end));
        piece.resize(round_up(piece.size(), kBlockBytes));
        const auto written = co_await store.write(id, 0, from, piece, batch.place.base_offset);
        EXPECT_TRUE(written);
        store.index(id, 0, batch.place);
        valid = end;
    }
    const auto sealed = co_await store.seal(id, segment.state());
    EXPECT_TRUE(sealed);
}

io::Task<void> read_behind(StoreHarness& harness, TopicPartition id, const ModelSegment& segment,
                           const uint64_t& valid, uint64_t seed, bool& done) {
    SegmentStore& store = harness.store();
    Random random(seed);
    while (valid < segment.state().bytes) {
        SegmentState so_far = segment.state();
        so_far.bytes = valid;
        so_far.max_timestamp = -1;
        uint64_t last = 0;
        for (size_t i = 0; i < segment.batches().size(); ++i) {
            if (segment.batches()[i].place.position < valid) {
                so_far.max_timestamp =
                    std::max(so_far.max_timestamp, segment.batches()[i].place.max_timestamp);
                last = i;
            }
        }
        if (valid == 0) {
            co_await harness.node().reactor().sleep_for(kMillisecondNs);
            continue;
        }
        const auto& batch = segment.batches()[random.below(last + 1)];
        if (random.chance(1, 4)) {
            const auto found =
                co_await store.find_timestamp(id, so_far, batch.place.max_timestamp, so_far.bytes);
            EXPECT_TRUE(found && found->position <= batch.place.position);
        }
        const auto read =
            co_await store.read(id, so_far, batch.place.base_offset, 2000, so_far.bytes);
        EXPECT_TRUE(read &&
                    read->bytes == segment.expected(batch.place.base_offset, 2000, so_far.bytes));
        if (random.chance(1, 10)) {
            co_await store.evict(id);
        }
    }
    done = true;
}

TEST(SegmentStoreUnderLoad, ReadsOverlapWithWritesOfTheSameSegment) {
    for (uint64_t seed = 1; seed <= 10; ++seed) {
        SCOPED_TRACE(seed);
        Random random(seed);
        StoreHarness harness(seed, {.index_interval_bytes = 300, .hot_indexes_max = 1});
        const auto id = test::some_partition();
        ModelSegment segment(0);
        segment.fill(random, 120, 500);
        ASSERT_TRUE(harness.run(harness.store().create_partition(id)));
        uint64_t valid = 0;
        bool done = false;
        harness.node().spawn(0, read_behind(harness, id, segment, valid, random.next(), done));
        harness.run(keep_writing(harness.store(), id, segment, valid));
        ASSERT_TRUE(harness.world().run_until([&] { return done; }));
        harness.expect_every_offset(id, segment, 2000);
        harness.expect_every_timestamp(id, segment);
        harness.reopen();
        harness.expect_every_timestamp(id, segment);
    }
}

}  // namespace
}  // namespace ringlog::engine

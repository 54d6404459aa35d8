// Segments on a simulated disk: what was written is read, whatever became of the index files
// meanwhile.
#include "engine/segment_store.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include "tests/unit/engine/segment_harness.h"

namespace ringlog::engine {
namespace {

using test::ModelSegment;
using test::StoreHarness;

const SegmentStoreOptions kSmallInterval{.index_interval_bytes = 600};

TEST(SegmentStore, EveryOffsetIsFoundInRandomSegments) {
    for (uint64_t seed = 1; seed <= 12; ++seed) {
        SCOPED_TRACE(seed);
        Random random(seed);
        StoreHarness harness(seed, kSmallInterval);
        const auto id = test::some_partition(seed);
        ModelSegment segment(static_cast<int64_t>(random.below(1'000'000)));
        segment.fill(random, 1 + random.below(120), 1 + random.below(3000), seed % 2 == 0);
        harness.destage(id, segment, random);
        const auto max_bytes = static_cast<uint32_t>(random.below(9000));
        harness.expect_every_offset(id, segment, max_bytes);
        harness.reopen();
        harness.expect_every_offset(id, segment, 1 << 20);
    }
}

TEST(SegmentStore, ABatchLargerThanTheLimitIsReturnedWhole) {
    Random random(1);
    StoreHarness harness(1);
    const auto id = test::some_partition();
    ModelSegment segment(10);
    segment.add(random, 100, 1000);
    segment.add(random, 3'000'000, 1001);
    segment.add(random, 100, 1002);
    harness.destage(id, segment, random);
    harness.expect_every_offset(id, segment, 1);
    harness.expect_every_offset(id, segment, 4000);
}

TEST(SegmentStore, NothingBehindTheValidBytesIsReturned) {
    Random random(2);
    StoreHarness harness(2, kSmallInterval);
    const auto id = test::some_partition();
    ModelSegment segment(0);
    segment.fill(random, 60, 500);
    harness.destage(id, segment, random);
    for (const auto& batch : segment.batches()) {
        const uint64_t valid = batch.place.position;
        const auto found = harness.read(id, segment, batch.place.base_offset, 5000, valid);
        ASSERT_FALSE(found);
        ASSERT_EQ(found.error().code, Errc::short_read);
        const auto all = harness.read(id, segment, 0, 1 << 20, valid);
        ASSERT_EQ(all.has_value(), valid > 0);
        ASSERT_TRUE(!all || all->bytes == segment.expected(0, 1 << 20, valid));
    }
}

/// A segment whose index files are there, in a store that does not have them in memory.
struct Indexed {
    explicit Indexed(uint64_t seed) : random(seed), harness(seed, kSmallInterval), segment(1000) {
        id = test::some_partition(seed);
        segment.fill(random, 150, 400);
        harness.destage(id, segment, random);
        harness.close();
        index = harness.path(id, 1000, ".index");
        times = harness.path(id, 1000, ".timeindex");
    }
    void replace(const std::string& path, const std::vector<std::byte>& bytes) {
        auto& files = harness.node().files();
        const auto opened = files.open(path, {.create = true, .write = true, .direct = false});
        ASSERT_TRUE(opened && files.truncate(opened->descriptor, 0) &&
                    files.write(opened->descriptor, bytes, 0));
        files.close(opened->descriptor);
    }
    void expect_everything() {
        harness.open();
        harness.expect_every_timestamp(id, segment);
        harness.expect_every_offset(id, segment, 2000);
        harness.close();
        harness.open();
        harness.expect_every_offset(id, segment, 2000);
        harness.expect_every_timestamp(id, segment);
        harness.close();
    }

    Random random;
    StoreHarness harness;
    TopicPartition id;
    ModelSegment segment;
    std::string index;
    std::string times;
};

TEST(SegmentStore, IndexFilesSurviveAndAreUsed) {
    Indexed test(1);
    const auto offsets = test.harness.content(test.index);
    const auto times = test.harness.content(test.times);
    EXPECT_GT(offsets.size(), 20 * 8U);
    EXPECT_EQ(offsets.size() % 8, 0U);
    EXPECT_GT(times.size(), 5 * 12U);
    EXPECT_EQ(times.size() % 12, 0U);
    test.expect_everything();
    EXPECT_EQ(test.harness.content(test.index), offsets);
    EXPECT_EQ(test.harness.content(test.times), times);
}

TEST(SegmentStore, MissingIndexFilesAreRebuilt) {
    Indexed test(2);
    const auto offsets = test.harness.content(test.index);
    const auto times = test.harness.content(test.times);
    ASSERT_TRUE(test.harness.node().files().remove(test.index));
    ASSERT_TRUE(test.harness.node().files().remove(test.times));
    test.expect_everything();
    EXPECT_EQ(test.harness.content(test.index), offsets);
    EXPECT_EQ(test.harness.content(test.times), times);
}

TEST(SegmentStore, IndexFilesOfAnythingElseChangeNoAnswer) {
    for (uint64_t seed = 1; seed <= 40; ++seed) {
        SCOPED_TRACE(seed);
        Indexed test(seed);
        Random random(seed);
        auto offsets = test.harness.content(test.index);
        auto times = test.harness.content(test.times);
        auto& victim = seed % 2 == 0 ? offsets : times;
        switch (seed % 5) {
            case 0: victim.resize(random.below(victim.size())); break;
            case 1:
                for (int i = 0; i < 3; ++i) {
                    victim[random.below(victim.size())] ^= std::byte{1};
                }
                break;
            case 2:
                std::ranges::generate(victim, [&] { return std::byte(random.below(256)); });
                break;
            case 3: {  // Another segment's, its shape right and all of it wrong.
                Indexed other(seed + 1000);
                offsets = other.harness.content(other.index);
                times = other.harness.content(other.times);
                break;
            }
            default: victim.assign(100 * 1024, std::byte{0}); break;
        }
        test.replace(test.index, offsets);
        test.replace(test.times, times);
        test.expect_everything();
    }
}

TEST(SegmentStore, AnActiveSegmentGoesOnBehindARestart) {
    for (uint64_t seed = 1; seed <= 10; ++seed) {
        SCOPED_TRACE(seed);
        Random random(seed);
        StoreHarness harness(seed, kSmallInterval);
        const auto id = test::some_partition(seed);
        ModelSegment segment(7);
        segment.fill(random, 40, 700);
        harness.destage(id, segment, random);
        const size_t told = segment.batches().size();
        const uint64_t before = segment.state().bytes;
        if (seed % 2 == 0) {
            harness.reopen();
        } else {
            (void)harness.node().files().sync_file_system("/");
            harness.crash_and_reopen(simulation::CrashKind::power_loss);
        }
        segment.fill(random, 40, 700);
        const auto image = segment.image();
        const uint64_t from = round_down(before, kBlockBytes);
        const ByteView rest = ByteView(image).subspan(from);
        ASSERT_TRUE(harness.run(
            harness.store().write(id, 7, from, rest, segment.batches()[told].place.base_offset)));
        for (size_t i = told; i < segment.batches().size(); ++i) {
            harness.store().index(id, 7, segment.batches()[i].place);
        }
        harness.expect_every_offset(id, segment, 3000);
        harness.expect_every_timestamp(id, segment);
        ASSERT_TRUE(harness.run(harness.store().seal(id, segment.state())));
        harness.expect_every_timestamp(id, segment);
        harness.reopen();
        harness.expect_every_timestamp(id, segment);
    }
}

TEST(SegmentStore, BatchesThatReplaceOthersAreFound) {
    Random random(3);
    StoreHarness harness(3, kSmallInterval);
    const auto id = test::some_partition();
    ModelSegment first(0);
    first.fill(random, 60, 600);
    harness.destage(id, first, random);
    // The log was cut at its tenth batch and went on otherwise.
    ModelSegment second(0);
    Random same(3);
    second.fill(same, 10, 600);
    second.fill(same, 80, 300);
    harness.destage(id, second, random);
    harness.expect_every_offset(id, second, 2000);
    harness.expect_every_timestamp(id, second);
    harness.reopen();
    harness.expect_every_offset(id, second, 2000);
    harness.expect_every_timestamp(id, second);
}

/// Kafka's own checks of index files, as its dump tool makes them.
void expect_kafka_valid(StoreHarness& harness, const TopicPartition& id,
                        const ModelSegment& segment) {
    const int64_t base = segment.state().base_offset;
    const auto offsets = harness.content(harness.path(id, base, ".index"));
    const auto times = harness.content(harness.path(id, base, ".timeindex"));
    ASSERT_EQ(offsets.size() % 8, 0U);
    ASSERT_EQ(times.size() % 12, 0U);
    for (size_t at = 0; at < offsets.size(); at += 8) {
        const int64_t offset = base + load_be<int32_t>(&offsets[at]);
        const auto position = static_cast<uint64_t>(load_be<int32_t>(&offsets[at + 4]));
        const auto found = segment.find(offset);
        ASSERT_TRUE(found);
        EXPECT_EQ(segment.batches()[*found].place.last_offset, offset);
        EXPECT_EQ(segment.batches()[*found].place.position, position);
    }
    int64_t last_timestamp = -1;
    for (size_t at = 0; at < times.size(); at += 12) {
        const auto timestamp = load_be<int64_t>(&times[at]);
        const auto found = segment.find(base + load_be<int32_t>(&times[at + 8]));
        ASSERT_TRUE(found);
        EXPECT_EQ(segment.batches()[*found].place.max_timestamp, timestamp);
        EXPECT_GT(timestamp, last_timestamp);
        last_timestamp = timestamp;
    }
    EXPECT_EQ(last_timestamp, segment.state().max_timestamp);
}

TEST(SegmentStore, ASealedSegmentIsAPlainKafkaFile) {
    for (uint64_t seed = 1; seed <= 6; ++seed) {
        SCOPED_TRACE(seed);
        Random random(seed);
        StoreHarness harness(seed);
        const auto id = test::some_partition();
        ModelSegment segment(5'000'000'000);
        segment.fill(random, seed == 1 ? 1 : 300, 900);
        harness.destage(id, segment, random);
        const std::string log = harness.path(id, 5'000'000'000, ".log");
        EXPECT_EQ(harness.content(log).size(), 1U << 20U);
        ASSERT_TRUE(harness.run(harness.store().seal(id, segment.state())));
        auto exact = segment.image();
        exact.resize(segment.state().bytes);
        EXPECT_EQ(harness.content(log), exact);
        expect_kafka_valid(harness, id, segment);
        harness.expect_every_offset(id, segment, 3000);
        ASSERT_TRUE(harness.run(harness.store().seal(id, segment.state())));
        EXPECT_EQ(harness.content(log), exact);
    }
}

TEST(SegmentStore, PreallocationFollowsWhatThePartitionNeeds) {
    Random random(1);
    StoreHarness harness(1,
                         {.preallocate_first_bytes = 64 << 10, .preallocate_most_bytes = 4 << 20});
    const auto id = test::some_partition();
    ASSERT_TRUE(harness.run(harness.store().create_partition(id)));
    const std::vector<std::byte> block(kBlockBytes);
    const auto size_after = [&](int64_t base, uint64_t position) {
        EXPECT_TRUE(harness.run(harness.store().write(id, base, position, block, base)));
        return harness.content(harness.path(id, base, ".log")).size();
    };
    EXPECT_EQ(size_after(0, 0), 64U << 10U);
    EXPECT_EQ(size_after(0, (64 << 10) - kBlockBytes), 64U << 10U);
    EXPECT_EQ(size_after(0, 64 << 10), 1U << 20U);
    EXPECT_EQ(size_after(0, 1 << 20), 2U << 20U);
    EXPECT_EQ(size_after(0, 3 << 20), 4U << 20U);
    EXPECT_EQ(size_after(0, 4 << 20), (4U << 20U) + kBlockBytes);
    // A partition whose segments are of 100 KiB gets 128 at once, and not the next tier.
    const auto small = test::some_partition(2, "small");
    ModelSegment segment(0);
    segment.fill(random, 200, 1000);
    harness.destage(small, segment, random);
    ASSERT_TRUE(harness.run(harness.store().seal(small, segment.state())));
    ASSERT_TRUE(harness.run(harness.store().write(small, 500, 0, block, 500)));
    EXPECT_EQ(harness.content(harness.path(small, 500, ".log")).size(),
              round_up(segment.state().bytes, 64 << 10));
}

TEST(SegmentStore, AFullDiskIsSaidAndHeals) {
    Random random(1);
    StoreHarness harness(1);
    const auto id = test::some_partition();
    ModelSegment segment(0);
    segment.fill(random, 20, 500);
    ASSERT_TRUE(harness.run(harness.store().create_partition(id)));
    harness.disk().set_capacity(harness.disk().used_bytes() + 8192);
    const auto image = segment.image();
    const auto refused = harness.run(harness.store().write(id, 0, 0, image, 0));
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Errc::no_space);
    harness.disk().set_capacity(UINT64_MAX);
    harness.destage(id, segment, random);
    harness.expect_every_offset(id, segment, 2000);
}

TEST(SegmentStore, ABlockIsReadWithZerosBehindTheEnd) {
    Random random(1);
    StoreHarness harness(1);
    const auto id = test::some_partition();
    ModelSegment segment(0);
    segment.fill(random, 30, 500);
    std::vector<std::byte> block(kBlockBytes, std::byte{0xee});
    EXPECT_EQ(harness.run(harness.store().read_block(id, 0, 0, block)).error().code,
              Errc::not_found);
    harness.destage(id, segment, random);
    ASSERT_TRUE(harness.run(harness.store().seal(id, segment.state())));
    const auto image = segment.image();
    for (uint64_t at = 0; at < image.size(); at += kBlockBytes) {
        ASSERT_TRUE(harness.run(harness.store().read_block(id, 0, at, block)));
        EXPECT_TRUE(std::ranges::equal(block, ByteView(image).subspan(at, kBlockBytes)));
    }
    ASSERT_TRUE(harness.run(harness.store().read_block(id, 0, 1 << 20, block)));
    EXPECT_TRUE(std::ranges::all_of(block, [](std::byte b) { return b == std::byte{0}; }));
}

}  // namespace
}  // namespace ringlog::engine

// Directories of partitions: names, whose they are, and what is left of them when the power goes.
#include "engine/segment_directory.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <vector>

#include "tests/unit/engine/segment_harness.h"

namespace ringlog::engine {
namespace {

using simulation::DiskEffect;
using test::StoreHarness;

const std::string kText = "version: 0\ntopic_id: ";

std::string text_of(StoreHarness& harness, const std::string& path) {
    const auto bytes = harness.content(path);
    return std::string(as_text(bytes));
}

void put_file(StoreHarness& harness, const std::string& path, std::string_view text) {
    auto& files = harness.node().files();
    const auto opened = files.open(path, {.create = true, .write = true, .direct = false});
    ASSERT_TRUE(opened && files.write(opened->descriptor, as_bytes(text), 0));
    files.close(opened->descriptor);
}

TEST(SegmentNames, AreKafkas) {
    TopicPartition id = test::some_partition();
    id.partition = 17;
    EXPECT_EQ(partition_directory_name(id), "orders-17");
    EXPECT_EQ(segment_file_name(42, ".log"), "00000000000000000042.log");
    EXPECT_EQ(segment_file_name(9'000'000'000, ".timeindex"), "00000000009000000000.timeindex");
    EXPECT_EQ(deleted_directory_name(id), "orders-17." + id.topic_id.to_hex() + "-delete");
    EXPECT_TRUE(is_deleted_directory_name(deleted_directory_name(id)));
    EXPECT_FALSE(is_deleted_directory_name("orders-17"));
    EXPECT_FALSE(is_deleted_directory_name("my-delete"));
    EXPECT_FALSE(is_deleted_directory_name("a-1.0123-delete"));
    id.topic = std::string(249, 'x');
    EXPECT_EQ(deleted_directory_name(id).size(), 255U);
    EXPECT_TRUE(deleted_directory_name(id).ends_with("x-17." + id.topic_id.to_hex() + "-delete"));
}

TEST(PartitionMetadata, IsKafkas) {
    const Uuid id = test::some_partition().topic_id;
    EXPECT_EQ(encode_partition_metadata(id), kText + id.to_base64());
    EXPECT_EQ(decode_partition_metadata(encode_partition_metadata(id)), id);
    EXPECT_EQ(decode_partition_metadata(encode_partition_metadata(id) + "\n"), id);
    for (const char* bad : {"", "version: 1\ntopic_id: AAAAAAAAAAAAAAAAAAAAAA",
                            "version: 0\ntopic_id: AAAA", "version: 0\ntopic_id: "}) {
        EXPECT_FALSE(decode_partition_metadata(bad)) << bad;
    }
}

TEST(PartitionDirectory, IsMadeOnceAndKeepsWhatIsInIt) {
    StoreHarness harness(1);
    const auto id = test::some_partition();
    ASSERT_TRUE(harness.run(harness.store().create_partition(id)));
    EXPECT_EQ(text_of(harness, "/data/orders-0/partition.metadata"),
              kText + id.topic_id.to_base64());
    put_file(harness, "/data/orders-0/00000000000000000000.log", "batches");
    ASSERT_TRUE(harness.run(harness.store().create_partition(id)));
    EXPECT_TRUE(harness.disk().exists("/data/orders-0/00000000000000000000.log"));
}

TEST(PartitionDirectory, AnotherTopicsIsSetAsideWholeAndNeverOpened) {
    StoreHarness harness(1);
    const auto old_one = test::some_partition(1);
    const auto new_one = test::some_partition(2);
    const std::string stray = "/data/orders-0." + old_one.topic_id.to_hex();
    for (const char* suffix : {"-stray", ".1-stray", ".2-stray"}) {
        ASSERT_TRUE(harness.run(harness.store().create_partition(old_one)));
        put_file(harness, "/data/orders-0/00000000000000000000.log", suffix);
        ASSERT_TRUE(harness.run(harness.store().create_partition(new_one)));
        EXPECT_FALSE(harness.disk().exists("/data/orders-0/00000000000000000000.log"));
        EXPECT_EQ(text_of(harness, stray + suffix + "/00000000000000000000.log"), suffix);
        EXPECT_EQ(text_of(harness, "/data/orders-0/partition.metadata"),
                  kText + new_one.topic_id.to_base64());
        ASSERT_TRUE(harness.run(harness.store().rename_deleted(new_one)));
        ASSERT_TRUE(harness.run(harness.store().remove_deleted()));
    }
}

TEST(PartitionDirectory, FilesWithoutAnIdAreSetAside) {
    StoreHarness harness(1);
    const auto id = test::some_partition();
    ASSERT_TRUE(harness.node().files().make_directory("/data/orders-0"));
    put_file(harness, "/data/orders-0/00000000000000000000.log", "whose?");
    ASSERT_TRUE(harness.run(harness.store().create_partition(id)));
    EXPECT_FALSE(harness.disk().exists("/data/orders-0/00000000000000000000.log"));
    EXPECT_EQ(
        text_of(harness, "/data/orders-0." + Uuid{}.to_hex() + "-stray/00000000000000000000.log"),
        "whose?");
}

TEST(PartitionDirectory, IsRenamedForDeletionAndRemoved) {
    StoreHarness harness(1);
    const auto id = test::some_partition();
    Random random(1);
    test::ModelSegment segment(0);
    segment.fill(random, 50, 500);
    harness.destage(id, segment, random);
    harness.expect_every_offset(id, segment, 1000);
    const std::string deleted = "/data/" + deleted_directory_name(id);
    ASSERT_TRUE(harness.run(harness.store().rename_deleted(id)));
    EXPECT_FALSE(harness.disk().exists("/data/orders-0"));
    EXPECT_TRUE(harness.disk().exists(deleted + "/00000000000000000000.log"));
    ASSERT_TRUE(harness.run(harness.store().rename_deleted(id)));
    // A topic of the same name is another topic: its directory is not touched.
    const auto next = test::some_partition(9);
    harness.destage(next, segment, random);
    ASSERT_TRUE(harness.run(harness.store().rename_deleted(id)));
    ASSERT_TRUE(harness.run(harness.store().remove_deleted()));
    EXPECT_FALSE(harness.disk().exists(deleted));
    harness.expect_every_offset(next, segment, 1000);
}

// Goal: when create_partition has returned, the directory and its id survive a power loss; when it
// has not, the next call succeeds and loses nothing of another topic. Method: the power goes, or an
// error happens, at the Nth operation for N = 1, 2, 3... until a run sees no fault.
TEST(PartitionDirectory, SurvivesAFaultAtEveryStep) {
    for (const DiskEffect effect : {DiskEffect::power_loss, DiskEffect::error}) {
        uint64_t n = 1;
        for (; n < 100; ++n) {
            SCOPED_TRACE(testing::Message() << simulation::effect_name(effect) << " " << n);
            StoreHarness harness(n);
            const auto old_one = test::some_partition(1);
            const auto new_one = test::some_partition(2);
            ASSERT_TRUE(harness.run(harness.store().create_partition(old_one)));
            put_file(harness, "/data/orders-0/00000000000000000000.log", "old");
            ASSERT_TRUE(harness.node().files().sync_file_system("/"));
            const auto plan = harness.disk().arm({.effect = effect, .nth = n});
            const auto created = harness.node().run(0, harness.store().create_partition(new_one));
            const bool fired = plan->fired();
            harness.disk().arm(nullptr);
            if (harness.node().up()) {
                harness.node().crash(simulation::CrashKind::power_loss);
            }
            harness.node().restart();
            harness.open();
            if (created && *created) {
                EXPECT_EQ(text_of(harness, "/data/orders-0/partition.metadata"),
                          kText + new_one.topic_id.to_base64());
            }
            ASSERT_TRUE(harness.run(harness.store().create_partition(new_one)));
            EXPECT_EQ(text_of(harness, "/data/orders-0/partition.metadata"),
                      kText + new_one.topic_id.to_base64());
            EXPECT_FALSE(harness.disk().exists("/data/orders-0/00000000000000000000.log"));
            EXPECT_EQ(text_of(harness, "/data/orders-0." + old_one.topic_id.to_hex() +
                                           "-stray/00000000000000000000.log"),
                      "old");
            if (!fired) {
                break;
            }
        }
        EXPECT_GT(n, 8U);
        EXPECT_LT(n, 100U);
    }
}

}  // namespace
}  // namespace ringlog::engine

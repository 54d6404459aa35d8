// Goal: arrays from outside cost no memory, whatever they declare, and read like the ones that were
// built.
#include "kafka/list.h"

#include <gtest/gtest.h>

#include "kafka/fetch.h"
#include "kafka/find_coordinator.h"
#include "kafka/metadata.h"
#include "tests/unit/kafka/golden_file.h"

namespace ringlog::kafka {
namespace {

using golden::from_hex;

TEST(List, AListThatWasReadEqualsTheOneThatWasWritten) {
    MetadataResponse response;
    for (int32_t topic = 0; topic < 3; ++topic) {
        MetadataTopic& added = response.topics.push_back({.name = "t"});
        for (int32_t partition = 0; partition < topic; ++partition) {
            added.partitions.push_back(
                {.partition_index = partition, .replica_nodes = {1, 2, partition}});
        }
    }
    Writer writer;
    encode(writer, response, 12);
    const auto read = decode<MetadataResponse>(writer.bytes(), 12);
    ASSERT_TRUE(read.has_value());
    EXPECT_EQ(*read, response);
    EXPECT_EQ(read->topics.to_vector(), response.topics.to_vector());
    EXPECT_EQ(read->topics.size(), 3U);

    // A copy of a read list may outlive the message struct, not the bytes; and inequality is seen
    // at any depth.
    List<MetadataTopic> copy = read->topics;
    EXPECT_EQ(copy, response.topics);
    response.topics.values()[2].partitions.values()[1].replica_nodes.push_back(9);
    EXPECT_FALSE(copy == response.topics);
    EXPECT_FALSE(response.topics == copy);
}

TEST(List, EmptyAndNullDiffer) {
    for (const int16_t version : {int16_t{1}, int16_t{12}}) {
        for (const bool null : {false, true}) {
            MetadataRequest request;
            request.topics = null ? std::nullopt : std::optional(List<MetadataRequestTopic>{});
            Writer writer;
            encode(writer, request, version);
            ASSERT_TRUE(writer.ok());
            const auto read = decode<MetadataRequest>(writer.bytes(), version);
            ASSERT_TRUE(read.has_value());
            EXPECT_EQ(read->topics.has_value(), !null);
        }
    }
    Writer no_null_yet;
    encode(no_null_yet, MetadataRequest{}, 0);
    EXPECT_FALSE(no_null_yet.ok());
    const auto refused = decode<MetadataRequest>(from_hex("ffffffff"), 0);
    EXPECT_FALSE(refused.has_value());
}

DecodeError fetch_error(const std::string& topics_hex, int16_t version) {
    const auto bytes = from_hex(
        "ffffffff"
        "00000001"
        "00000001"
        "00000001"
        "00" +
        topics_hex);
    Reader reader(bytes, api_of<ApiKey::fetch>().wire(version));
    EXPECT_FALSE(read_body<FetchRequest>(reader).has_value());
    return reader.error();
}

TEST(List, HugeCountsAreRefusedBeforeAnythingIsWalked) {
    EXPECT_EQ(fetch_error("7fffffff"
                          "000000000000",
                          4),
              DecodeError::count_too_large);
    // One topic "a" with 2^31 - 1 partitions of 16 bytes each.
    EXPECT_EQ(fetch_error("00000001"
                          "000161"
                          "7fffffff"
                          "00000000",
                          4),
              DecodeError::count_too_large);
    // Two partitions are declared, one is there.
    EXPECT_EQ(fetch_error("00000001"
                          "000161"
                          "00000002" +
                              std::string(32, '0'),
                          4),
              DecodeError::count_too_large);
    EXPECT_EQ(fetch_error("fffffffe", 4), DecodeError::negative_length);
    EXPECT_EQ(fetch_error("ffffffff", 4), DecodeError::null_not_allowed);
}

TEST(List, ElementsOfAFixedSizeAreNotWalked) {
    // 4 MiB of partitions: over kElementsMax, and cheap because they are skipped in one step.
    constexpr uint32_t kCount = kElementsMax + 1;
    Writer writer(Wire{});
    writer.write_count(kCount);
    writer.write_raw(std::vector<std::byte>(size_t{kCount} * sizeof(int32_t)));
    Reader reader(writer.bytes());
    List<int32_t> list;
    Codec<List<int32_t>>::read(reader, list);
    EXPECT_TRUE(reader.ok());
    EXPECT_EQ(list.size(), kCount);
}

TEST(List, TheElementsOfAMessageAreBoundedWhereTheyAreWalked) {
    Writer writer(Wire{.version = 4, .flexible = true});
    writer.write_int<int8_t>(0);
    writer.write_count(kElementsMax + 1);
    writer.write_raw(std::vector<std::byte>(kElementsMax + 1, std::byte{1}));  // as many empty keys
    writer.write_uvarint(0);
    const auto refused = decode<FindCoordinatorRequest>(writer.bytes(), 4);
    ASSERT_FALSE(refused.has_value());
    EXPECT_EQ(refused.error().code, Errc::malformed);
}

TEST(List, TheSmallestSizeFollowsFromTheFields) {
    const Wire plain{.version = 4, .flexible = false};
    EXPECT_EQ(Codec<FetchPartition>::bound(plain).smallest, 16U);
    EXPECT_TRUE(Codec<FetchPartition>::bound(plain).fixed);
    EXPECT_EQ(Codec<FetchTopic>::bound(plain).smallest, 6U);
    EXPECT_FALSE(Codec<FetchTopic>::bound(plain).fixed);
    const Wire flexible{.version = 12, .flexible = true};
    EXPECT_EQ(Codec<FetchPartition>::bound(flexible).smallest, 33U);
    EXPECT_FALSE(Codec<FetchPartition>::bound(flexible).fixed);
    EXPECT_EQ(Codec<FetchTopic>::bound(flexible).smallest, 3U);
}

}  // namespace
}  // namespace ringlog::kafka

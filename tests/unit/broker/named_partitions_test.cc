// Goal: a partition that a request names twice is known by its first place, whatever else is named.
#include "broker/named_partitions.h"

#include <gtest/gtest.h>

#include <string>

#include "kafka/list_offsets.h"

namespace ringlog::broker {
namespace {

TEST(NamedPartitions, APartitionKeepsItsFirstPlace) {
    NamedPartitions names(5, 7);
    EXPECT_EQ(names.place_of("a", 0, 0), 0U);
    EXPECT_EQ(names.place_of("a", 1, 1), 1U);
    EXPECT_EQ(names.place_of("b", 0, 2), 2U);
    EXPECT_EQ(names.place_of(std::string("a"), 1, 3), 1U);
    EXPECT_EQ(names.place_of("", -1, 4), 4U);
}

TEST(NamedPartitions, APlaceMayBeGivenToALaterOne) {
    NamedPartitions names(2, 7);
    names.place_of("a", 0, 0) = 1;
    EXPECT_EQ(names.place_of("a", 0, 5), 1U);
}

TEST(NamedPartitions, ManyAreToldApart) {
    constexpr uint32_t kCount = 3000;
    const std::string topics[] = {"t", "tt", "ttt"};
    NamedPartitions names(kCount, 42);
    for (int round = 0; round < 2; ++round) {
        for (uint32_t place = 0; place < kCount; ++place) {
            const auto partition = static_cast<int32_t>(place / 3);
            EXPECT_EQ(names.place_of(topics[place % 3], partition, place), place);
        }
    }
}

TEST(NamedPartitions, TopicsWithoutPartitionsCountAsWell) {
    kafka::ListOffsetsRequest request;
    EXPECT_EQ(count_names(request.topics), 0);
    request.topics.push_back({.name = "a", .partitions = {{}, {}}});
    request.topics.push_back({.name = "b", .partitions = {}});
    EXPECT_EQ(count_names(request.topics), 4);
}

}  // namespace
}  // namespace ringlog::broker

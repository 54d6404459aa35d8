// Goal: a partition that a request names twice is answered as Kafka answers it, and what a request
// names is bounded. Method: a whole broker in the simulation; expectations were taken from Kafka's.
#include <gtest/gtest.h>

#include <algorithm>

#include <string>
#include <vector>

#include "broker/named_partitions.h"
#include "engine/record_batch.h"
#include "tests/unit/broker_server/broker_world.h"

namespace ringlog::broker::test {
namespace {

using kafka::ErrorCode;
using simulation::SimNode;
using simulation::SimWorld;

class NamedTwice : public ::testing::Test {
public:
    void SetUp() override {
        client.connect(node);
        ASSERT_EQ(client.create_topic("t", 3), ErrorCode::none);
    }
    void TearDown() override {
        EXPECT_EQ(node.run(0, stop_broker(broker)), true);
        node.stop();
    }

    static std::vector<std::byte> batch(const std::string& value) {
        return engine::test::BatchBuilder().record(1, value).build();
    }
    /// The answers to one produce, in order.
    std::vector<kafka::ProducePartitionResponse> produce(const kafka::ProduceRequest& request) {
        client.send(request, 7);
        const auto answer = client.receive<kafka::ProduceResponse>(7);
        std::vector<kafka::ProducePartitionResponse> all;
        for (const auto& topic : answer->message.topics) {
            for (const auto& partition : topic.partitions) {
                all.push_back(partition);
            }
        }
        return all;
    }

    SimWorld world{1};
    Metadata metadata;
    SimNode& node = world.add_node({.cores = 2});
    Broker& broker = boot(node, metadata);
    Client client{world};
};

TEST_F(NamedTwice, OfAProduceTheLastBatchIsKept) {
    const auto a = batch("A");
    const auto b = batch("B");
    const auto x = batch("x");
    for (const int16_t acks : {-1, 1}) {
        kafka::ProduceRequest request;
        request.acks = acks;
        request.timeout_ms = 60'000;
        request.topics.push_back({.name = "t",
                                  .partitions = {{.index = 0, .records = kafka::Blob(a)},
                                                 {.index = 1, .records = kafka::Blob(x)}}});
        request.topics.push_back(
            {.name = "t", .partitions = {{.index = 0, .records = kafka::Blob(b)}}});
        const auto answers = produce(request);
        ASSERT_EQ(answers.size(), 2U);
        EXPECT_EQ(answers[0].index, 1);
        EXPECT_EQ(answers[1].index, 0);
        EXPECT_EQ(answers[1].error_code, ErrorCode::none);
        EXPECT_EQ(answers[1].base_offset, acks == -1 ? 0 : 1);
    }
    const auto found = client.fetch("t", 0, 0);
    EXPECT_EQ(found.size(), 2 * b.size());
    EXPECT_TRUE(std::equal(b.end() - 3, b.end(), found.end() - 3));
}

TEST_F(NamedTwice, OfARefusedProduceOneAnswerIsKept) {
    const auto a = batch("A");
    kafka::ProduceRequest request;
    request.acks = 7;
    request.topics.push_back({.name = "t",
                              .partitions = {{.index = 0, .records = kafka::Blob(a)},
                                             {.index = 0, .records = kafka::Blob(a)}}});
    const auto answers = produce(request);
    ASSERT_EQ(answers.size(), 1U);
    EXPECT_EQ(answers[0].error_code, ErrorCode::invalid_required_acks);
}

TEST_F(NamedTwice, ListOffsetsRefusesThePartitionOnce) {
    kafka::ListOffsetsRequest request;
    const kafka::ListOffsetsPartition zero{.partition_index = 0,
                                           .timestamp = kafka::kLatestTimestamp};
    const kafka::ListOffsetsPartition one{.partition_index = 1,
                                          .timestamp = kafka::kLatestTimestamp};
    request.topics.push_back({.name = "t", .partitions = {zero, one, zero}});
    request.topics.push_back({.name = "t", .partitions = {zero}});
    request.topics.push_back({.name = "none", .partitions = {one, one}});
    client.send(request, 2);
    const auto answer = client.receive<kafka::ListOffsetsResponse>(2);
    ASSERT_TRUE(answer.has_value());
    const auto topics = answer->message.topics.to_vector();
    ASSERT_EQ(topics.size(), 2U);
    const auto found = topics[0].partitions.to_vector();
    ASSERT_EQ(found.size(), 2U);
    EXPECT_EQ(found[0].error_code, ErrorCode::invalid_request);
    EXPECT_EQ(found[0].offset, -1);
    EXPECT_EQ(found[1].error_code, ErrorCode::none);
    EXPECT_EQ(found[1].offset, 0);
    const auto unknown = topics[1].partitions.to_vector();
    ASSERT_EQ(unknown.size(), 1U);
    EXPECT_EQ(unknown[0].error_code, ErrorCode::invalid_request);
}

TEST_F(NamedTwice, AFetchReadsThePartitionOnceAsItWasNamedLast) {
    for (const char* value : {"first", "second"}) {
        client.send_produce("t", 0, value);
        ASSERT_EQ(client.receive_ack()->error, ErrorCode::none);
    }
    kafka::FetchRequest request;
    request.max_bytes = 1 << 20;
    request.topics.push_back(
        {.topic = "t",
         .partitions = {{.partition = 0, .fetch_offset = 0, .partition_max_bytes = 1 << 20},
                        {.partition = 1, .fetch_offset = 0, .partition_max_bytes = 1 << 20}}});
    request.topics.push_back(
        {.topic = "t",
         .partitions = {{.partition = 0, .fetch_offset = 1, .partition_max_bytes = 1 << 20}}});
    client.send(request, 4);
    const auto answer = client.receive<kafka::FetchResponse>(4);
    ASSERT_TRUE(answer.has_value());
    const auto topics = answer->message.topics.to_vector();
    ASSERT_EQ(topics.size(), 1U);
    const auto found = topics[0].partitions.to_vector();
    ASSERT_EQ(found.size(), 2U);
    EXPECT_EQ(found[0].partition_index, 0);
    EXPECT_EQ(found[0].records->bytes.size(), batch("second").size());
    EXPECT_EQ(load_be<int64_t>(found[0].records->bytes.data()), 1);
}

TEST_F(NamedTwice, ARequestThatNamesMoreThanFitsEndsItsConnection) {
    kafka::ListOffsetsRequest list;
    list.topics.push_back({.name = "t", .partitions = {}});
    list.topics.values()[0].partitions.values().resize(2'000'000);
    kafka::ProduceRequest produce;
    produce.acks = -1;
    produce.topics.push_back({.name = "t", .partitions = {}});
    produce.topics.values()[0].partitions.values().resize(1'000'000);
    for (const bool listing : {true, false}) {
        Client greedy(world);
        greedy.connect(node);
        listing ? greedy.send(list, 1) : greedy.send(produce, 3);
        world.run_until([&] { return greedy.has_answer() || greedy.raw().ended(); });
        EXPECT_TRUE(greedy.raw().ended());
        EXPECT_FALSE(greedy.has_answer());
    }
    client.send_produce("t", 0, "still there");
    EXPECT_EQ(client.receive_ack()->error, ErrorCode::none);
}

TEST(NamedPartitionsSim, AParkedFetchMakesRoomForOthers) {
    SimWorld world(1);
    Metadata metadata;
    SimNode& node = world.add_node({.cores = 1});
    Broker& broker = boot(node, metadata);
    Client first(world);
    first.connect(node);
    ASSERT_EQ(first.create_topic("t", 1), ErrorCode::none);
    // Each needs more than half of the memory for names, most of it for nothing.
    kafka::FetchRequest request;
    request.max_bytes = 1 << 20;
    request.min_bytes = 1;
    request.max_wait_ms = 3'600'000;
    request.topics.push_back({.topic = "t", .partitions = {}});
    request.topics.values()[0].partitions.values().resize(250'000);
    Client second(world);
    second.connect(node);
    const MonotonicNs begun = world.now();
    first.send(request, 4);
    world.run_until([&] { return world.now() - begun > kSecondNs / 2; });
    EXPECT_FALSE(first.has_answer()) << "it waits for data";
    second.send(request, 4);
    EXPECT_TRUE(first.receive<kafka::FetchResponse>(4).has_value());
    EXPECT_LT(world.now() - begun, 10 * kSecondNs);
    first.send_produce("t", 0, "value");
    EXPECT_EQ(first.receive_ack()->error, ErrorCode::none);
    EXPECT_TRUE(second.receive<kafka::FetchResponse>(4).has_value());
    EXPECT_LT(world.now() - begun, 20 * kSecondNs);
    EXPECT_EQ(node.run(0, stop_broker(broker)), true);
    node.stop();
}

}  // namespace
}  // namespace ringlog::broker::test

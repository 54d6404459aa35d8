// Goal: a whole broker keeps its promises in the simulation: what was acked is there after a power
// loss, answers keep their order, an orderly end leaves nothing running. Method: seeds; a client
// that is driven by hand.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <memory>
#include <string>

#include "engine/record_batch.h"
#include "kafka/metadata.h"
#include "tests/unit/broker_server/broker_world.h"

namespace ringlog::broker::test {
namespace {

using kafka::ErrorCode;
using simulation::CrashKind;
using simulation::SimNode;
using simulation::SimWorld;

bool contains(const std::vector<std::byte>& bytes, const std::string& text) {
    const ByteView needle = as_bytes(text);
    return std::search(bytes.begin(), bytes.end(), needle.begin(), needle.end()) != bytes.end();
}

TEST(BrokerSim, AnOrderlyEndLeavesNothingRunning) {
    for (uint64_t seed = 1; seed <= 5; ++seed) {
        SCOPED_TRACE(seed);
        SimWorld world(seed);
        Metadata metadata;
        SimNode& node = world.add_node({.cores = 3});
        Broker& broker = boot(node, metadata);
        Client client(world);
        client.connect(node);
        EXPECT_EQ(client.create_topic("t", 6), ErrorCode::none);
        for (int32_t partition = 0; partition < 6; ++partition) {
            client.send_produce("t", partition, "value");
        }
        for (int32_t partition = 0; partition < 6; ++partition) {
            const auto ack = client.receive_ack();
            ASSERT_TRUE(ack.has_value());
            EXPECT_EQ(ack->error, ErrorCode::none);
            EXPECT_EQ(ack->base_offset, 0);
        }
        EXPECT_EQ(node.run(0, stop_broker(broker)), true);
        node.stop();
        node.restart(2);
        Broker& again = boot(node, metadata);
        client.connect(node);
        for (int32_t partition = 0; partition < 6; ++partition) {
            EXPECT_TRUE(contains(client.fetch("t", partition, 0), "value"));
        }
        EXPECT_EQ(node.run(0, stop_broker(again)), true);
        node.stop();
    }
}

TEST(BrokerSim, WhatWasAckedIsThereAfterAPowerLoss) {
    for (uint64_t seed = 1; seed <= 20; ++seed) {
        SCOPED_TRACE(seed);
        SimWorld world(seed);
        Metadata metadata;
        SimNode& node = world.add_node({.cores = 2});
        boot(node, metadata);
        Client client(world);
        client.connect(node);
        ASSERT_EQ(client.create_topic("t", 4), ErrorCode::none);
        const int32_t before = 1;
        for (int i = 0; i < 40; ++i) {
            client.send_produce("t", i % 4, "value " + std::to_string(i) + ".");
        }
        // The acks that arrive until the power goes.
        const uint64_t acks = world.random().below(40);
        for (uint64_t i = 0; i < acks; ++i) {
            const auto ack = client.receive_ack();
            ASSERT_TRUE(ack.has_value());
            EXPECT_EQ(ack->correlation_id, before + static_cast<int32_t>(i) + 1);
            EXPECT_EQ(ack->error, ErrorCode::none);
            EXPECT_EQ(ack->base_offset, static_cast<int64_t>(i) / 4);
        }
        node.crash(CrashKind::power_loss);
        node.restart();
        Broker& broker = boot(node, metadata);
        client.connect(node);
        std::vector<std::vector<std::byte>> found;
        for (int32_t partition = 0; partition < 4; ++partition) {
            found.push_back(client.fetch("t", partition, 0));
        }
        for (uint64_t i = 0; i < acks; ++i) {
            EXPECT_TRUE(contains(found[i % 4], "value " + std::to_string(i) + ".")) << i;
        }
        EXPECT_EQ(node.run(0, stop_broker(broker)), true);
        node.stop();
    }
}

TEST(BrokerSim, AProduceThatTheDiskHoldsUpIsAnsweredInItsTime) {
    SimWorld world(3);
    Metadata metadata;
    SimNode& node = world.add_node();
    Broker& broker = boot(node, metadata);
    Client client(world);
    client.connect(node);
    ASSERT_EQ(client.create_topic("t", 1), ErrorCode::none);
    node.disk().set_extra_latency(5 * kSecondNs);
    const auto batch = engine::test::BatchBuilder().record(1, "late").build();
    kafka::ProduceRequest request;
    request.acks = -1;
    request.timeout_ms = 500;
    request.topics.push_back(
        {.name = "t", .partitions = {{.index = 0, .records = kafka::Blob(batch)}}});
    const MonotonicNs begun = world.now();
    client.send(request, 7);
    const auto ack = client.receive_ack();
    ASSERT_TRUE(ack.has_value());
    EXPECT_EQ(ack->error, ErrorCode::request_timed_out);
    EXPECT_LT(world.now() - begun, 2 * kSecondNs);
    node.disk().set_extra_latency(0);
    // It happened all the same, and is read once it is durable.
    world.run_until([&] { return contains(client.fetch("t", 0, 0), "late"); });
    EXPECT_TRUE(contains(client.fetch("t", 0, 0), "late"));
    EXPECT_EQ(node.run(0, stop_broker(broker)), true);
    node.stop();
}

TEST(BrokerSim, AClientThatVanishesInTheMiddleLeavesNothingBehind) {
    for (uint64_t seed = 1; seed <= 10; ++seed) {
        SCOPED_TRACE(seed);
        SimWorld world(seed);
        Metadata metadata;
        SimNode& node = world.add_node({.cores = 2});
        Broker& broker = boot(node, metadata);
        Client client(world);
        client.connect(node);
        ASSERT_EQ(client.create_topic("t", 4), ErrorCode::none);
        for (int i = 0; i < 100; ++i) {
            client.send_produce("t", i % 4, std::string(1000, 'x'));
        }
        world.run_for(static_cast<int64_t>(world.random().below(5 * kMillisecondNs)));
        client.raw().reset();
        EXPECT_EQ(node.run(0, stop_broker(broker)), true);
        node.stop();
    }
}

// A topic that was deleted and its successor of the same name share directories: what a crash left
// of the older one in the journal was destaged over the younger one's, which was set aside.
TEST(BrokerSim, ATopicMadeAgainWaitsUntilItsPredecessorIsRemoved) {
    for (uint64_t seed = 1; seed <= 60; ++seed) {
        SCOPED_TRACE(seed);
        SimWorld world(seed);
        Metadata metadata;
        SimNode& node = world.add_node({.cores = 3});
        boot(node, metadata);
        Client client(world);
        client.connect(node);
        ASSERT_EQ(client.create_topic("t", 1), ErrorCode::none);
        client.send_produce("t", 0, "of the older one");
        ASSERT_TRUE(client.receive_ack().has_value());
        // What removes it is on its way to a slow disk when the younger one is made.
        node.disk().set_extra_latency(50 * kMillisecondNs);
        ASSERT_EQ(client.delete_topic("t"), ErrorCode::none);
        world.run_for(static_cast<int64_t>(world.random().below(2 * kMillisecondNs)));
        node.disk().set_extra_latency(0);
        ASSERT_EQ(client.create_topic("t", 1), ErrorCode::none);
        client.send_produce("t", 0, "of the younger one");
        const auto ack = client.receive_ack();
        ASSERT_TRUE(ack.has_value());
        ASSERT_EQ(ack->error, ErrorCode::none);
        EXPECT_EQ(ack->base_offset, 0);
        node.crash(CrashKind::power_loss);
        // Another number of cores: everything that the journals have goes into segments.
        node.restart(1);
        Broker& broker = boot(node, metadata);
        client.connect(node);
        const auto found = client.fetch("t", 0, 0);
        EXPECT_TRUE(contains(found, "of the younger one"));
        EXPECT_FALSE(contains(found, "of the older one"));
        for (const std::string& path : node.disk().list_tree()) {
            EXPECT_EQ(path.find("-stray"), std::string::npos) << path;
        }
        EXPECT_EQ(node.run(0, stop_broker(broker)), true);
        node.stop();
    }
}

// A size takes its bytes of what all connections of a core share before any of them has come: three
// sizes kept everybody else waiting until connections.max.idle.ms.
TEST(BrokerSim, RequestsThatDoNotComeKeepNobodyWaitingForLong) {
    SimWorld world(4);
    Metadata metadata;
    SimNode& node = world.add_node();
    Broker& broker = boot(node, metadata);
    constexpr int32_t kAnnounced = 100 << 20;
    std::vector<std::unique_ptr<Client>> silent;
    for (int64_t held = 0; held <= kRequestBytesPerCore; held += kAnnounced) {
        silent.push_back(std::make_unique<Client>(world));
        silent.back()->connect(node);
        std::array<std::byte, 4> size{};
        store_be<int32_t>(size.data(), kAnnounced);
        silent.back()->raw().send(size);
    }
    // They are there before the next client comes.
    world.run_for(kSecondNs);
    Client client(world);
    client.connect(node);
    const MonotonicNs begun = world.now();
    EXPECT_EQ(client.create_topic("t", 1), ErrorCode::none);
    EXPECT_LT(world.now() - begun, 2 * kFrameNs);
    EXPECT_TRUE(silent.front()->raw().ended());
    EXPECT_EQ(node.run(0, stop_broker(broker)), true);
    node.stop();
}

TEST(BrokerSim, ARequestThatComesSlowlyIsWaitedForWhileNobodyNeedsItsBytes) {
    SimWorld world(5);
    Metadata metadata;
    SimNode& node = world.add_node();
    Broker& broker = boot(node, metadata);
    Client client(world);
    client.connect(node);
    kafka::Writer writer;
    kafka::encode_request(writer, 1, "sim", kafka::MetadataRequest{}, 4);
    const ByteView bytes = writer.bytes();
    client.raw().send(bytes.first(bytes.size() - 1));
    world.run_for(3 * kFrameNs);
    client.raw().send(bytes.subspan(bytes.size() - 1));
    EXPECT_TRUE(client.receive<kafka::MetadataResponse>(4).has_value());
    EXPECT_EQ(node.run(0, stop_broker(broker)), true);
    node.stop();
}

}  // namespace
}  // namespace ringlog::broker::test

// A broker of a simulated world, and a client that speaks Kafka to it.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "broker/broker.h"
#include "cluster/memory_store.h"
#include "kafka/create_topics.h"
#include "kafka/delete_topics.h"
#include "kafka/fetch.h"
#include "kafka/list_offsets.h"
#include "kafka/message.h"
#include "kafka/produce.h"
#include "tests/simulation/sim_client.h"
#include "tests/simulation/sim_world.h"
#include "tests/unit/engine/batch_builder.h"

namespace ringlog::broker::test {

constexpr uint16_t kPort = 9092;

/// What outlives the processes: the metadata that a store outside would keep.
struct Metadata {
    SystemClock clock;
    cluster::MemoryStoreState state{clock};

    static io::Task<OpenedMetadata> open(io::Reactor& reactor, cluster::MemoryStoreState& state) {
        co_return std::make_unique<cluster::MemoryStore>(reactor, state);
    }
    MetadataOpener opener() {
        return [this](io::Reactor& reactor, bool) { return open(reactor, state); };
    }
};

inline BrokerOptions broker_options(Metadata& metadata) {
    BrokerOptions options;
    options.config.data_directory = "data";
    options.config.listeners.front().host = "";
    options.config.listeners.front().port = kPort;
    options.config.journal_bytes = 16 << 20;
    options.config.window_bytes = 4 << 20;
    options.open_metadata = metadata.opener();
    return options;
}

inline io::Task<bool> start_broker(Broker& broker) {
    Started started = co_await broker.start();
    EXPECT_TRUE(started.has_value()) << started.error().text;
    co_return started.has_value();
}

inline io::Task<bool> stop_broker(Broker& broker) {
    co_await broker.drain(10 * kSecondNs);
    co_return co_await broker.stop();
}

/// Starts a broker in this life of `node`.
inline Broker& boot(simulation::SimNode& node, Metadata& metadata) {
    Broker& broker = node.own(std::make_unique<Broker>(node.reactor(0), broker_options(metadata)));
    const auto started = node.run(0, start_broker(broker));
    EXPECT_TRUE(started.value_or(false));
    return broker;
}

class Client {
public:
    explicit Client(simulation::SimWorld& world) : world_(world), client_(world) {}

    void connect(simulation::SimNode& node) {
        client_.connect(node, kPort);
        world_.run_until([this] { return client_.connected() || client_.ended(); });
    }
    simulation::SimClient& raw() { return client_; }

    template <kafka::Message T>
    int32_t send(const T& request, int16_t version) {
        kafka::Writer writer;
        kafka::encode_request(writer, ++correlation_, "sim", request, version);
        client_.send(writer.bytes());
        return correlation_;
    }
    /// A whole answer is here.
    [[nodiscard]] bool has_answer() const {
        const ByteView bytes = client_.received();
        return bytes.size() >= 4 &&
               bytes.size() >= 4 + static_cast<size_t>(load_be<int32_t>(bytes.data()));
    }
    /// The next answer; what it refers to stays until the next call. Nothing if the connection
    /// ended before.
    template <kafka::Message T>
    std::optional<kafka::Answer<T>> receive(int16_t version) {
        world_.run_until([this] { return has_answer() || client_.ended(); });
        if (!has_answer()) {
            return std::nullopt;
        }
        const size_t size = static_cast<size_t>(load_be<int32_t>(client_.received().data()));
        const ByteView frame = client_.received().subspan(4, size);
        frame_.assign(frame.begin(), frame.end());
        client_.consume(4 + size);
        auto answer = kafka::decode_response<T>(frame_, version);
        EXPECT_TRUE(answer.has_value());
        return std::move(*answer);
    }

    kafka::ErrorCode create_topic(std::string_view name, int32_t partitions) {
        kafka::CreateTopicsRequest request;
        request.topics.push_back({.name = name,
                                  .num_partitions = partitions,
                                  .replication_factor = 1,
                                  .assignments = {},
                                  .configs = {}});
        send(request, 2);
        const auto answer = receive<kafka::CreateTopicsResponse>(2);
        return answer ? answer->message.topics.to_vector().front().error_code
                      : kafka::ErrorCode::network_exception;
    }
    kafka::ErrorCode delete_topic(std::string_view name) {
        kafka::DeleteTopicsRequest request;
        request.topic_names.push_back(name);
        request.timeout_ms = 10'000;
        send(request, 1);
        const auto answer = receive<kafka::DeleteTopicsResponse>(1);
        return answer ? answer->message.responses.to_vector().front().error_code
                      : kafka::ErrorCode::network_exception;
    }
    int32_t send_produce(std::string_view topic, int32_t partition, const std::string& value,
                         int16_t acks = -1) {
        const auto batch = engine::test::BatchBuilder().record(1, value).build();
        kafka::ProduceRequest request;
        request.acks = acks;
        request.timeout_ms = 60'000;
        request.topics.push_back(
            {.name = topic, .partitions = {{.index = partition, .records = kafka::Blob(batch)}}});
        return send(request, 7);
    }
    struct Acked {
        int32_t correlation_id;
        kafka::ErrorCode error;
        int64_t base_offset;
    };
    std::optional<Acked> receive_ack() {
        const auto answer = receive<kafka::ProduceResponse>(7);
        if (!answer) {
            return std::nullopt;
        }
        const auto topic = answer->message.topics.to_vector().front();
        const auto partition = topic.partitions.to_vector().front();
        return Acked{answer->correlation_id, partition.error_code, partition.base_offset};
    }
    /// The records of a partition from `offset` on, as they come at once.
    std::vector<std::byte> fetch(std::string_view topic, int32_t partition, int64_t offset) {
        kafka::FetchRequest request;
        request.max_bytes = 1 << 20;
        request.topics.push_back({.topic = topic,
                                  .partitions = {{.partition = partition,
                                                  .fetch_offset = offset,
                                                  .partition_max_bytes = 1 << 20}}});
        send(request, 4);
        const auto answer = receive<kafka::FetchResponse>(4);
        if (!answer || answer->message.topics.empty()) {
            return {};
        }
        const auto found =
            answer->message.topics.to_vector().front().partitions.to_vector().front();
        EXPECT_EQ(found.error_code, kafka::ErrorCode::none);
        return {found.records->bytes.begin(), found.records->bytes.end()};
    }

private:
    simulation::SimWorld& world_;
    simulation::SimClient client_;
    int32_t correlation_ = 0;
    std::vector<std::byte> frame_;
};

}  // namespace ringlog::broker::test

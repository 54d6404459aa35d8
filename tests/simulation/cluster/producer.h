// A producer of a simulated world: pipelines, times out, connects again and sends again with the
// same sequences, as Kafka's own client does. One thread.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <vector>

#include "kafka/produce.h"
#include "tests/simulation/cluster/cluster.h"
#include "tests/simulation/cluster/wire_client.h"

namespace ringlog::simulation {

class Producer {
public:
    Producer(Cluster& cluster, const ProducerPlan& plan);
    Producer(const Producer&) = delete;
    Producer& operator=(const Producer&) = delete;
    ~Producer();

    /// Begins to produce to every topic that lives.
    void start();
    /// Makes no further batches; goes on with those that it has.
    void finish();
    /// One more batch for each partition.
    void produce_once_everywhere();
    /// Nothing waits for an answer.
    [[nodiscard]] bool idle() const { return queue_.empty(); }
    /// What it still has, for people.
    [[nodiscard]] std::string unfinished() const;
    [[nodiscard]] HostId host() const { return wire_.host(); }
    /// Drops what is for partitions that take no more writes.
    void give_up_damaged();

private:
    struct Item {
        SentBatch* batch = nullptr;
        std::vector<std::byte> bytes;
        bool in_flight = false;
        bool given_up = false;
    };
    using ItemPtr = std::shared_ptr<Item>;
    struct Sent;

    void connect_later(int64_t delay_ns);
    void connect();
    void lost();
    void pump();
    void take_producer_id();
    [[nodiscard]] std::vector<ItemPtr> next_items();
    bool make_items();
    ItemPtr make_item(uint16_t topic, int32_t partition);
    void send(std::vector<ItemPtr> items);
    void answered(Sent& sent, std::optional<ByteView> frame);
    void answered_partition(Sent& sent, size_t at, const kafka::ProducePartitionResponse& answer);
    void acked(const ItemPtr& item, Ticket ticket, int64_t offset, uint64_t connection);
    void refused(const ItemPtr& item, Ticket ticket, kafka::ErrorCode error);
    void drop_topic(uint16_t topic);
    void begin_anew();
    void forget(const ItemPtr& item);
    void wake_later(int64_t delay_ns);

    Cluster& cluster_;
    ProducerPlan plan_;
    Random random_;
    WireClient wire_;
    std::deque<ItemPtr> queue_;  ///< Unanswered, in the order in which they were made.
    uint32_t requests_ = 0;      ///< Under way.
    bool connecting_ = false;
    bool running_ = false;
    bool draining_ = false;  ///< Something failed: wait for the rest, then send again in order.
    bool asking_ = false;    ///< For a producer id.
    bool waking_ = false;
    MonotonicNs not_before_ = 0;
    int64_t producer_id_ = -1;
    int16_t producer_epoch_ = -1;
    uint64_t next_number_ = 0;
    std::map<std::pair<uint16_t, int32_t>, int32_t> sequences_;
    std::vector<uint64_t> generations_;  ///< Of the topics, when the producer id was taken.
    /// The last offset that an own batch got, and on which connection and life of its topic.
    struct LastOffset {
        uint64_t connection = 0;
        uint64_t generation = 0;
        int64_t offset = -1;
    };
    std::map<std::pair<uint16_t, int32_t>, LastOffset> last_offsets_;
};

}  // namespace ringlog::simulation

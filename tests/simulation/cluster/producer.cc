#include "tests/simulation/cluster/producer.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "kafka/init_producer_id.h"
#include "tests/simulation/cluster/image_probe.h"
#include "tests/simulation/cluster/node_driver.h"
#include "tests/unit/engine/batch_builder.h"

namespace ringlog::simulation {

using kafka::ErrorCode;

namespace {

constexpr int64_t kReconnectNs = 20 * kMillisecondNs;
constexpr int64_t kBackoffNs = 10 * kMillisecondNs;
/// What a broker may take beyond a request's own time-out.
constexpr int64_t kAnswerSlackNs = 3 * kSecondNs;
constexpr uint64_t kBatchesPerRequest = 3;
constexpr int64_t kSequenceModulo = int64_t{1} << 31;
/// How often the disk is recovered as a power cut right behind an ack would leave it.
constexpr uint64_t kAcksPerProbe = 150;
constexpr WallMs kFirstTimestamp = 1'700'000'000'000;

/// What a client tries again after, and an operator can look up.
bool is_retriable(ErrorCode error) {
    switch (error) {
        case ErrorCode::request_timed_out:
        case ErrorCode::kafka_storage_error:
        case ErrorCode::not_leader_or_follower:
        case ErrorCode::leader_not_available:
        case ErrorCode::network_exception:
        case ErrorCode::coordinator_not_available: return true;
        default: return false;
    }
}

bool is_about_sequences(ErrorCode error) {
    return error == ErrorCode::out_of_order_sequence_number ||
           error == ErrorCode::unknown_producer_id || error == ErrorCode::invalid_producer_epoch ||
           error == ErrorCode::duplicate_sequence_number;
}

}  // namespace

struct Producer::Sent {
    std::vector<ItemPtr> items;
    std::vector<Ticket> tickets;
    uint64_t connection = 0;
};

Producer::Producer(Cluster& cluster, const ProducerPlan& plan)
    : cluster_(cluster),
      plan_(plan),
      random_(cluster.swarm.seed * 101 + plan.id),
      wire_(cluster.world, cluster.judge, fmt::format("producer-{}", plan.id)) {
    wire_.set_on_lost([this] { lost(); });
}

Producer::~Producer() {
    wire_.set_on_lost(nullptr);
    wire_.disconnect();
}

void Producer::start() {
    running_ = true;
    connect_later(0);
}

void Producer::finish() {
    running_ = false;
}

std::string Producer::unfinished() const {
    return queue_.empty() ? "nothing" : queue_.front()->batch->name();
}

void Producer::connect_later(int64_t delay_ns) {
    if (!std::exchange(connecting_, true)) {
        cluster_.world.after(delay_ns, [this] { connect(); });
    }
}

void Producer::connect() {
    SimNode& node = cluster_.leader(0, 0).node();
    wire_.connect(node, kBrokerPort, [this](bool connected) {
        connecting_ = false;
        if (connected) {
            draining_ = false;
            pump();
        } else {
            connect_later(static_cast<int64_t>(random_.below(kReconnectNs)));
        }
    });
}

void Producer::lost() {
    connect_later(static_cast<int64_t>(random_.below(kReconnectNs)));
}

void Producer::wake_later(int64_t delay_ns) {
    if (!std::exchange(waking_, true)) {
        cluster_.world.after(delay_ns, [this] {
            waking_ = false;
            pump();
        });
    }
}

void Producer::pump() {
    if (!wire_.connected() || asking_) {
        return;
    }
    if (draining_) {
        draining_ = requests_ > 0;
        if (draining_) {
            return;
        }
    }
    if (plan_.idempotent && producer_id_ < 0) {
        take_producer_id();
        return;
    }
    const MonotonicNs now = cluster_.world.now();
    while (requests_ < plan_.in_flight_max && wire_.connected() && !draining_) {
        if (now < not_before_) {
            wake_later(not_before_ - now);
            return;
        }
        std::vector<ItemPtr> items = next_items();
        if (items.empty()) {
            if (!running_ || !make_items()) {
                return;
            }
            items = next_items();
            if (plan_.think_ns > 0) {
                not_before_ = now + static_cast<int64_t>(
                                        random_.below(static_cast<uint64_t>(plan_.think_ns)));
            }
        }
        if (items.empty()) {
            return;
        }
        send(std::move(items));
    }
}

void Producer::take_producer_id() {
    asking_ = true;
    kafka::InitProducerIdRequest request;
    request.transaction_timeout_ms = 1000;
    wire_.request(request, 1, plan_.timeout_ns + 20 * kSecondNs,
                  [this](std::optional<ByteView> frame) {
                      asking_ = false;
                      if (!frame) {
                          return;
                      }
                      const auto answer =
                          decode_answer<kafka::InitProducerIdResponse>(cluster_.judge, *frame, 1);
                      if (answer && answer->error_code == ErrorCode::none) {
                          producer_id_ = answer->producer_id;
                          producer_epoch_ = answer->producer_epoch;
                          sequences_.clear();
                          generations_.clear();
                          for (uint16_t i = 0; i < cluster_.swarm.topics.size(); ++i) {
                              generations_.push_back(cluster_.oracle.ticket(i).generation);
                          }
                      } else {
                          not_before_ = cluster_.world.now() + kBackoffNs;
                      }
                      wake_later(answer && producer_id_ >= 0 ? 0 : kBackoffNs);
                  });
}

std::vector<Producer::ItemPtr> Producer::next_items() {
    std::vector<ItemPtr> items;
    std::set<std::pair<uint16_t, int32_t>> taken;
    const uint64_t most = 1 + random_.below(kBatchesPerRequest);
    for (const ItemPtr& item : queue_) {
        if (item->in_flight || item->given_up) {
            continue;
        }
        if (items.size() == most ||
            !taken.emplace(item->batch->first.topic, item->batch->first.partition).second) {
            break;  // what is behind it must not pass it
        }
        items.push_back(item);
    }
    return items;
}

bool Producer::make_items() {
    std::vector<uint16_t> topics;
    for (uint16_t i = 0; i < cluster_.swarm.topics.size(); ++i) {
        if (cluster_.oracle.life(i) == Oracle::TopicLife::alive || random_.chance(1, 20)) {
            topics.push_back(i);
        }
    }
    if (topics.empty()) {
        wake_later(kBackoffNs);
        return false;
    }
    const uint64_t count = 1 + random_.below(kBatchesPerRequest);
    for (uint64_t i = 0; i < count; ++i) {
        const uint16_t topic = topics[random_.below(topics.size())];
        const auto partitions = static_cast<uint64_t>(cluster_.swarm.topics[topic].partitions);
        queue_.push_back(make_item(topic, static_cast<int32_t>(random_.below(partitions))));
    }
    return true;
}

Producer::ItemPtr Producer::make_item(uint16_t topic, int32_t partition) {
    const bool large = plan_.large_bytes > 0 && random_.chance(1, 25);
    const auto records = static_cast<int32_t>(1 + random_.below(large ? 2 : 4));
    SentBatch batch;
    batch.first = {.id = {.producer = plan_.id, .number = next_number_},
                   .topic = topic,
                   .partition = partition};
    batch.count = records;
    engine::test::BatchBuilder builder;
    if (plan_.idempotent) {
        const bool near_wrap = random_.chance(1, 4);
        const auto [sequence, added] = sequences_.try_emplace(
            {topic, partition},
            near_wrap ? INT32_MAX - static_cast<int32_t>(random_.below(20)) : 0);
        batch.producer_id = producer_id_;
        batch.producer_epoch = producer_epoch_;
        batch.base_sequence = sequence->second;
        sequence->second =
            static_cast<int32_t>((int64_t{sequence->second} + records) % kSequenceModulo);
        builder.producer(producer_id_, producer_epoch_, batch.base_sequence);
    }
    const WallMs now = kFirstTimestamp + cluster_.world.now() / kMillisecondNs;
    for (int32_t i = 0; i < records; ++i) {
        Value value = batch.first;
        value.id.number = next_number_++;
        const uint64_t bytes = large ? plan_.large_bytes / static_cast<uint64_t>(records)
                                     : random_.below(plan_.batch_bytes_max);
        builder.record(now + static_cast<int64_t>(random_.below(50)), encode_value(value, bytes));
    }
    auto item = std::make_shared<Item>();
    item->bytes = builder.build();
    batch.content_crc = content_crc(item->bytes);
    item->batch = &cluster_.oracle.sent(std::move(batch));
    return item;
}

void Producer::send(std::vector<ItemPtr> items) {
    kafka::ProduceRequest request;
    request.acks = plan_.acks;
    request.timeout_ms = static_cast<int32_t>(plan_.timeout_ns / kMillisecondNs);
    auto sent = std::make_shared<Sent>();
    sent->connection = wire_.epoch();
    for (const ItemPtr& item : items) {
        const Value& first = item->batch->first;
        request.topics.push_back(
            {.name = cluster_.swarm.topics[first.topic].name,
             .partitions = {{.index = first.partition, .records = kafka::Blob(item->bytes)}}});
        sent->tickets.push_back(cluster_.oracle.ticket(first.topic));
        cluster_.oracle.attempt(*item->batch);
        item->in_flight = true;
    }
    sent->items = std::move(items);
    if (plan_.acks == 0) {
        wire_.send_only(request, plan_.version);
        for (const ItemPtr& item : sent->items) {
            forget(item);
        }
        not_before_ = std::max(not_before_, cluster_.world.now() + kMillisecondNs);
        return;
    }
    ++requests_;
    wire_.request(request, plan_.version, plan_.timeout_ns + kAnswerSlackNs,
                  [this, sent](std::optional<ByteView> frame) { answered(*sent, frame); });
}

void Producer::answered(Sent& sent, std::optional<ByteView> frame) {
    --requests_;
    for (const ItemPtr& item : sent.items) {
        item->in_flight = false;
    }
    if (!frame) {
        for (const ItemPtr& item : sent.items) {
            if (item->given_up || (!plan_.idempotent && !plan_.resends)) {
                forget(item);
            }
        }
        return;
    }
    const auto answer =
        decode_answer<kafka::ProduceResponse>(cluster_.judge, *frame, plan_.version);
    size_t at = 0;
    for (const kafka::ProduceTopicResponse& topic :
         answer ? answer->topics : kafka::List<kafka::ProduceTopicResponse>{}) {
        for (const kafka::ProducePartitionResponse& partition : topic.partitions) {
            if (at < sent.items.size()) {
                answered_partition(sent, at++, partition);
            }
        }
    }
    if (at != sent.items.size()) {
        cluster_.judge.violate(Invariant::never_wrong_bytes,
                               "a produce is answered for other partitions than it named");
    }
    wake_later(0);
}

void Producer::answered_partition(Sent& sent, size_t at,
                                  const kafka::ProducePartitionResponse& answer) {
    const ItemPtr item = sent.items[at];
    if (answer.error_code == ErrorCode::none) {
        acked(item, sent.tickets[at], answer.base_offset, sent.connection);
    } else {
        refused(item, sent.tickets[at], answer.error_code);
    }
}

void Producer::acked(const ItemPtr& item, Ticket ticket, int64_t offset, uint64_t connection) {
    SentBatch& batch = *item->batch;
    cluster_.oracle.acked(batch, offset, ticket, true);
    if (!cluster_.quiet() && random_.chance(1, kAcksPerProbe)) {
        probe_image(cluster_, cluster_.leader(batch.first.topic, batch.first.partition),
                    random_.next());
    }
    LastOffset& last = last_offsets_[{batch.first.topic, batch.first.partition}];
    if (batch.attempts == 1 && cluster_.oracle.holds(ticket)) {
        if (last.connection == connection && last.generation == ticket.generation &&
            offset <= last.offset) {
            cluster_.judge.violate(
                Invariant::admission_order,
                fmt::format("{} got offset {}, the batch before it on its connection got {}",
                            batch.name(), offset, last.offset));
        }
        last = {connection, ticket.generation, offset};
    } else {
        last = {};
    }
    forget(item);
}

void Producer::refused(const ItemPtr& item, Ticket ticket, ErrorCode error) {
    SentBatch& batch = *item->batch;
    Judge& judge = cluster_.judge;
    judge.mark(Met::produce_errors);
    RL_TELL(judge, batch.first.topic, batch.first.partition, "{}: refused, {}", batch.name(),
            kafka::error_code_name(error));
    last_offsets_[{batch.first.topic, batch.first.partition}] = {};
    if (item->given_up) {
        forget(item);
        return;
    }
    draining_ = true;
    not_before_ = cluster_.world.now() + kBackoffNs;
    const bool topic_lives = cluster_.oracle.holds(ticket);
    if (error == ErrorCode::unknown_topic_or_partition) {
        cluster_.oracle.refused(batch);
        if (topic_lives) {
            judge.violate(Invariant::no_delete_without_record,
                          batch.name() + " was refused: unknown topic, but it lives");
        }
        drop_topic(batch.first.topic);
    } else if (is_about_sequences(error)) {
        const bool oldest = std::ranges::find_if(queue_, [&](const ItemPtr& other) {
                                return other->batch->first.topic == batch.first.topic &&
                                       other->batch->first.partition == batch.first.partition;
                            })->get() == item.get();
        const bool same_topic = !generations_.empty() &&
                                generations_[batch.first.topic] == ticket.generation && topic_lives;
        const bool promised = cluster_.swarm.durability == engine::Durability::power ||
                              !cluster_.swarm.on(Switch::power_loss);
        if (oldest && same_topic && promised && !cluster_.swarm.honesty() &&
            !cluster_.oracle.is_damaged(batch.first.topic, batch.first.partition)) {
            judge.violate(Invariant::sequence_no_gap,
                          fmt::format("{}, the oldest without an answer, was refused: {}",
                                      batch.name(), kafka::error_code_name(error)));
        }
        if (oldest) {
            begin_anew();
        }
    } else if (!is_retriable(error)) {
        judge.violate(
            Invariant::unavailability_reported,
            fmt::format("{} was refused: {}", batch.name(), kafka::error_code_name(error)));
    } else if (!plan_.idempotent && !plan_.resends) {
        forget(item);
    }
}

void Producer::drop_topic(uint16_t topic) {
    for (const ItemPtr& item : std::deque(queue_)) {
        if (item->batch->first.topic == topic) {
            item->given_up = true;
            if (!item->in_flight) {
                forget(item);
            }
        }
    }
}

void Producer::begin_anew() {
    for (const ItemPtr& item : std::deque(queue_)) {
        item->given_up = true;
        if (!item->in_flight) {
            forget(item);
        }
    }
    producer_id_ = -1;
}

void Producer::forget(const ItemPtr& item) {
    std::erase(queue_, item);
}

void Producer::give_up_damaged() {
    for (const ItemPtr& item : std::deque(queue_)) {
        const Value& first = item->batch->first;
        if (cluster_.oracle.is_damaged(first.topic, first.partition)) {
            item->given_up = true;
            if (!item->in_flight) {
                forget(item);
            }
        }
    }
}

void Producer::produce_once_everywhere() {
    for (uint16_t topic = 0; topic < cluster_.swarm.topics.size(); ++topic) {
        for (int32_t i = 0; i < cluster_.swarm.topics[topic].partitions; ++i) {
            if (!cluster_.oracle.is_damaged(topic, i)) {
                queue_.push_back(make_item(topic, i));
            }
        }
    }
    connect_later(0);
}

}  // namespace ringlog::simulation

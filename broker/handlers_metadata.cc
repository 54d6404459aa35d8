// Metadata: brokers as the asked listener sees them, topics, partitions and their leaders; creates
// missing topics where that is allowed.
#include <algorithm>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "broker/broker.h"
#include "broker/core.h"
#include "broker/handlers.h"
#include "cluster/topic_name.h"
#include "io/mesh.h"
#include "kafka/metadata.h"

namespace ringlog::broker {

using kafka::ErrorCode;

namespace {

constexpr int32_t kPiecesPerSlice = 500;  ///< Partitions, or topics without any.

/// Builds one answer over one image.
class MetadataAnswer {
public:
    MetadataAnswer(BrokerCore& core, cluster::ImagePtr image)
        : core_(core), image_(std::move(image)) {}

    void add_brokers(std::string_view listener);
    void add_failed(std::string_view name, const Uuid& id, ErrorCode error);
    io::Task<void> add_topic(cluster::TopicPtr topic);
    /// Counts one piece of work; true when others should have their turn.
    [[nodiscard]] bool slice_is_full();
    kafka::MetadataResponse& response() { return response_; }

private:
    static kafka::MetadataPartition partition_of(const cluster::PartitionView& view, int32_t index);

    BrokerCore& core_;
    cluster::ImagePtr image_;
    std::vector<cluster::TopicPtr> held_;  ///< The answer's names point into these.
    kafka::MetadataResponse response_;
    int32_t in_slice_ = 0;
};

void MetadataAnswer::add_brokers(std::string_view listener) {
    response_.cluster_id = image_->cluster_id();
    // The one node decides alone.
    response_.controller_id = core_.broker().config().node_id;
    for (const auto& [id, broker] : image_->brokers()) {
        const auto& endpoints = broker.record.endpoints;
        const auto found = std::ranges::find(endpoints, listener, &cluster::Endpoint::listener);
        if (found == endpoints.end()) {
            continue;
        }
        kafka::MetadataBroker& entry =
            response_.brokers.push_back({.node_id = id, .host = found->host, .port = found->port});
        if (!broker.record.rack.empty()) {
            entry.rack = broker.record.rack;
        }
    }
}

void MetadataAnswer::add_failed(std::string_view name, const Uuid& id, ErrorCode error) {
    kafka::MetadataTopic topic;
    topic.error_code = error;
    topic.topic_id = id;
    if (!name.empty() || id.is_zero()) {
        topic.name = name;
    }
    response_.topics.push_back(std::move(topic));
}

kafka::MetadataPartition MetadataAnswer::partition_of(const cluster::PartitionView& view,
                                                      int32_t index) {
    kafka::MetadataPartition partition;
    partition.partition_index = index;
    partition.leader_id = view.leader;
    partition.leader_epoch = view.leader_epoch;
    partition.error_code = view.leader < 0 ? ErrorCode::leader_not_available : ErrorCode::none;
    partition.replica_nodes.values().assign(view.replicas.begin(), view.replicas.end());
    partition.isr_nodes.values().assign(view.isr.begin(), view.isr.end());
    return partition;
}

bool MetadataAnswer::slice_is_full() {
    in_slice_ = in_slice_ + 1 < kPiecesPerSlice ? in_slice_ + 1 : 0;
    return in_slice_ == 0;
}

io::Task<void> MetadataAnswer::add_topic(cluster::TopicPtr topic) {
    kafka::MetadataTopic entry;
    entry.name = topic->name;
    entry.topic_id = topic->id;
    entry.partitions.reserve(static_cast<size_t>(topic->partition_count));
    for (int32_t index = 0; index < topic->partition_count; ++index) {
        if (const auto view = topic->partition(index)) {
            entry.partitions.push_back(partition_of(*view, index));
        }
        if (slice_is_full()) {
            co_await core_.reactor().yield();
        }
    }
    held_.push_back(std::move(topic));
    response_.topics.push_back(std::move(entry));
}

/// A topic that the request names: by name, else by id.
struct AskedTopic {
    std::optional<std::string_view> name;  ///< In the request's bytes.
    Uuid id;
    ErrorCode error = ErrorCode::none;  ///< Why there is no such topic, once looked for.
};

bool wants_all(const kafka::MetadataRequest& body, int16_t version) {
    return !body.topics.has_value() || (version == 0 && body.topics->empty());
}

/// Each topic once, however often it is named, as with Kafka: a name of a few bytes costs an answer
/// with all its partitions.
std::vector<AskedTopic> asked_topics(const kafka::MetadataRequest& body) {
    std::vector<AskedTopic> asked;
    std::set<std::string_view> names;
    std::set<Uuid> ids;
    for (const kafka::MetadataRequestTopic& topic : *body.topics) {
        const bool first = topic.name.has_value() ? names.insert(*topic.name).second
                                                  : ids.insert(topic.topic_id).second;
        if (first) {
            asked.push_back({.name = topic.name, .id = topic.topic_id});
        }
    }
    return asked;
}

/// Creates the topics of `asked` that are missing and may be created; what is there then has no
/// error.
io::Task<void> create_missing(BrokerCore& core, std::vector<AskedTopic>& asked) {
    std::vector<std::string> names;
    for (const AskedTopic& topic : asked) {
        if (topic.error == ErrorCode::unknown_topic_or_partition) {
            names.emplace_back(*topic.name);
        }
    }
    if (names.empty()) {
        co_return;
    }
    Broker* const broker = &core.broker();
    auto created = co_await io::call_on(core.reactor(), broker->home(), [&](io::Reactor&) {
        return broker->controller().ensure_topics(std::move(names));
    });
    auto next = created.begin();
    for (AskedTopic& topic : asked) {
        if (topic.error == ErrorCode::unknown_topic_or_partition) {
            topic.error = (next++)->error.code;
        }
    }
}

/// Says of each topic of `asked` that is named and missing why it is, after creating what may be.
io::Task<void> find_missing(BrokerCore& core, std::vector<AskedTopic>& asked, bool create) {
    for (AskedTopic& topic : asked) {
        if (topic.name.has_value() && core.route(*topic.name) == nullptr) {
            topic.error = cluster::topic_name_problem(*topic.name).has_value()
                              ? ErrorCode::invalid_topic_exception
                              : ErrorCode::unknown_topic_or_partition;
        }
    }
    if (create) {
        co_await create_missing(core, asked);
    }
}

/// One of `asked` as `image` has it.
io::Task<void> add_asked(MetadataAnswer& answer, cluster::ImagePtr image, AskedTopic topic) {
    const cluster::TopicPtr known =
        topic.name.has_value() ? image->topic(*topic.name) : image->topic(topic.id);
    if (known != nullptr) {
        co_await answer.add_topic(known);
    } else if (!topic.name.has_value()) {
        answer.add_failed({}, topic.id, ErrorCode::unknown_topic_id);
    } else {
        answer.add_failed(
            *topic.name, Uuid{},
            topic.error != ErrorCode::none ? topic.error : ErrorCode::unknown_topic_or_partition);
    }
}

}  // namespace

io::Task<void> handle_metadata(Connection& connection, Request& request) {
    const auto body = read_request<kafka::MetadataRequest>(connection, request);
    if (!body) {
        co_return;
    }
    BrokerCore& core = connection.core();
    const bool all = wants_all(*body, request.header.api_version);
    std::vector<AskedTopic> asked;
    if (!all) {
        asked = asked_topics(*body);
        const bool create =
            body->allow_auto_topic_creation && core.broker().config().auto_create_topics;
        co_await find_missing(core, asked, create);
    }
    const cluster::ImagePtr image = core.image();
    MetadataAnswer answer(core, image);
    answer.add_brokers(core.broker().endpoints()[connection.listener()].listener);
    if (all) {
        std::vector<cluster::TopicPtr> topics;
        image->for_each_topic([&](const cluster::TopicPtr& topic) { topics.push_back(topic); });
        for (const cluster::TopicPtr& topic : topics) {
            co_await answer.add_topic(topic);
        }
    }
    for (const AskedTopic& topic : asked) {
        if (answer.slice_is_full()) {
            co_await core.reactor().yield();
        }
        co_await add_asked(answer, image, topic);
    }
    answer_with(request, answer.response());
}

}  // namespace ringlog::broker

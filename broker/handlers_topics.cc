// CreateTopics and DeleteTopics: the controller on core 0 decides; the answer comes when every core
// has the change.
#include <map>
#include <string>
#include <vector>

#include "broker/broker.h"
#include "broker/core.h"
#include "broker/handlers.h"
#include "cluster/topic_config.h"
#include "io/mesh.h"
#include "kafka/create_topics.h"
#include "kafka/delete_topics.h"

namespace ringlog::broker {

using kafka::ErrorCode;

namespace {

constexpr int16_t kFirstVersionWithDefaults = 4;  ///< CreateTopics: -1 is the broker's default.
constexpr int16_t kFirstVersionWithConfigs = 5;
constexpr int16_t kFirstVersionWithIds = 6;  ///< DeleteTopics.

/// Kafka's numbers of where a value comes from.
constexpr int8_t kSourceTopic = 1;
constexpr int8_t kSourceBroker = 4;
constexpr int8_t kSourceDefault = 5;

cluster::NewTopic new_topic(const kafka::CreatableTopic& asked, int16_t version) {
    cluster::NewTopic topic;
    topic.name = asked.name;
    topic.partition_count = asked.num_partitions;
    topic.replication_factor = asked.replication_factor;
    const bool defaults = version >= kFirstVersionWithDefaults || !asked.assignments.empty();
    if (!defaults && asked.num_partitions < 0) {
        topic.partition_count = 0;  // refused as too few
    }
    if (!defaults && asked.replication_factor < 0) {
        topic.replication_factor = 0;
    }
    for (const kafka::ReplicaAssignment& assignment : asked.assignments) {
        std::vector<int32_t> nodes;
        for (const int32_t node : assignment.broker_ids) {
            nodes.push_back(node);
        }
        topic.assignments[assignment.partition_index] = std::move(nodes);
    }
    for (const kafka::CreatableTopicConfig& config : asked.configs) {
        std::optional<std::string> value;
        if (config.value.has_value()) {
            value = std::string(*config.value);
        }
        topic.configs.emplace_back(std::string(config.name), std::move(value));
    }
    return topic;
}

/// Texts that the answer's views point to.
struct ConfigTexts {
    std::vector<std::string> values;
};

kafka::List<kafka::CreatedTopicConfig> configs_of(const cluster::ConfigMap& defaults,
                                                  const cluster::ConfigMap& overrides,
                                                  ConfigTexts& texts) {
    kafka::List<kafka::CreatedTopicConfig> configs;
    const auto specs = cluster::topic_config_specs();
    texts.values.reserve(specs.size());
    for (const cluster::TopicConfigSpec& spec : specs) {
        kafka::CreatedTopicConfig& config = configs.push_back({});
        config.name = spec.name;
        config.value =
            texts.values.emplace_back(cluster::topic_config_value(spec.name, defaults, overrides));
        config.config_source = overrides.contains(spec.name)  ? kSourceTopic
                               : defaults.contains(spec.name) ? kSourceBroker
                                                              : kSourceDefault;
    }
    return configs;
}

}  // namespace

io::Task<void> handle_create_topics(Connection& connection, Request& request) {
    const auto body = read_request<kafka::CreateTopicsRequest>(connection, request);
    if (!body) {
        co_return;
    }
    std::vector<cluster::NewTopic> topics;
    for (const kafka::CreatableTopic& topic : body->topics) {
        topics.push_back(new_topic(topic, request.header.api_version));
    }
    Broker* const broker = &connection.core().broker();
    const bool validate_only = body->validate_only;
    const auto created =
        co_await io::call_on(connection.core().reactor(), broker->home(), [&](io::Reactor&) {
            return broker->controller().create_topics(std::move(topics), validate_only);
        });
    std::vector<ConfigTexts> texts(created.size());
    kafka::CreateTopicsResponse response;
    for (size_t i = 0; i < created.size(); ++i) {
        const cluster::CreatedTopic& topic = created[i];
        kafka::CreatableTopicResult& result = response.topics.push_back({});
        result.name = topic.name;
        result.topic_id = topic.id;
        result.error_code = topic.error.code;
        if (topic.error.code != ErrorCode::none) {
            result.error_message = topic.error.message;
            continue;
        }
        result.num_partitions = topic.partition_count;
        result.replication_factor = topic.replication_factor;
        if (request.header.api_version >= kFirstVersionWithConfigs) {
            result.configs =
                configs_of(broker->config().topic_defaults.configs, topic.configs, texts[i]);
        }
    }
    answer_with(request, response);
}

io::Task<void> handle_delete_topics(Connection& connection, Request& request) {
    const auto body = read_request<kafka::DeleteTopicsRequest>(connection, request);
    if (!body) {
        co_return;
    }
    std::vector<cluster::TopicReference> topics;
    if (request.header.api_version >= kFirstVersionWithIds) {
        for (const kafka::DeleteTopicState& topic : body->topics) {
            if (topic.name.has_value()) {
                topics.emplace_back(std::string(*topic.name));
            } else {
                topics.emplace_back(topic.topic_id);
            }
        }
    } else {
        for (const std::string_view name : body->topic_names) {
            topics.emplace_back(std::string(name));
        }
    }
    Broker* const broker = &connection.core().broker();
    const auto deleted = co_await io::call_on(
        connection.core().reactor(), broker->home(),
        [&](io::Reactor&) { return broker->controller().delete_topics(std::move(topics)); });
    kafka::DeleteTopicsResponse response;
    for (const cluster::DeletedTopic& topic : deleted) {
        kafka::DeletableTopicResult& result = response.responses.push_back({});
        if (!topic.name.empty() || request.header.api_version < kFirstVersionWithIds) {
            result.name = topic.name;
        }
        result.topic_id = topic.id;
        result.error_code = topic.error.code;
        if (topic.error.code != ErrorCode::none) {
            result.error_message = topic.error.message;
        }
    }
    answer_with(request, response);
}

}  // namespace ringlog::broker

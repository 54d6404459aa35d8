// Kafka's checks of a new topic, and its records. See cluster/topic_plan.h.
#include "cluster/topic_plan.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <set>

#include "cluster/topic_config.h"
#include "cluster/topic_name.h"

namespace ringlog::cluster {

namespace {

using kafka::ErrorCode;
using Assignments = std::vector<std::vector<int32_t>>;

template <typename... Args>
std::unexpected<TopicError> refuse(ErrorCode code, fmt::format_string<Args...> format,
                                   Args&&... args) {
    return std::unexpected(
        TopicError{.code = code, .message = fmt::format(format, std::forward<Args>(args)...)});
}

std::expected<void, TopicError> check_name(const std::string& name, const MetadataImage& image) {
    if (auto problem = topic_name_problem(name); problem.has_value()) {
        return std::unexpected(TopicError{ErrorCode::invalid_topic_exception, std::move(*problem)});
    }
    if (image.topic(name) != nullptr) {
        return refuse(ErrorCode::topic_already_exists, "Topic '{}' already exists.", name);
    }
    if (const TopicPtr other = image.colliding_topic(name); other != nullptr) {
        return refuse(ErrorCode::invalid_topic_exception,
                      "Topic '{}' collides with existing topic: {}", name, other->name);
    }
    return {};
}

std::expected<ConfigMap, TopicError> check_configs(const NewTopic& topic,
                                                   const TopicDefaults& defaults) {
    ConfigMap configs;
    for (const auto& [name, value] : topic.configs) {
        if (!value.has_value()) {
            return refuse(ErrorCode::invalid_config,
                          "Null value not supported for topic configs: {}", name);
        }
        if (auto problem = topic_config_problem(name, *value); problem.has_value()) {
            return std::unexpected(TopicError{ErrorCode::invalid_config, std::move(*problem)});
        }
        if (name == "max.message.bytes" && defaults.batch_bytes_problem) {
            auto problem = defaults.batch_bytes_problem(*parse_integer(*value));
            if (problem.has_value()) {
                return std::unexpected(TopicError{ErrorCode::invalid_config, std::move(*problem)});
            }
        }
        configs.insert_or_assign(name, std::string(trimmed(*value)));
    }
    return configs;
}

std::expected<Assignments, TopicError> given_assignments(const NewTopic& topic,
                                                         const MetadataImage& image) {
    if (topic.replication_factor != -1) {
        return refuse(
            ErrorCode::invalid_request,
            "A manual partition assignment was specified, but replication factor was not set "
            "to -1.");
    }
    if (topic.partition_count != -1) {
        return refuse(
            ErrorCode::invalid_request,
            "A manual partition assignment was specified, but numPartitions was not set to -1.");
    }
    Assignments result;
    for (const auto& [partition, replicas] : topic.assignments) {
        if (partition != static_cast<int32_t>(result.size())) {
            return refuse(ErrorCode::invalid_replica_assignment,
                          "partitions should be a consecutive 0-based integer sequence");
        }
        if (replicas.empty()) {
            return refuse(ErrorCode::invalid_replica_assignment,
                          "The manual partition assignment includes an empty replica list.");
        }
        if (std::set(replicas.begin(), replicas.end()).size() != replicas.size()) {
            return refuse(ErrorCode::invalid_replica_assignment,
                          "The manual partition assignment includes the broker {} more than once.",
                          replicas.front());
        }
        for (const int32_t node : replicas) {
            if (image.broker(node) == nullptr) {
                return refuse(
                    ErrorCode::invalid_replica_assignment,
                    "The manual partition assignment includes broker {}, but no such broker is "
                    "registered.",
                    node);
            }
        }
        if (!result.empty() && replicas.size() != result.front().size()) {
            return refuse(
                ErrorCode::invalid_replica_assignment,
                "The manual partition assignment includes a partition with {} replica(s), but "
                "this is not consistent with previous partitions, which have {} replica(s).",
                replicas.size(), result.front().size());
        }
        result.push_back(replicas);
    }
    return result;
}

std::expected<Assignments, TopicError> placed_assignments(const NewTopic& topic,
                                                          const MetadataImage& image,
                                                          const TopicDefaults& defaults,
                                                          Random& random) {
    if (topic.partition_count < -1 || topic.partition_count == 0) {
        return refuse(ErrorCode::invalid_partitions,
                      "Number of partitions was set to an invalid non-positive value.");
    }
    if (topic.replication_factor < -1 || topic.replication_factor == 0) {
        return refuse(ErrorCode::invalid_replication_factor,
                      "Replication factor was set to an invalid non-positive value.");
    }
    const int32_t count =
        topic.partition_count == -1 ? defaults.partition_count : topic.partition_count;
    const int16_t factor =
        topic.replication_factor == -1 ? defaults.replication_factor : topic.replication_factor;
    if (count > kNewPartitionsMax) {
        return refuse(ErrorCode::policy_violation,
                      "Excessively large number of partitions per request: {} (at most {}).", count,
                      kNewPartitionsMax);
    }
    const size_t brokers = image.brokers().size();
    if (static_cast<size_t>(factor) > brokers) {
        return refuse(
            ErrorCode::invalid_replication_factor,
            "Unable to replicate the partition {} time(s): The target replication factor of {} "
            "cannot be reached because only {} broker(s) are registered.",
            factor, factor, brokers);
    }
    std::vector<int32_t> nodes;
    for (const auto& [node, broker] : image.brokers()) {
        nodes.push_back(node);
    }
    const size_t start = brokers == 1 ? 0 : random.below(brokers);
    Assignments result(static_cast<size_t>(count));
    for (size_t p = 0; p < result.size(); ++p) {
        for (size_t r = 0; r < static_cast<size_t>(factor); ++r) {
            result[p].push_back(nodes[(start + p + r) % brokers]);
        }
    }
    return result;
}

std::vector<PartitionChunkRecord> chunks_of(const Assignments& assignments) {
    std::vector<PartitionChunkRecord> chunks;
    for (size_t p = 0; p < assignments.size(); ++p) {
        if (p % keys::kChunkPartitions == 0) {
            chunks.emplace_back();
        }
        chunks.back().partitions.push_back({.replicas = assignments[p],
                                            .isr = assignments[p],
                                            .leader = assignments[p].front(),
                                            .leader_epoch = 0,
                                            .partition_epoch = 0});
    }
    return chunks;
}

}  // namespace

std::expected<TopicPlan, TopicError> plan_topic(const NewTopic& topic, const MetadataImage& image,
                                                const TopicDefaults& defaults, Random& random) {
    if (auto name = check_name(topic.name, image); !name.has_value()) {
        return std::unexpected(std::move(name.error()));
    }
    auto configs = check_configs(topic, defaults);
    if (!configs.has_value()) {
        return std::unexpected(std::move(configs.error()));
    }
    auto assignments = topic.assignments.empty()
                           ? placed_assignments(topic, image, defaults, random)
                           : given_assignments(topic, image);
    if (!assignments.has_value()) {
        return std::unexpected(std::move(assignments.error()));
    }
    return TopicPlan{.topic = {.name = topic.name,
                               .id = Uuid::random(random),
                               .partition_count = static_cast<int32_t>(assignments->size())},
                     .replication_factor = static_cast<int16_t>(assignments->front().size()),
                     .chunks = chunks_of(*assignments),
                     .configs = std::move(*configs)};
}

void append_creation(const TopicPlan& plan, std::vector<Condition>& conditions,
                     std::vector<Write>& writes) {
    const std::string key = keys::topic(plan.topic.name);
    conditions.push_back({.key = key, .mod_revision = 0});
    writes.push_back({.key = key, .value = encode(plan.topic)});
    for (size_t chunk = 0; chunk < plan.chunks.size(); ++chunk) {
        writes.push_back({.key = keys::partition_chunk(plan.topic.id, static_cast<int32_t>(chunk)),
                          .value = encode(plan.chunks[chunk])});
    }
    if (!plan.configs.empty()) {
        writes.push_back({.key = keys::topic_config(plan.topic.id), .value = encode(plan.configs)});
    }
}

void append_deletion(const TopicImage& topic, std::vector<Condition>& conditions,
                     std::vector<Write>& writes) {
    const std::string key = keys::topic(topic.name);
    conditions.push_back({.key = key, .mod_revision = topic.mod_revision});
    writes.push_back({.key = key});
    for (size_t chunk = 0; chunk < topic.chunks.size(); ++chunk) {
        writes.push_back({.key = keys::partition_chunk(topic.id, static_cast<int32_t>(chunk))});
    }
    if (topic.configs_revision != 0) {
        writes.push_back({.key = keys::topic_config(topic.id)});
    }
    writes.push_back({.key = keys::deleted_topic(topic.id),
                      .value = encode(DeletedTopicRecord{
                          .name = topic.name, .partition_count = topic.partition_count})});
}

}  // namespace ringlog::cluster

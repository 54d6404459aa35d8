// What a request to create a topic comes to: the records to write, or Kafka's error. Any core;
// pure.
#pragma once

#include <cstdint>
#include <expected>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/random.h"
#include "cluster/image.h"
#include "cluster/metadata_store.h"
#include "cluster/model.h"
#include "kafka/error_code.h"

namespace ringlog::cluster {

/// As CreateTopics carries it.
struct NewTopic {
    std::string name;
    int32_t partition_count = -1;     ///< -1: the broker's default.
    int16_t replication_factor = -1;  ///< -1: the broker's default.
    std::map<int32_t, std::vector<int32_t>>
        assignments;  ///< Partition to node ids; empty: placed here.
    std::vector<std::pair<std::string, std::optional<std::string>>> configs;
};

/// An error for one topic.
struct TopicError {
    kafka::ErrorCode code = kafka::ErrorCode::none;
    std::string message;
};

struct TopicDefaults {
    int32_t partition_count = 1;
    int16_t replication_factor = 1;
    ConfigMap configs;  ///< What the broker's file sets of the topic-level keys, under their
                        ///< topic-level names.
    /// What is wrong with `max.message.bytes` of so many bytes on these brokers; null: nothing.
    std::function<std::optional<std::string>(int64_t bytes)> batch_bytes_problem;
};

/// A topic that may be created.
struct TopicPlan {
    TopicRecord topic;
    int16_t replication_factor = 0;  ///< Of partition 0.
    std::vector<PartitionChunkRecord> chunks;
    ConfigMap configs;
};

/// Partitions that one topic, and one request, may create (Kafka's limit for a request).
inline constexpr int32_t kNewPartitionsMax = 10'000;

/// Checks `topic` against `image` in Kafka's order and places its partitions over the registered
/// brokers, beginning at one drawn from `random`.
std::expected<TopicPlan, TopicError> plan_topic(const NewTopic& topic, const MetadataImage& image,
                                                const TopicDefaults& defaults, Random& random);

/// The group that creates the topic: fails with conflict if the name is taken meanwhile.
void append_creation(const TopicPlan& plan, std::vector<Condition>& conditions,
                     std::vector<Write>& writes);
/// The group that deletes it for clients and leaves the record from which brokers remove its data.
void append_deletion(const TopicImage& topic, std::vector<Condition>& conditions,
                     std::vector<Write>& writes);

}  // namespace ringlog::cluster

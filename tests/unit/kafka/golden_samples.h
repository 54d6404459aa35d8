// The messages of tools/record_golden/src/Samples.java, built with our own types: every field of
// every version set to a value of its own. The two must be changed together.
#pragma once

#include "kafka/api_versions.h"
#include "kafka/create_topics.h"
#include "kafka/delete_topics.h"
#include "kafka/fetch.h"
#include "kafka/find_coordinator.h"
#include "kafka/init_producer_id.h"
#include "kafka/list_offsets.h"
#include "kafka/metadata.h"
#include "kafka/produce.h"

namespace ringlog::kafka::golden {

inline Uuid sample_id() {
    Uuid id;
    for (size_t i = 0; i < id.bytes.size(); ++i) {
        id.bytes[i] = static_cast<std::byte>(i + 1);
    }
    return id;
}

/// Which of the recorded forms of a message.
struct Sample {
    int16_t version = 0;
    ByteView batch;  ///< The recorded record batch.
};

template <typename T>
T full(const Sample&) = delete;
template <typename T>
T nulls(const Sample&) = delete;

template <>
inline ProduceRequest full(const Sample& sample) {
    const Blob batch(sample.batch);
    return {
        .transactional_id = "tx",
        .acks = -1,
        .timeout_ms = 30000,
        .topics = {{.name = "words",
                    .partitions = {{.index = 3, .records = batch}, {.index = 4, .records = batch}}},
                   {.name = "thème", .partitions = {{.index = 0, .records = batch}}}}};
}

template <>
inline ProduceRequest nulls(const Sample&) {
    return {.transactional_id = {},
            .acks = 1,
            .timeout_ms = 1,
            .topics = {{.name = "words", .partitions = {{.index = 3, .records = {}}}}}};
}

template <>
inline ProduceResponse full(const Sample&) {
    const ProducePartitionResponse bad{.index = 3,
                                       .error_code = ErrorCode::invalid_record,
                                       .base_offset = -1,
                                       .log_append_time_ms = -1,
                                       .log_start_offset = 5,
                                       .record_errors = {{.batch_index = 1, .message = "no key"},
                                                         {.batch_index = 2, .message = {}}},
                                       .error_message = "bad records"};
    const ProducePartitionResponse good{.index = 4,
                                        .base_offset = 123456789012,
                                        .log_append_time_ms = 1700000000000,
                                        .log_start_offset = 6,
                                        .error_message = {}};
    return {.topics = {{.name = "words", .partitions = {bad, good}}}, .throttle_time_ms = 11};
}

template <>
inline FetchRequest full(const Sample&) {
    const FetchPartition first{.partition = 1,
                               .current_leader_epoch = 8,
                               .fetch_offset = 1000000000000,
                               .last_fetched_epoch = 7,
                               .log_start_offset = 17,
                               .partition_max_bytes = 1048576};
    const FetchPartition second{.partition = 2, .fetch_offset = 4, .partition_max_bytes = 9};
    return {.cluster_id = "cluster",
            .replica_id = 5,
            .max_wait_ms = 500,
            .min_bytes = 1,
            .max_bytes = 52428800,
            .isolation_level = 1,
            .session_id = 99,
            .session_epoch = 3,
            .topics = {{.topic = "words", .partitions = {first, second}}},
            .forgotten_topics = {{.topic = "gone", .partitions = {4, 5}}},
            .rack_id = "rack-a"};
}

template <>
inline FetchResponse full(const Sample& sample) {
    const FetchPartitionResponse first{
        .partition_index = 1,
        .high_watermark = 1002,
        .last_stable_offset = 1001,
        .log_start_offset = 17,
        .aborted_transactions =
            List<AbortedTransaction>{{.producer_id = 4000, .first_offset = 1000}},
        .preferred_read_replica = 2,
        .records = Blob(sample.batch),
        .diverging_epoch = {.epoch = 6, .end_offset = 900},
        .current_leader = {.leader_id = 2, .leader_epoch = 9}};
    const FetchPartitionResponse second{.partition_index = 2,
                                        .error_code = ErrorCode::offset_out_of_range,
                                        .high_watermark = -1,
                                        .aborted_transactions = List<AbortedTransaction>{},
                                        .records = Blob{},
                                        .snapshot_id = {.end_offset = 31, .epoch = 2}};
    return {.throttle_time_ms = 12,
            .error_code = ErrorCode::fetch_session_id_not_found,
            .session_id = 99,
            .topics = {{.topic = "words", .partitions = {first, second}}}};
}

template <>
inline FetchResponse nulls(const Sample&) {
    return {.topics = {{.topic = "words",
                        .partitions = {{.partition_index = 1,
                                        .high_watermark = 3,
                                        .aborted_transactions = {},
                                        .records = {}}}}}};
}

template <>
inline ListOffsetsRequest full(const Sample&) {
    return {.replica_id = -1,
            .isolation_level = 1,
            .topics = {
                {.name = "words",
                 .partitions = {{.partition_index = 1, .current_leader_epoch = 8, .timestamp = -2},
                                {.partition_index = 2, .timestamp = 1700000000000}}}}};
}

template <>
inline ListOffsetsResponse full(const Sample&) {
    return {.throttle_time_ms = 13,
            .topics = {{.name = "words",
                        .partitions = {{.partition_index = 1,
                                        .error_code = ErrorCode::not_leader_or_follower,
                                        .timestamp = 1700000000000,
                                        .offset = 55,
                                        .leader_epoch = 8}}}}};
}

template <>
inline MetadataRequest full(const Sample&) {
    return {.topics = List<MetadataRequestTopic>{{.topic_id = sample_id(), .name = "words"},
                                                 {.topic_id = {}, .name = "thème"}},
            .allow_auto_topic_creation = false,
            .include_cluster_authorized_operations = true,
            .include_topic_authorized_operations = true};
}

template <>
inline MetadataRequest nulls(const Sample&) {
    return {.topics = {}};
}

template <>
inline MetadataResponse full(const Sample&) {
    const MetadataPartition partition{.error_code = ErrorCode::replica_not_available,
                                      .partition_index = 3,
                                      .leader_id = 1,
                                      .leader_epoch = 8,
                                      .replica_nodes = {1, 2, 3},
                                      .isr_nodes = {1, 2},
                                      .offline_replicas = {3}};
    return {.throttle_time_ms = 14,
            .brokers = {{.node_id = 1, .host = "127.0.0.1", .port = 9092, .rack = "rack-a"},
                        {.node_id = 2, .host = "localhost", .port = 9192, .rack = {}}},
            .cluster_id = "cluster",
            .controller_id = 1,
            .topics = {{.name = "words",
                        .topic_id = sample_id(),
                        .is_internal = true,
                        .partitions = {partition},
                        .topic_authorized_operations = 0x0f}},
            .cluster_authorized_operations = 0xf0};
}

template <>
inline MetadataResponse nulls(const Sample&) {
    return {.cluster_id = {},
            .topics = {
                {.error_code = ErrorCode::unknown_topic_id, .name = {}, .topic_id = sample_id()}}};
}

template <>
inline FindCoordinatorRequest full(const Sample&) {
    return {.key = "group", .key_type = 1, .coordinator_keys = {"group", "other"}};
}

template <>
inline FindCoordinatorResponse full(const Sample&) {
    return {.throttle_time_ms = 15,
            .error_code = ErrorCode::unsupported_version,
            .error_message = "not here",
            .node_id = 1,
            .host = "127.0.0.1",
            .port = 9092,
            .coordinators = {{.key = "group", .node_id = 1, .host = "127.0.0.1", .port = 9092},
                             {.key = "other",
                              .node_id = -1,
                              .host = "",
                              .port = -1,
                              .error_code = ErrorCode::unsupported_version,
                              .error_message = "not here"}}};
}

template <>
inline ApiVersionsRequest full(const Sample&) {
    return {.client_software_name = "ringlog", .client_software_version = "1.0"};
}

template <>
inline ApiVersionsResponse full(const Sample&) {
    return {
        .error_code = ErrorCode::unsupported_version,
        .api_keys = {{.api_key = ApiKey::api_versions, .min_version = 0, .max_version = 4},
                     {.api_key = ApiKey::fetch, .min_version = 4, .max_version = 12}},
        .throttle_time_ms = 16,
        .supported_features = {{.name = "metadata.version", .min_version = 1, .max_version = 20}},
        .finalized_features_epoch = 21,
        .finalized_features = {{.name = "metadata.version",
                                .max_version_level = 19,
                                .min_version_level = 18}},
        .zk_migration_ready = true};
}

template <>
inline CreateTopicsRequest full(const Sample&) {
    return {.topics = {{.name = "words",
                        .num_partitions = -1,
                        .replication_factor = -1,
                        .assignments = {{.partition_index = 0, .broker_ids = {1, 2}}},
                        .configs = {{.name = "retention.ms", .value = "1000"},
                                    {.name = "cleanup.policy", .value = {}}}},
                       {.name = "plain", .num_partitions = 6, .replication_factor = 3}},
            .timeout_ms = 1234,
            .validate_only = true};
}

template <>
inline CreateTopicsResponse full(const Sample&) {
    return {.throttle_time_ms = 17,
            .topics = {{.name = "words",
                        .topic_id = sample_id(),
                        .error_code = ErrorCode::topic_already_exists,
                        .error_message = "exists",
                        .num_partitions = 6,
                        .replication_factor = 3,
                        .configs = List<CreatedTopicConfig>{{.name = "retention.ms",
                                                             .value = "1000",
                                                             .read_only = true,
                                                             .config_source = 1,
                                                             .is_sensitive = true}},
                        .topic_config_error_code = ErrorCode::topic_authorization_failed}}};
}

template <>
inline CreateTopicsResponse nulls(const Sample&) {
    return {.topics = {{.name = "words", .error_message = {}, .configs = std::nullopt}}};
}

template <>
inline DeleteTopicsRequest full(const Sample&) {
    return {.topics = {{.name = "words", .topic_id = {}}},
            .topic_names = {"words", "thème"},
            .timeout_ms = 1234};
}

template <>
inline DeleteTopicsRequest nulls(const Sample&) {
    return {.topics = {{.name = {}, .topic_id = sample_id()}}};
}

template <>
inline DeleteTopicsResponse full(const Sample&) {
    return {.throttle_time_ms = 18,
            .responses = {{.name = "words",
                           .topic_id = sample_id(),
                           .error_code = ErrorCode::unknown_topic_or_partition,
                           .error_message = "unknown"}}};
}

template <>
inline DeleteTopicsResponse nulls(const Sample&) {
    return {.responses = {{.name = {}, .topic_id = sample_id(), .error_message = {}}}};
}

template <>
inline InitProducerIdRequest full(const Sample&) {
    return {.transactional_id = "tx",
            .transaction_timeout_ms = 60000,
            .producer_id = 4000,
            .producer_epoch = 2};
}

template <>
inline InitProducerIdRequest nulls(const Sample&) {
    return {.transactional_id = {}, .transaction_timeout_ms = 9};
}

template <>
inline InitProducerIdResponse full(const Sample&) {
    return {.throttle_time_ms = 19,
            .error_code = ErrorCode::concurrent_transactions,
            .producer_id = 4001,
            .producer_epoch = 3};
}

}  // namespace ringlog::kafka::golden

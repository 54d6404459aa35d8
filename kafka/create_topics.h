// CreateTopics. Any core.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "kafka/error_code.h"
#include "kafka/message.h"

namespace ringlog::kafka {

struct ReplicaAssignment {
    int32_t partition_index = 0;
    List<int32_t> broker_ids;

    template <typename Self, typename Visitor>
    static void fields(Self& self, Visitor& visit) {
        visit.field(self.partition_index);
        visit.field(self.broker_ids);
    }
    friend bool operator==(const ReplicaAssignment&, const ReplicaAssignment&) = default;
};

struct CreatableTopicConfig {
    std::string_view name;
    std::optional<std::string_view> value;

    template <typename Self, typename Visitor>
    static void fields(Self& self, Visitor& visit) {
        visit.field(self.name);
        visit.field(self.value);
    }
    friend bool operator==(const CreatableTopicConfig&, const CreatableTopicConfig&) = default;
};

struct CreatableTopic {
    std::string_view name;
    int32_t num_partitions =
        0;  ///< -1: the broker's default (from version 4, or with assignments).
    int16_t replication_factor = 0;  ///< The same.
    List<ReplicaAssignment> assignments;
    List<CreatableTopicConfig> configs;

    template <typename Self, typename Visitor>
    static void fields(Self& self, Visitor& visit) {
        visit.field(self.name);
        visit.field(self.num_partitions);
        visit.field(self.replication_factor);
        visit.field(self.assignments);
        visit.field(self.configs);
    }
    friend bool operator==(const CreatableTopic&, const CreatableTopic&) = default;
};

struct CreateTopicsRequest {
    static constexpr ApiKey kApi = ApiKey::create_topics;

    List<CreatableTopic> topics;
    int32_t timeout_ms = 60000;
    bool validate_only = false;

    template <typename Self, typename Visitor>
    static void fields(Self& self, Visitor& visit) {
        visit.field(self.topics);
        visit.field(self.timeout_ms);
        visit.field(self.validate_only, since(1));
    }
    friend bool operator==(const CreateTopicsRequest&, const CreateTopicsRequest&) = default;
};

struct CreatedTopicConfig {
    std::string_view name;
    std::optional<std::string_view> value;
    bool read_only = false;
    int8_t config_source =
        -1;  ///< Kafka's number of where the value comes from; 1 topic, 4 broker file, 5 default.
    bool is_sensitive = false;

    template <typename Self, typename Visitor>
    static void fields(Self& self, Visitor& visit) {
        visit.field(self.name, since(5));
        visit.field(self.value, since(5));
        visit.field(self.read_only, since(5));
        visit.field(self.config_source, since(5));
        visit.field(self.is_sensitive, since(5));
    }
    friend bool operator==(const CreatedTopicConfig&, const CreatedTopicConfig&) = default;
};

struct CreatableTopicResult {
    std::string_view name;
    Uuid topic_id;
    ErrorCode error_code = ErrorCode::none;
    std::optional<std::string_view> error_message;
    int32_t num_partitions = -1;
    int16_t replication_factor = -1;
    std::optional<List<CreatedTopicConfig>> configs =
        List<CreatedTopicConfig>{};  ///< Null if not allowed to see them.
    ErrorCode topic_config_error_code = ErrorCode::none;

    template <typename Self, typename Visitor>
    static void fields(Self& self, Visitor& visit) {
        visit.field(self.name);
        visit.field(self.topic_id, since(7));
        visit.field(self.error_code);
        visit.field(self.error_message, since(1));
        visit.field(self.num_partitions, since(5));
        visit.field(self.replication_factor, since(5));
        visit.field(self.configs, since(5));
        visit.tagged(0, self.topic_config_error_code, since(5), ErrorCode::none);
    }
    friend bool operator==(const CreatableTopicResult&, const CreatableTopicResult&) = default;
};

struct CreateTopicsResponse {
    static constexpr ApiKey kApi = ApiKey::create_topics;

    int32_t throttle_time_ms = 0;
    List<CreatableTopicResult> topics;

    template <typename Self, typename Visitor>
    static void fields(Self& self, Visitor& visit) {
        visit.field(self.throttle_time_ms, since(2));
        visit.field(self.topics);
    }
    friend bool operator==(const CreateTopicsResponse&, const CreateTopicsResponse&) = default;
};

}  // namespace ringlog::kafka

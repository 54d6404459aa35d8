// Metadata: brokers, topics, partitions and their leaders. Any core.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "kafka/error_code.h"
#include "kafka/message.h"

namespace ringlog::kafka {

/// "Not asked for", in fields of authorized operations.
inline constexpr int32_t kOperationsNotAsked = INT32_MIN;

struct MetadataRequestTopic {
    Uuid topic_id;
    std::optional<std::string_view> name;

    template <typename Self, typename Visitor>
    static void fields(Self& self, Visitor& visit) {
        visit.field(self.topic_id, since(10));
        visit.field(self.name, since(0), since(10));
    }
    friend bool operator==(const MetadataRequestTopic&, const MetadataRequestTopic&) = default;
};

struct MetadataRequest {
    static constexpr ApiKey kApi = ApiKey::metadata;

    /// Null (version 1 and up) asks for all topics, as does an empty list in version 0; otherwise
    /// an empty list asks for none.
    std::optional<List<MetadataRequestTopic>> topics;
    bool allow_auto_topic_creation = true;
    bool include_cluster_authorized_operations = false;
    bool include_topic_authorized_operations = false;

    template <typename Self, typename Visitor>
    static void fields(Self& self, Visitor& visit) {
        visit.field(self.topics, since(0), since(1));
        visit.field(self.allow_auto_topic_creation, since(4));
        visit.field(self.include_cluster_authorized_operations, between(8, 10));
        visit.field(self.include_topic_authorized_operations, since(8));
    }
    friend bool operator==(const MetadataRequest&, const MetadataRequest&) = default;
};

struct MetadataBroker {
    int32_t node_id = 0;
    std::string_view host;
    int32_t port = 0;
    std::optional<std::string_view> rack;

    template <typename Self, typename Visitor>
    static void fields(Self& self, Visitor& visit) {
        visit.field(self.node_id);
        visit.field(self.host);
        visit.field(self.port);
        visit.field(self.rack, since(1));
    }
    friend bool operator==(const MetadataBroker&, const MetadataBroker&) = default;
};

struct MetadataPartition {
    ErrorCode error_code = ErrorCode::none;
    int32_t partition_index = 0;
    int32_t leader_id = 0;
    int32_t leader_epoch = -1;
    List<int32_t> replica_nodes;
    List<int32_t> isr_nodes;
    List<int32_t> offline_replicas;

    template <typename Self, typename Visitor>
    static void fields(Self& self, Visitor& visit) {
        visit.field(self.error_code);
        visit.field(self.partition_index);
        visit.field(self.leader_id);
        visit.field(self.leader_epoch, since(7));
        visit.field(self.replica_nodes);
        visit.field(self.isr_nodes);
        visit.field(self.offline_replicas, since(5));
    }
    friend bool operator==(const MetadataPartition&, const MetadataPartition&) = default;
};

struct MetadataTopic {
    ErrorCode error_code = ErrorCode::none;
    std::optional<std::string_view> name;  ///< Null only from version 12, for an unknown topic id.
    Uuid topic_id;
    bool is_internal = false;
    List<MetadataPartition> partitions;
    int32_t topic_authorized_operations = kOperationsNotAsked;

    template <typename Self, typename Visitor>
    static void fields(Self& self, Visitor& visit) {
        visit.field(self.error_code);
        visit.field(self.name, since(0), since(12));
        visit.field(self.topic_id, since(10));
        visit.field(self.is_internal, since(1));
        visit.field(self.partitions);
        visit.field(self.topic_authorized_operations, since(8));
    }
    friend bool operator==(const MetadataTopic&, const MetadataTopic&) = default;
};

struct MetadataResponse {
    static constexpr ApiKey kApi = ApiKey::metadata;

    int32_t throttle_time_ms = 0;
    List<MetadataBroker> brokers;
    std::optional<std::string_view> cluster_id;
    int32_t controller_id = -1;
    List<MetadataTopic> topics;
    int32_t cluster_authorized_operations = kOperationsNotAsked;

    template <typename Self, typename Visitor>
    static void fields(Self& self, Visitor& visit) {
        visit.field(self.throttle_time_ms, since(3));
        visit.field(self.brokers);
        visit.field(self.cluster_id, since(2));
        visit.field(self.controller_id, since(1));
        visit.field(self.topics);
        visit.field(self.cluster_authorized_operations, between(8, 10));
    }
    friend bool operator==(const MetadataResponse&, const MetadataResponse&) = default;
};

}  // namespace ringlog::kafka

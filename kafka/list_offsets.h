// ListOffsets: the offset that a timestamp, or "earliest" or "latest", stands for. Any core.
#pragma once

#include <cstdint>
#include <string_view>

#include "kafka/error_code.h"
#include "kafka/message.h"

namespace ringlog::kafka {

/// Timestamps of a request that are not times.
inline constexpr int64_t kLatestTimestamp = -1;
inline constexpr int64_t kEarliestTimestamp = -2;
inline constexpr int64_t kMaxTimestamp =
    -3;  ///< The record with the largest timestamp; from version 7.

struct ListOffsetsPartition {
    int32_t partition_index = 0;
    int32_t current_leader_epoch = -1;
    int64_t timestamp = 0;

    template <typename Self, typename Visitor>
    static void fields(Self& self, Visitor& visit) {
        visit.field(self.partition_index);
        visit.field(self.current_leader_epoch, since(4));
        visit.field(self.timestamp);
    }
    friend bool operator==(const ListOffsetsPartition&, const ListOffsetsPartition&) = default;
};

struct ListOffsetsTopic {
    std::string_view name;
    List<ListOffsetsPartition> partitions;

    template <typename Self, typename Visitor>
    static void fields(Self& self, Visitor& visit) {
        visit.field(self.name);
        visit.field(self.partitions);
    }
    friend bool operator==(const ListOffsetsTopic&, const ListOffsetsTopic&) = default;
};

struct ListOffsetsRequest {
    static constexpr ApiKey kApi = ApiKey::list_offsets;

    int32_t replica_id = -1;
    int8_t isolation_level = 0;
    List<ListOffsetsTopic> topics;

    template <typename Self, typename Visitor>
    static void fields(Self& self, Visitor& visit) {
        visit.field(self.replica_id);
        visit.field(self.isolation_level, since(2));
        visit.field(self.topics);
    }
    friend bool operator==(const ListOffsetsRequest&, const ListOffsetsRequest&) = default;
};

struct ListOffsetsPartitionResponse {
    int32_t partition_index = 0;
    ErrorCode error_code = ErrorCode::none;
    int64_t timestamp = -1;
    int64_t offset = -1;
    int32_t leader_epoch = -1;

    template <typename Self, typename Visitor>
    static void fields(Self& self, Visitor& visit) {
        visit.field(self.partition_index);
        visit.field(self.error_code);
        visit.field(self.timestamp);
        visit.field(self.offset);
        visit.field(self.leader_epoch, since(4));
    }
    friend bool operator==(const ListOffsetsPartitionResponse&,
                           const ListOffsetsPartitionResponse&) = default;
};

struct ListOffsetsTopicResponse {
    std::string_view name;
    List<ListOffsetsPartitionResponse> partitions;

    template <typename Self, typename Visitor>
    static void fields(Self& self, Visitor& visit) {
        visit.field(self.name);
        visit.field(self.partitions);
    }
    friend bool operator==(const ListOffsetsTopicResponse&,
                           const ListOffsetsTopicResponse&) = default;
};

struct ListOffsetsResponse {
    static constexpr ApiKey kApi = ApiKey::list_offsets;

    int32_t throttle_time_ms = 0;
    List<ListOffsetsTopicResponse> topics;

    template <typename Self, typename Visitor>
    static void fields(Self& self, Visitor& visit) {
        visit.field(self.throttle_time_ms, since(2));
        visit.field(self.topics);
    }
    friend bool operator==(const ListOffsetsResponse&, const ListOffsetsResponse&) = default;
};

}  // namespace ringlog::kafka

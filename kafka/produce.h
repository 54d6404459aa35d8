// Produce: record batches for partitions, and where they were put. Any core.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "kafka/error_code.h"
#include "kafka/message.h"

namespace ringlog::kafka {

struct ProducePartition {
    int32_t index = 0;
    std::optional<Blob>
        records;  ///< Record batches as the client made them; points into the request.

    template <typename Self, typename Visitor>
    static void fields(Self& self, Visitor& visit) {
        visit.field(self.index);
        visit.field(self.records);
    }
    friend bool operator==(const ProducePartition&, const ProducePartition&) = default;
};

struct ProduceTopic {
    std::string_view name;
    List<ProducePartition> partitions;

    template <typename Self, typename Visitor>
    static void fields(Self& self, Visitor& visit) {
        visit.field(self.name);
        visit.field(self.partitions);
    }
    friend bool operator==(const ProduceTopic&, const ProduceTopic&) = default;
};

struct ProduceRequest {
    static constexpr ApiKey kApi = ApiKey::produce;

    std::optional<std::string_view> transactional_id;
    int16_t acks = 0;        ///< 0, 1 or -1 (all); other values are for the handler to refuse.
    int32_t timeout_ms = 0;  ///< How long an acks=-1 answer may wait for replicas.
    List<ProduceTopic> topics;

    template <typename Self, typename Visitor>
    static void fields(Self& self, Visitor& visit) {
        visit.field(self.transactional_id, since(3));
        visit.field(self.acks);
        visit.field(self.timeout_ms);
        visit.field(self.topics);
    }
    friend bool operator==(const ProduceRequest&, const ProduceRequest&) = default;
};

struct ProduceRecordError {
    int32_t batch_index = 0;
    std::optional<std::string_view> message;

    template <typename Self, typename Visitor>
    static void fields(Self& self, Visitor& visit) {
        visit.field(self.batch_index, since(8));
        visit.field(self.message, since(8));
    }
    friend bool operator==(const ProduceRecordError&, const ProduceRecordError&) = default;
};

struct ProducePartitionResponse {
    int32_t index = 0;
    ErrorCode error_code = ErrorCode::none;
    int64_t base_offset = -1;
    int64_t log_append_time_ms = -1;  ///< -1 unless the topic stamps with LogAppendTime.
    int64_t log_start_offset = -1;
    List<ProduceRecordError> record_errors;
    std::optional<std::string_view> error_message;

    template <typename Self, typename Visitor>
    static void fields(Self& self, Visitor& visit) {
        visit.field(self.index);
        visit.field(self.error_code);
        visit.field(self.base_offset);
        visit.field(self.log_append_time_ms, since(2));
        visit.field(self.log_start_offset, since(5));
        visit.field(self.record_errors, since(8));
        visit.field(self.error_message, since(8));
    }
    friend bool operator==(const ProducePartitionResponse&,
                           const ProducePartitionResponse&) = default;
};

struct ProduceTopicResponse {
    std::string_view name;
    List<ProducePartitionResponse> partitions;

    template <typename Self, typename Visitor>
    static void fields(Self& self, Visitor& visit) {
        visit.field(self.name);
        visit.field(self.partitions);
    }
    friend bool operator==(const ProduceTopicResponse&, const ProduceTopicResponse&) = default;
};

struct ProduceResponse {
    static constexpr ApiKey kApi = ApiKey::produce;

    List<ProduceTopicResponse> topics;
    int32_t throttle_time_ms = 0;

    template <typename Self, typename Visitor>
    static void fields(Self& self, Visitor& visit) {
        visit.field(self.topics);
        visit.field(self.throttle_time_ms, since(1));
    }
    friend bool operator==(const ProduceResponse&, const ProduceResponse&) = default;
};

}  // namespace ringlog::kafka

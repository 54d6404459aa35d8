// Fetch: reading record batches, with sessions. Any core. docs/protocol.md, "Answers that are not
// copied".
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "kafka/error_code.h"
#include "kafka/message.h"

namespace ringlog::kafka {

struct FetchPartition {
    int32_t partition = 0;
    int32_t current_leader_epoch = -1;  ///< -1 if the client does not know it: no fencing.
    int64_t fetch_offset = 0;
    int32_t last_fetched_epoch = -1;
    int64_t log_start_offset = -1;  ///< Of a follower; -1 from consumers.
    int32_t partition_max_bytes = 0;

    template <typename Self, typename Visitor>
    static void fields(Self& self, Visitor& visit) {
        visit.field(self.partition);
        visit.field(self.current_leader_epoch, since(9));
        visit.field(self.fetch_offset);
        visit.field(self.last_fetched_epoch, since(12));
        visit.field(self.log_start_offset, since(5));
        visit.field(self.partition_max_bytes);
    }
    friend bool operator==(const FetchPartition&, const FetchPartition&) = default;
};

struct FetchTopic {
    std::string_view topic;
    List<FetchPartition> partitions;

    template <typename Self, typename Visitor>
    static void fields(Self& self, Visitor& visit) {
        visit.field(self.topic);
        visit.field(self.partitions);
    }
    friend bool operator==(const FetchTopic&, const FetchTopic&) = default;
};

/// Partitions that leave an incremental fetch session.
struct ForgottenTopic {
    std::string_view topic;
    List<int32_t> partitions;

    template <typename Self, typename Visitor>
    static void fields(Self& self, Visitor& visit) {
        visit.field(self.topic);
        visit.field(self.partitions);
    }
    friend bool operator==(const ForgottenTopic&, const ForgottenTopic&) = default;
};

struct FetchRequest {
    static constexpr ApiKey kApi = ApiKey::fetch;

    std::optional<std::string_view> cluster_id;
    int32_t replica_id = -1;  ///< -1 from consumers.
    int32_t max_wait_ms = 0;
    int32_t min_bytes = 0;
    int32_t max_bytes = INT32_MAX;
    int8_t isolation_level = 0;  ///< 0 reads uncommitted, 1 committed.
    /// (0, -1): no session. (0, 0): a new one, and the list is complete. (id, n): what changed
    /// since n - 1.
    int32_t session_id = 0;
    int32_t session_epoch = -1;
    List<FetchTopic> topics;
    List<ForgottenTopic> forgotten_topics;
    std::string_view rack_id;

    template <typename Self, typename Visitor>
    static void fields(Self& self, Visitor& visit) {
        visit.field(self.replica_id);
        visit.field(self.max_wait_ms);
        visit.field(self.min_bytes);
        visit.field(self.max_bytes, since(3));
        visit.field(self.isolation_level, since(4));
        visit.field(self.session_id, since(7));
        visit.field(self.session_epoch, since(7));
        visit.field(self.topics);
        visit.field(self.forgotten_topics, since(7));
        visit.field(self.rack_id, since(11));
        visit.tagged(0, self.cluster_id, since(12), {});
    }
    friend bool operator==(const FetchRequest&, const FetchRequest&) = default;
};

/// The end of the largest epoch of the leader that the follower may share; all -1: no divergence.
struct EpochEndOffset {
    int32_t epoch = -1;
    int64_t end_offset = -1;

    template <typename Self, typename Visitor>
    static void fields(Self& self, Visitor& visit) {
        visit.field(self.epoch);
        visit.field(self.end_offset);
    }
    friend bool operator==(const EpochEndOffset&, const EpochEndOffset&) = default;
};

struct LeaderIdAndEpoch {
    int32_t leader_id = -1;
    int32_t leader_epoch = -1;

    template <typename Self, typename Visitor>
    static void fields(Self& self, Visitor& visit) {
        visit.field(self.leader_id);
        visit.field(self.leader_epoch);
    }
    friend bool operator==(const LeaderIdAndEpoch&, const LeaderIdAndEpoch&) = default;
};

struct FetchSnapshotId {
    int64_t end_offset = -1;
    int32_t epoch = -1;

    template <typename Self, typename Visitor>
    static void fields(Self& self, Visitor& visit) {
        visit.field(self.end_offset);
        visit.field(self.epoch);
    }
    friend bool operator==(const FetchSnapshotId&, const FetchSnapshotId&) = default;
};

struct AbortedTransaction {
    int64_t producer_id = 0;
    int64_t first_offset = 0;

    template <typename Self, typename Visitor>
    static void fields(Self& self, Visitor& visit) {
        visit.field(self.producer_id);
        visit.field(self.first_offset);
    }
    friend bool operator==(const AbortedTransaction&, const AbortedTransaction&) = default;
};

struct FetchPartitionResponse {
    int32_t partition_index = 0;
    ErrorCode error_code = ErrorCode::none;
    int64_t high_watermark = 0;
    int64_t last_stable_offset = -1;
    int64_t log_start_offset = -1;
    std::optional<List<AbortedTransaction>> aborted_transactions;
    int32_t preferred_read_replica = -1;
    std::optional<Blob> records;  ///< Blob::spliced(size) where the sender adds the batches.
    EpochEndOffset diverging_epoch;
    LeaderIdAndEpoch current_leader;
    FetchSnapshotId snapshot_id;

    template <typename Self, typename Visitor>
    static void fields(Self& self, Visitor& visit) {
        visit.field(self.partition_index);
        visit.field(self.error_code);
        visit.field(self.high_watermark);
        visit.field(self.last_stable_offset, since(4));
        visit.field(self.log_start_offset, since(5));
        visit.field(self.aborted_transactions, since(4));
        visit.field(self.preferred_read_replica, since(11));
        visit.field(self.records);
        visit.tagged(0, self.diverging_epoch, since(12), {});
        visit.tagged(1, self.current_leader, since(12), {});
        visit.tagged(2, self.snapshot_id, since(12), {});
    }
    friend bool operator==(const FetchPartitionResponse&, const FetchPartitionResponse&) = default;
};

struct FetchTopicResponse {
    std::string_view topic;
    List<FetchPartitionResponse> partitions;

    template <typename Self, typename Visitor>
    static void fields(Self& self, Visitor& visit) {
        visit.field(self.topic);
        visit.field(self.partitions);
    }
    friend bool operator==(const FetchTopicResponse&, const FetchTopicResponse&) = default;
};

/// Encoded by `encode_response`; the gaps of its spliced records are `Writer::splices()`, in the
/// order of the partitions that have any.
struct FetchResponse {
    static constexpr ApiKey kApi = ApiKey::fetch;

    int32_t throttle_time_ms = 0;
    ErrorCode error_code = ErrorCode::none;
    int32_t session_id = 0;
    List<FetchTopicResponse> topics;

    template <typename Self, typename Visitor>
    static void fields(Self& self, Visitor& visit) {
        visit.field(self.throttle_time_ms, since(1));
        visit.field(self.error_code, since(7));
        visit.field(self.session_id, since(7));
        visit.field(self.topics);
    }
    friend bool operator==(const FetchResponse&, const FetchResponse&) = default;
};

}  // namespace ringlog::kafka

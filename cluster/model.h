// What is stored under the keys of cluster/keys.h, and its encoding: JSON objects with a version
// "v". A decoder ignores fields that it does not know. Any core; pure. Explained in
// docs/decisions/0010-metadata-encoding.md.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/uuid.h"

namespace ringlog::cluster {

struct ClusterRecord {
    std::string cluster_id;  ///< 22 characters, as Kafka's.
    friend bool operator==(const ClusterRecord&, const ClusterRecord&) = default;
};

/// Where clients reach a broker through one of its listeners.
struct Endpoint {
    std::string listener;           ///< "PLAINTEXT"
    std::string security_protocol;  ///< "PLAINTEXT"
    std::string host;
    uint16_t port = 0;
    friend bool operator==(const Endpoint&, const Endpoint&) = default;
};

struct BrokerRecord {
    int32_t node_id = -1;
    int64_t epoch = 0;  ///< One more at each start of the broker.
    Uuid incarnation;   ///< Drawn at each start.
    std::string rack;   ///< Empty: none.
    std::vector<Endpoint> endpoints;
    friend bool operator==(const BrokerRecord&, const BrokerRecord&) = default;
};

struct TopicRecord {
    std::string name;
    Uuid id;
    int32_t partition_count = 0;
    friend bool operator==(const TopicRecord&, const TopicRecord&) = default;
};

/// Values that differ from the broker's defaults.
using ConfigMap = std::map<std::string, std::string, std::less<>>;

struct PartitionState {
    std::vector<int32_t> replicas;  ///< Node ids, the preferred leader first.
    std::vector<int32_t> isr;
    int32_t leader = -1;          ///< -1: none.
    int32_t leader_epoch = 0;     ///< Raised whenever a leader begins.
    int32_t partition_epoch = 0;  ///< Raised at every change of this record.
    friend bool operator==(const PartitionState&, const PartitionState&) = default;
};

/// Partitions [chunk * kChunkPartitions, ...) of a topic.
struct PartitionChunkRecord {
    std::vector<PartitionState> partitions;
    friend bool operator==(const PartitionChunkRecord&, const PartitionChunkRecord&) = default;
};

/// A topic that is gone for clients, and whose data may still be on the disks of its replicas.
struct DeletedTopicRecord {
    std::string name;
    int32_t partition_count = 0;
    friend bool operator==(const DeletedTopicRecord&, const DeletedTopicRecord&) = default;
};

/// Every producer id below `next` may be in use.
struct ProducerIdsRecord {
    int64_t next = 0;
    friend bool operator==(const ProducerIdsRecord&, const ProducerIdsRecord&) = default;
};

std::string encode(const ClusterRecord& record);
std::string encode(const BrokerRecord& record);
std::string encode(const TopicRecord& record);
std::string encode(const ConfigMap& record);
std::string encode(const PartitionChunkRecord& record);
std::string encode(const DeletedTopicRecord& record);
std::string encode(const ProducerIdsRecord& record);

/// Errors: malformed (not such a record), version_unknown (a newer Ringlog wrote it).
/// R is one of the records above.
template <typename R>
Result<R> decode(std::string_view value);

}  // namespace ringlog::cluster

// The names under which the cluster's state is stored. Any core; pure. Explained in
// cluster/README.md.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/uuid.h"
#include "cluster/metadata_store.h"

namespace ringlog::cluster::keys {

/// Partitions per chunk key. A change of one partition writes its chunk (about 90 bytes per
/// partition with one replica), a failure of one broker writes a topic's partitions in few keys.
/// Never changed: chunk numbers follow from it.
inline constexpr int32_t kChunkPartitions = 128;

inline constexpr std::string_view kCluster = "cluster";           ///< ClusterRecord
inline constexpr std::string_view kProducerIds = "producer_ids";  ///< ProducerIdsRecord
inline constexpr std::string_view kController = "controller";  ///< Who holds the controller lease.

std::string broker(int32_t node_id);       ///< "broker/0000000001": BrokerRecord
std::string topic(std::string_view name);  ///< "topic/NAME": TopicRecord
std::string topic_config(const Uuid& id);  ///< "topic_config/HEX": TopicConfigRecord
std::string partition_chunk(const Uuid& id,
                            int32_t chunk);  ///< "partitions/HEX/000000": PartitionChunkRecord
std::string deleted_topic(const Uuid& id);   ///< "deleted_topic/HEX": DeletedTopicRecord

/// Every key.
KeyRange everything();

/// What a key names.
struct Parsed {
    enum class Kind : uint8_t {
        cluster,
        broker,
        topic,
        topic_config,
        partition_chunk,
        deleted_topic,
        producer_ids
    };
    Kind kind;
    std::string_view name;  ///< topic: its name.
    Uuid id;                ///< topic_config, partition_chunk, deleted_topic.
    int32_t number = 0;     ///< broker: the node id; partition_chunk: the chunk.
};
/// Nothing for a key that this version does not know: it belongs to a newer one.
std::optional<Parsed> parse(std::string_view key);

/// Chunks of a topic with so many partitions.
constexpr int32_t chunk_count(int32_t partition_count) {
    return (partition_count + kChunkPartitions - 1) / kChunkPartitions;
}

}  // namespace ringlog::cluster::keys

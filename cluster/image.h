// The whole metadata at one revision, immutable: folded from the store, shared by every core.
// Applying a change copies what it touches and shares the rest. Explained in cluster/README.md.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/uuid.h"
#include "cluster/keys.h"
#include "cluster/metadata_store.h"
#include "cluster/model.h"

namespace ringlog::cluster {

/// One partition, pointing into its chunk: valid while the image (or the topic) is held.
struct PartitionView {
    std::span<const int32_t> replicas;
    std::span<const int32_t> isr;
    int32_t leader = -1;
    int32_t leader_epoch = 0;
    int32_t partition_epoch = 0;
};

/// Up to kChunkPartitions partitions in flat arrays: about 32 bytes each with one replica.
class PartitionChunk {
public:
    PartitionChunk(const PartitionChunkRecord& record, Revision mod_revision);

    [[nodiscard]] int32_t partition_count() const { return static_cast<int32_t>(rows_.size()); }
    [[nodiscard]] PartitionView partition(int32_t index) const;
    /// As it is stored, for a writer that changes it.
    [[nodiscard]] PartitionChunkRecord record() const;
    [[nodiscard]] Revision mod_revision() const { return mod_revision_; }

private:
    struct Row {
        uint32_t first_node;  ///< In nodes_: the replicas, then the ISR.
        uint16_t replica_count;
        uint16_t isr_count;
        int32_t leader;
        int32_t leader_epoch;
        int32_t partition_epoch;
    };
    std::vector<Row> rows_;
    std::vector<int32_t> nodes_;
    Revision mod_revision_;
};

/// One topic.
struct TopicImage {
    std::string name;
    Uuid id;
    int32_t partition_count = 0;
    Revision mod_revision = 0;                 ///< Of its record.
    std::shared_ptr<const ConfigMap> configs;  ///< What differs from the defaults; never null.
    Revision configs_revision = 0;             ///< 0: no such key.
    std::vector<std::shared_ptr<const PartitionChunk>> chunks;

    /// Nothing if there is no such partition.
    [[nodiscard]] std::optional<PartitionView> partition(int32_t index) const;
};
using TopicPtr = std::shared_ptr<const TopicImage>;

/// A record and when it was written last.
template <typename R>
struct Versioned {
    R record;
    Revision mod_revision = 0;
};

class MetadataImage;
using ImagePtr = std::shared_ptr<const MetadataImage>;

class MetadataImage {
public:
    /// Folds what the store holds. Errors: malformed, version_unknown (the key is logged).
    static Result<ImagePtr> load(const RangeResult& all);
    /// This image with `batch`, which follows it. Errors as load; corrupt is what the writer wrote,
    /// so nobody retries.
    [[nodiscard]] Result<ImagePtr> apply(const ChangeBatch& batch) const;

    /// Everything up to this revision is in the image.
    [[nodiscard]] Revision revision() const { return revision_; }
    /// Empty before the cluster was initialised.
    [[nodiscard]] const std::string& cluster_id() const { return cluster_id_; }

    using Brokers = std::map<int32_t, Versioned<BrokerRecord>>;
    [[nodiscard]] const Brokers& brokers() const { return *brokers_; }
    [[nodiscard]] const BrokerRecord* broker(int32_t node_id) const;

    /// Null if there is none.
    [[nodiscard]] TopicPtr topic(std::string_view name) const;
    [[nodiscard]] TopicPtr topic(const Uuid& id) const;
    /// A topic whose name collides with `name` (cluster/topic_name.h) and differs from it; null if
    /// there is none.
    [[nodiscard]] TopicPtr colliding_topic(std::string_view name) const;
    [[nodiscard]] size_t topic_count() const { return topic_count_; }
    [[nodiscard]] int64_t partition_count() const { return partition_count_; }
    /// Every topic, in an order that is the same in every process with the same topics.
    template <typename F>
    void for_each_topic(F&& visit) const {
        for (const auto& bucket : by_name_) {
            if (bucket != nullptr) {
                for (const TopicPtr& topic : *bucket) {
                    visit(topic);
                }
            }
        }
    }

    using DeletedTopics = std::map<Uuid, Versioned<DeletedTopicRecord>>;
    /// Topics whose data brokers still have to remove.
    [[nodiscard]] const DeletedTopics& deleted_topics() const { return *deleted_; }

    [[nodiscard]] const Versioned<ProducerIdsRecord>& producer_ids() const { return producer_ids_; }

private:
    friend class ImageBuilder;
    static constexpr size_t kBuckets = 256;
    using Bucket = std::vector<TopicPtr>;  ///< Ascending by name, or by id.
    using Buckets = std::array<std::shared_ptr<const Bucket>, kBuckets>;

    Revision revision_ = 0;
    std::string cluster_id_;
    std::shared_ptr<const Brokers> brokers_ = std::make_shared<Brokers>();
    std::shared_ptr<const DeletedTopics> deleted_ = std::make_shared<DeletedTopics>();
    Versioned<ProducerIdsRecord> producer_ids_;
    Buckets by_name_;
    Buckets by_id_;
    size_t topic_count_ = 0;
    int64_t partition_count_ = 0;
};

}  // namespace ringlog::cluster

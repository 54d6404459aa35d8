// Reading the metadata image. Explained in cluster/image.h; how one is made is in image_builder.cc.
#include "cluster/image.h"

#include <algorithm>

#include "base/assert.h"
#include "cluster/image_builder.h"
#include "cluster/topic_name.h"

namespace ringlog::cluster {

PartitionChunk::PartitionChunk(const PartitionChunkRecord& record, Revision mod_revision)
    : mod_revision_(mod_revision) {
    size_t nodes = 0;
    for (const PartitionState& state : record.partitions) {
        nodes += state.replicas.size() + state.isr.size();
    }
    rows_.reserve(record.partitions.size());
    nodes_.reserve(nodes);
    for (const PartitionState& state : record.partitions) {
        rows_.push_back({.first_node = static_cast<uint32_t>(nodes_.size()),
                         .replica_count = static_cast<uint16_t>(state.replicas.size()),
                         .isr_count = static_cast<uint16_t>(state.isr.size()),
                         .leader = state.leader,
                         .leader_epoch = state.leader_epoch,
                         .partition_epoch = state.partition_epoch});
        nodes_.insert(nodes_.end(), state.replicas.begin(), state.replicas.end());
        nodes_.insert(nodes_.end(), state.isr.begin(), state.isr.end());
    }
}

PartitionView PartitionChunk::partition(int32_t index) const {
    RL_ASSERT(index >= 0 && index < partition_count());
    const Row& row = rows_[static_cast<size_t>(index)];
    const std::span<const int32_t> nodes = std::span(nodes_).subspan(row.first_node);
    return {.replicas = nodes.first(row.replica_count),
            .isr = nodes.subspan(row.replica_count, row.isr_count),
            .leader = row.leader,
            .leader_epoch = row.leader_epoch,
            .partition_epoch = row.partition_epoch};
}

PartitionChunkRecord PartitionChunk::record() const {
    PartitionChunkRecord record;
    for (int32_t i = 0; i < partition_count(); ++i) {
        const PartitionView view = partition(i);
        record.partitions.push_back({.replicas = {view.replicas.begin(), view.replicas.end()},
                                     .isr = {view.isr.begin(), view.isr.end()},
                                     .leader = view.leader,
                                     .leader_epoch = view.leader_epoch,
                                     .partition_epoch = view.partition_epoch});
    }
    return record;
}

std::optional<PartitionView> TopicImage::partition(int32_t index) const {
    const auto chunk = static_cast<size_t>(index / keys::kChunkPartitions);
    const int32_t within = index % keys::kChunkPartitions;
    if (index < 0 || index >= partition_count || chunk >= chunks.size() ||
        chunks[chunk] == nullptr || within >= chunks[chunk]->partition_count()) {
        return std::nullopt;
    }
    return chunks[chunk]->partition(within);
}

const BrokerRecord* MetadataImage::broker(int32_t node_id) const {
    const auto found = brokers_->find(node_id);
    return found == brokers_->end() ? nullptr : &found->second.record;
}

TopicPtr MetadataImage::topic(std::string_view name) const {
    const auto& bucket = by_name_[topic_name_hash(name) % kBuckets];
    if (bucket == nullptr) {
        return nullptr;
    }
    const auto found = std::ranges::lower_bound(*bucket, name, {}, &TopicImage::name);
    return found != bucket->end() && (*found)->name == name ? *found : nullptr;
}

TopicPtr MetadataImage::topic(const Uuid& id) const {
    const auto& bucket = by_id_[std::hash<Uuid>{}(id) % kBuckets];
    if (bucket == nullptr) {
        return nullptr;
    }
    const auto found = std::ranges::lower_bound(*bucket, id, {}, &TopicImage::id);
    return found != bucket->end() && (*found)->id == id ? *found : nullptr;
}

TopicPtr MetadataImage::colliding_topic(std::string_view name) const {
    const auto& bucket = by_name_[topic_name_hash(name) % kBuckets];
    if (bucket == nullptr) {
        return nullptr;
    }
    const auto found = std::ranges::find_if(*bucket, [name](const TopicPtr& topic) {
        return topic->name != name && topic_names_collide(topic->name, name);
    });
    return found == bucket->end() ? nullptr : *found;
}

Result<ImagePtr> MetadataImage::load(const RangeResult& all) {
    std::vector<Change> changes;
    changes.reserve(all.entries.size());
    for (const KeyValue& entry : all.entries) {
        changes.push_back({.entry = entry});
    }
    ImageBuilder builder{MetadataImage()};
    const Result<void> applied = builder.apply_revision(changes);
    if (!applied.has_value()) {
        return fail(applied.error());
    }
    return builder.finish(all.revision);
}

Result<ImagePtr> MetadataImage::apply(const ChangeBatch& batch) const {
    RL_ASSERT(batch.revision >= revision_, "{} follows {}", batch.revision, revision_);
    ImageBuilder builder(*this);
    std::span<const Change> rest(batch.changes);
    while (!rest.empty()) {
        const Revision revision = rest.front().entry.mod_revision;
        const auto end = std::ranges::find_if(
            rest, [revision](const Change& c) { return c.entry.mod_revision != revision; });
        const auto count = static_cast<size_t>(end - rest.begin());
        const Result<void> applied = builder.apply_revision(rest.first(count));
        if (!applied.has_value()) {
            return fail(applied.error());
        }
        rest = rest.subspan(count);
    }
    return builder.finish(batch.revision);
}

}  // namespace ringlog::cluster

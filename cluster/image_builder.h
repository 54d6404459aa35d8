// Turns one image and changes into the next one. Used by MetadataImage only.
#pragma once

#include <memory>
#include <string_view>

#include "cluster/image.h"

namespace ringlog::cluster {

class ImageBuilder {
public:
    explicit ImageBuilder(const MetadataImage& base);

    /// Changes of one revision, in any order. Errors: malformed, version_unknown.
    Result<void> apply_revision(std::span<const Change> changes);
    ImagePtr finish(Revision revision);

private:
    using Bucket = MetadataImage::Bucket;
    using Buckets = MetadataImage::Buckets;

    Result<void> put(const keys::Parsed& key, const KeyValue& entry);
    void erase(const keys::Parsed& key);
    Result<void> put_topic(const KeyValue& entry);
    void put_chunk(const keys::Parsed& key, const KeyValue& entry,
                   const PartitionChunkRecord& record);
    void put_configs(const Uuid& id, const KeyValue& entry, ConfigMap configs);
    void replace(const TopicPtr& topic);
    void remove(const TopicPtr& topic);

    /// The image's own map, to be changed: copied from the base's with the first change alone, so
    /// that a group costs one copy.
    MetadataImage::Brokers& brokers();
    MetadataImage::DeletedTopics& deleted_topics();

    std::shared_ptr<MetadataImage> next_;
    std::shared_ptr<MetadataImage::Brokers> brokers_;        ///< Null: the base's.
    std::shared_ptr<MetadataImage::DeletedTopics> deleted_;  ///< The same.
};

}  // namespace ringlog::cluster

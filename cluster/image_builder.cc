// Folding changes into an image: copies what a change touches, shares the rest. See
// cluster/image.h.
#include "cluster/image_builder.h"

#include <algorithm>

#include "base/assert.h"
#include "base/log.h"
#include "cluster/topic_name.h"

namespace ringlog::cluster {

namespace {

const std::shared_ptr<const ConfigMap>& no_configs() {
    static const auto empty = std::make_shared<const ConfigMap>();
    return empty;
}

/// Within one revision a topic exists before what belongs to it, and goes after it.
int rank(const Change& change, const keys::Parsed& key) {
    if (key.kind != keys::Parsed::Kind::topic) {
        return 1;
    }
    return change.deleted ? 2 : 0;
}

/// Puts `topic` into its place in `bucket`, or takes it out.
template <typename Buckets, typename Member>
void change_bucket(Buckets& buckets, size_t index, const TopicPtr& topic, Member member,
                   bool keep) {
    auto& bucket = buckets[index];
    auto copy = bucket == nullptr ? std::make_shared<std::vector<TopicPtr>>()
                                  : std::make_shared<std::vector<TopicPtr>>(*bucket);
    const auto at = std::ranges::lower_bound(*copy, (*topic).*member, {},
                                             [member](const TopicPtr& t) { return (*t).*member; });
    const bool found = at != copy->end() && (**at).*member == (*topic).*member;
    if (found && keep) {
        *at = topic;
    } else if (found) {
        copy->erase(at);
    } else if (keep) {
        copy->insert(at, topic);
    }
    bucket = std::move(copy);
}

}  // namespace

ImageBuilder::ImageBuilder(const MetadataImage& base)
    : next_(std::make_shared<MetadataImage>(base)) {}

ImagePtr ImageBuilder::finish(Revision revision) {
    next_->revision_ = revision;
    return std::move(next_);
}

MetadataImage::Brokers& ImageBuilder::brokers() {
    if (brokers_ == nullptr) {
        brokers_ = std::make_shared<MetadataImage::Brokers>(*next_->brokers_);
        next_->brokers_ = brokers_;
    }
    return *brokers_;
}

MetadataImage::DeletedTopics& ImageBuilder::deleted_topics() {
    if (deleted_ == nullptr) {
        deleted_ = std::make_shared<MetadataImage::DeletedTopics>(*next_->deleted_);
        next_->deleted_ = deleted_;
    }
    return *deleted_;
}

Result<void> ImageBuilder::apply_revision(std::span<const Change> changes) {
    for (int pass = 0; pass < 3; ++pass) {
        for (const Change& change : changes) {
            const std::optional<keys::Parsed> key = keys::parse(change.entry.key);
            if (!key.has_value() || rank(change, *key) != pass) {
                continue;
            }
            if (change.deleted) {
                erase(*key);
                continue;
            }
            const Result<void> put_result = put(*key, change.entry);
            if (!put_result.has_value()) {
                log_error("metadata", "the value of key {} cannot be read: {}", change.entry.key,
                          describe(put_result.error()));
                return put_result;
            }
        }
    }
    return {};
}

void ImageBuilder::replace(const TopicPtr& topic) {
    const size_t name_bucket = topic_name_hash(topic->name) % MetadataImage::kBuckets;
    const size_t id_bucket = std::hash<Uuid>{}(topic->id) % MetadataImage::kBuckets;
    change_bucket(next_->by_name_, name_bucket, topic, &TopicImage::name, true);
    change_bucket(next_->by_id_, id_bucket, topic, &TopicImage::id, true);
}

void ImageBuilder::remove(const TopicPtr& topic) {
    const size_t name_bucket = topic_name_hash(topic->name) % MetadataImage::kBuckets;
    const size_t id_bucket = std::hash<Uuid>{}(topic->id) % MetadataImage::kBuckets;
    change_bucket(next_->by_name_, name_bucket, topic, &TopicImage::name, false);
    change_bucket(next_->by_id_, id_bucket, topic, &TopicImage::id, false);
    --next_->topic_count_;
    next_->partition_count_ -= topic->partition_count;
}

Result<void> ImageBuilder::put_topic(const KeyValue& entry) {
    Result<TopicRecord> record = decode<TopicRecord>(entry.value);
    if (!record.has_value()) {
        return fail(record.error());
    }
    TopicPtr old = next_->topic(record->name);
    if (old != nullptr && old->id != record->id) {
        remove(old);
        old = nullptr;
    }
    auto topic =
        old == nullptr ? std::make_shared<TopicImage>() : std::make_shared<TopicImage>(*old);
    if (old == nullptr) {
        topic->configs = no_configs();
        ++next_->topic_count_;
    }
    next_->partition_count_ += record->partition_count - topic->partition_count;
    topic->name = std::move(record->name);
    topic->id = record->id;
    topic->partition_count = record->partition_count;
    topic->mod_revision = entry.mod_revision;
    topic->chunks.resize(static_cast<size_t>(keys::chunk_count(topic->partition_count)));
    replace(std::move(topic));
    return {};
}

void ImageBuilder::put_chunk(const keys::Parsed& key, const KeyValue& entry,
                             const PartitionChunkRecord& record) {
    const TopicPtr old = next_->topic(key.id);
    const auto index = static_cast<size_t>(key.number);
    if (old == nullptr || index >= old->chunks.size()) {
        return;
    }
    auto topic = std::make_shared<TopicImage>(*old);
    topic->chunks[index] = std::make_shared<PartitionChunk>(record, entry.mod_revision);
    replace(std::move(topic));
}

void ImageBuilder::put_configs(const Uuid& id, const KeyValue& entry, ConfigMap configs) {
    const TopicPtr old = next_->topic(id);
    if (old == nullptr) {
        return;
    }
    auto topic = std::make_shared<TopicImage>(*old);
    topic->configs = std::make_shared<const ConfigMap>(std::move(configs));
    topic->configs_revision = entry.mod_revision;
    replace(std::move(topic));
}

Result<void> ImageBuilder::put(const keys::Parsed& key, const KeyValue& entry) {
    using Kind = keys::Parsed::Kind;
    const auto decoded = [&entry]<typename R, typename F>(std::type_identity<R>,
                                                          F use) -> Result<void> {
        Result<R> record = decode<R>(entry.value);
        if (!record.has_value()) {
            return fail(record.error());
        }
        use(*record);
        return {};
    };
    switch (key.kind) {
        case Kind::cluster:
            return decoded(std::type_identity<ClusterRecord>{},
                           [this](ClusterRecord& r) { next_->cluster_id_ = r.cluster_id; });
        case Kind::broker:
            return decoded(std::type_identity<BrokerRecord>{},
                           [this, &key, &entry](BrokerRecord& r) {
                               brokers()[key.number] = {std::move(r), entry.mod_revision};
                           });
        case Kind::topic: return put_topic(entry);
        case Kind::topic_config:
            return decoded(std::type_identity<ConfigMap>{}, [this, &key, &entry](ConfigMap& r) {
                put_configs(key.id, entry, std::move(r));
            });
        case Kind::partition_chunk:
            return decoded(
                std::type_identity<PartitionChunkRecord>{},
                [this, &key, &entry](PartitionChunkRecord& r) { put_chunk(key, entry, r); });
        case Kind::deleted_topic:
            return decoded(std::type_identity<DeletedTopicRecord>{},
                           [this, &key, &entry](DeletedTopicRecord& r) {
                               deleted_topics()[key.id] = {std::move(r), entry.mod_revision};
                           });
        case Kind::producer_ids:
            return decoded(std::type_identity<ProducerIdsRecord>{},
                           [this, &entry](ProducerIdsRecord& r) {
                               next_->producer_ids_ = {r, entry.mod_revision};
                           });
    }
    return {};
}

void ImageBuilder::erase(const keys::Parsed& key) {
    using Kind = keys::Parsed::Kind;
    if (key.kind == Kind::topic) {
        if (const TopicPtr topic = next_->topic(key.name); topic != nullptr) {
            remove(topic);
        }
    } else if (key.kind == Kind::broker) {
        brokers().erase(key.number);
    } else if (key.kind == Kind::deleted_topic) {
        deleted_topics().erase(key.id);
    } else if (key.kind == Kind::topic_config) {
        put_configs(key.id, {}, {});
    }
    // Chunks go with their topic; the cluster's own keys are never deleted.
}

}  // namespace ringlog::cluster

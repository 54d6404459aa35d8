// Partitions of a core: opened for an image, found for requests. See broker/core.h.
#include <algorithm>

#include "base/log.h"
#include "base/mutant.h"
#include "broker/broker.h"
#include "broker/core.h"
#include "engine/store.h"

namespace ringlog::broker {

namespace {

constexpr int32_t kPartitionsPerSlice = 64;

}  // namespace

engine::PartitionConfig BrokerCore::partition_config(const cluster::TopicConfig& topic) const {
    return {.segment_bytes = static_cast<uint64_t>(topic.segment_bytes),
            .max_message_bytes = static_cast<uint32_t>(topic.max_message_bytes),
            .log_append_time = topic.log_append_time,
            .producer_expiration_ms = broker_.config().producer_id_expiration_ms};
}

io::Task<bool> BrokerCore::open_partitions(std::vector<cluster::TopicPtr> topics) {
    bool all = true;
    int32_t in_slice = 0;
    for (const cluster::TopicPtr& topic : topics) {
        const cluster::TopicConfig resolved =
            cluster::resolve_topic_config(broker_.config().topic_defaults.configs, *topic->configs);
        const engine::PartitionConfig config = partition_config(resolved);
        for (int32_t index = 0; index < topic->partition_count && shard_ != nullptr; ++index) {
            const auto view = topic->partition(index);
            if (broker_.owner_core(topic->id, index) != this->index() || !view.has_value() ||
                view->leader != broker_.config().node_id) {
                continue;
            }
            engine::OpenPartition request;
            request.id = {.topic = topic->name, .topic_id = topic->id, .partition = index};
            request.config = config;
            request.leader_epoch = engine::LeaderEpoch(view->leader_epoch);
            auto opened = co_await shard_->open_partition(request);
            if (!opened) {
                log_error("broker", "{}-{} cannot be opened: {}", topic->name, index,
                          describe(opened.error()));
                all = false;
            }
            if (++in_slice == kPartitionsPerSlice) {
                in_slice = 0;
                co_await reactor_.yield();
            }
        }
    }
    co_return all;
}

io::Task<bool> BrokerCore::set_shard(std::unique_ptr<engine::Shard> shard) {
    shard_ = std::move(shard);
    co_return true;
}

io::Task<bool> BrokerCore::take_image(cluster::ImagePtr image) {
    set_image(std::move(image));
    co_return true;
}

io::Task<Result<void>> BrokerCore::remove_partition(const engine::TopicPartition& id) {
    if (shard_ == nullptr) {
        co_return fail(Errc::closed);
    }
    co_return co_await shard_->remove_partition(id);
}

io::Task<Result<void>> BrokerCore::remove_deleted_files() {
    if (shard_ == nullptr) {
        co_return Result<void>{};
    }
    co_return co_await shard_->segments().remove_deleted();
}

io::Task<bool> BrokerCore::report_unknown() {
    if (shard_ != nullptr) {
        for (const engine::Partition* partition : shard_->partitions()) {
            if (image_->topic(partition->id().topic_id) == nullptr) {
                log_warn("broker",
                         "{} (topic id {}) is not in the metadata: its data is kept and not "
                         "served",
                         engine::partition_directory_name(partition->id()),
                         partition->id().topic_id.to_base64());
            }
        }
    }
    co_return true;
}

void BrokerCore::set_image(cluster::ImagePtr image) {
    image_ = std::move(image);
    if (!mutant(Mutant::stale_route)) {
        routes_.clear();
    }
}

const TopicRoute* BrokerCore::route(std::string_view topic) {
    const auto found = routes_.find(topic);
    if (found != routes_.end()) {
        return &found->second;
    }
    cluster::TopicPtr known = image_->topic(topic);
    if (known == nullptr) {
        return nullptr;
    }
    TopicRoute route;
    route.config =
        cluster::resolve_topic_config(broker_.config().topic_defaults.configs, *known->configs);
    route.owners.reserve(static_cast<size_t>(known->partition_count));
    for (int32_t index = 0; index < known->partition_count; ++index) {
        route.owners.push_back(broker_.owner_core(known->id, index));
    }
    route.topic = std::move(known);
    return &routes_.emplace(std::string(topic), std::move(route)).first->second;
}

kafka::ErrorCode BrokerCore::missing_error(const Uuid& topic_id) const {
    // Known to the metadata and not open: its journal could not take it.
    return image_ == nullptr || image_->topic(topic_id) == nullptr
               ? kafka::ErrorCode::unknown_topic_or_partition
               : kafka::ErrorCode::kafka_storage_error;
}

}  // namespace ringlog::broker

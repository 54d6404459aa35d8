// What follows a change of the metadata: partitions opened, images handed to every core, data of
// deleted topics removed. See broker/broker.h.
#include <algorithm>
#include <map>

#include "base/log.h"
#include "broker/broker.h"
#include "io/mesh.h"

namespace ringlog::broker {

namespace {

constexpr int64_t kTombstoneRetryNs = 5 * kSecondNs;

}  // namespace

io::Task<void> Broker::image_changed(cluster::ImagePtr image) {
    if (published_ == nullptr) {
        co_return;  // the start opens what the last image of it names
    }
    std::vector<cluster::TopicPtr> changed;
    image->for_each_topic([&](const cluster::TopicPtr& topic) {
        if (published_->topic(topic->id) != topic) {
            changed.push_back(topic);
        }
    });
    co_await publish(std::move(image), std::move(changed));
    tombstone_work_.notify_all();
}

io::Task<bool> Broker::publish(cluster::ImagePtr image, std::vector<cluster::TopicPtr> changed) {
    // One at a time with open_successor(): it opens what the newest image names, and nothing that a
    // change which runs meanwhile removes.
    co_await opening_turn_.take(1);
    // First every core has the partitions, then any core may send requests for them.
    co_await keep_free_names(*image, changed);
    const bool all = co_await open_everywhere(std::move(changed));
    for (const auto& core : cores_) {
        BrokerCore* const target = core.get();
        (void)co_await io::call_on(
            reactor_, target->reactor().core(),
            [target, &image](io::Reactor&) { return target->take_image(image); });
    }
    published_ = std::move(image);
    opening_turn_.give(1);
    co_return all;
}

io::Task<void> Broker::keep_free_names(const cluster::MetadataImage& image,
                                       std::vector<cluster::TopicPtr>& topics) {
    // Two topics of one name would share directories: what a crash leaves of the older one could
    // then be destaged over the younger one's.
    std::multimap<std::string_view, Uuid> deleted;
    for (const auto& [id, topic] : image.deleted_topics()) {
        if (!topics.empty()) {
            deleted.emplace(topic.record.name, id);
        }
    }
    std::vector<cluster::TopicPtr> free;
    for (cluster::TopicPtr& topic : topics) {
        bool is_free = true;
        const auto [first, last] = deleted.equal_range(topic->name);
        for (auto at = first; at != last; ++at) {
            const auto& found = image.deleted_topics().at(at->second);
            const bool removed = co_await remove_data(at->second, found.record);
            is_free = is_free && removed;
        }
        if (is_free) {
            free.push_back(std::move(topic));
        }
    }
    topics = std::move(free);
}

io::Task<bool> Broker::open_everywhere(std::vector<cluster::TopicPtr> topics) {
    bool all = true;
    for (size_t i = 0; i < cores_.size() && !topics.empty(); ++i) {
        BrokerCore* const target = cores_[i].get();
        const bool opened = co_await io::call_on(
            reactor_, target->reactor().core(),
            [target, &topics](io::Reactor&) { return target->open_partitions(topics); });
        all = all && opened;
    }
    co_return all;
}

io::Task<Started> Broker::open_partitions() {
    // What was being deleted goes first: a new topic may have the name of a deleted one.
    const cluster::ImagePtr image = controller_->image();
    std::vector<Uuid> gone;
    for (const auto& [id, deleted] : image->deleted_topics()) {
        if (co_await remove_data(id, deleted.record)) {
            gone.push_back(id);
        }
    }
    std::vector<cluster::TopicPtr> topics;
    image->for_each_topic([&](const cluster::TopicPtr& topic) { topics.push_back(topic); });
    co_await publish(image, std::move(topics));
    co_await set_aside_unknown();
    if (!gone.empty()) {
        const Result<void> removed = co_await controller_->remove_deleted_topics(std::move(gone));
        if (!removed) {
            log_warn("broker", "deleted topics stay in the metadata: {}; trying again",
                     describe(removed.error()));
        }
    }
    tasks_.spawn(tombstone_loop());
    co_return Started{};
}

io::Task<bool> Broker::remove_data(Uuid id, cluster::DeletedTopicRecord record) {
    bool all = true;
    for (int32_t index = 0; index < record.partition_count; ++index) {
        BrokerCore* const core = cores_[owner_core(id, index)].get();
        const engine::TopicPartition partition{
            .topic = record.name, .topic_id = id, .partition = index};
        const Result<void> removed = co_await io::call_on(
            reactor_, core->reactor().core(),
            [core, &partition](io::Reactor&) { return core->remove_partition(partition); });
        if (!removed) {
            log_warn("broker", "the data of deleted {}-{} is not removed: {}; trying again",
                     record.name, index, describe(removed.error()));
            all = false;
        }
    }
    co_return all;
}

io::Task<void> Broker::remove_files() {
    // All cores share the directory: the first one's shard does it.
    BrokerCore* const core = cores_.front().get();
    const Result<void> removed = co_await core->remove_deleted_files();
    if (!removed) {
        log_warn("broker", "files of deleted topics stay: {}; the next start removes them",
                 describe(removed.error()));
    }
}

io::Task<void> Broker::tombstone_loop() {
    bool sweep = true;  // what a removal left behind goes with the next
    while (!stopping_) {
        std::vector<Uuid> gone;
        bool failed = false;
        const cluster::ImagePtr image = published_;
        for (const auto& [id, deleted] : image->deleted_topics()) {
            if (!stopping_) {
                const bool removed = co_await remove_data(id, deleted.record);
                failed = failed || !removed;
                if (removed) {
                    gone.push_back(id);
                    co_await open_successor(deleted.record.name);
                }
            }
        }
        if (!gone.empty() && !stopping_) {
            const Result<void> removed = co_await controller_->remove_deleted_topics(gone);
            failed = failed || !removed;
        }
        const bool removed_some = !gone.empty();
        if (removed_some || sweep) {
            co_await remove_files();
        }
        sweep = removed_some;
        if (stopping_) {
            break;
        }
        if (!failed && !published_->deleted_topics().empty()) {
            continue;
        }
        const bool again = failed || sweep;
        co_await tombstone_work_.wait_until(again ? reactor_.now() + kTombstoneRetryNs : INT64_MAX);
    }
}

io::Task<void> Broker::open_successor(std::string name) {
    // It waits if its predecessor could not be removed when it was made.
    co_await opening_turn_.take(1);
    std::vector<cluster::TopicPtr> topics;
    const cluster::ImagePtr image = published_;
    if (cluster::TopicPtr topic = image->topic(name)) {
        topics.push_back(std::move(topic));
        co_await keep_free_names(*image, topics);
    }
    co_await open_everywhere(std::move(topics));
    opening_turn_.give(1);
}

io::Task<void> Broker::set_aside_unknown() {
    for (const auto& core : cores_) {
        BrokerCore* const target = core.get();
        (void)co_await io::call_on(reactor_, target->reactor().core(),
                                   [target](io::Reactor&) { return target->report_unknown(); });
    }
}

}  // namespace ringlog::broker

// Changes to topics and producer ids. Explained in cluster/controller.h; the start is in
// controller_start.cc.
#include "cluster/controller.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "base/assert.h"

namespace ringlog::cluster {

using kafka::ErrorCode;

namespace {

/// Topics of one request that are planned before others have their turn.
constexpr size_t kTopicsPerSlice = 500;

}  // namespace

Controller::Controller(io::Reactor& reactor, MetadataStore& store, ControllerOptions options,
                       ImageListener* listener)
    : reactor_(reactor),
      store_(store),
      options_(std::move(options)),
      follower_(reactor, store, listener),
      turn_(reactor, 1) {}

TopicError Controller::store_error(const Error& error) {
    switch (error.code) {
        case Errc::conflict:
            return {ErrorCode::concurrent_transactions,
                    "The metadata changed meanwhile; try again."};
        case Errc::closed: return {ErrorCode::not_controller, "The broker is shutting down."};
        case Errc::timed_out:
            return {ErrorCode::request_timed_out, "The metadata store did not answer in time."};
        default:
            return {kafka::to_error_code(error.code),
                    fmt::format("The metadata store failed: {}", describe(error))};
    }
}

io::Task<Result<void>> Controller::commit(std::vector<Condition> conditions,
                                          std::vector<Write> writes) {
    const Result<Revision> written =
        co_await store_.write(std::move(conditions), std::move(writes));
    if (!written.has_value()) {
        co_return fail(written.error());
    }
    const Result<void> visible = co_await follower_.wait_for(*written);
    co_return visible;
}

io::Task<void> Controller::commit_plans(std::vector<Planned> plans,
                                        std::vector<CreatedTopic>& results) {
    size_t next = 0;
    while (next < plans.size()) {
        // As many whole topics as one group takes.
        const size_t first = next;
        std::vector<Condition> conditions;
        std::vector<Write> writes;
        while (next < plans.size()) {
            const size_t size = plans[next].plan.chunks.size() + 2;
            if (next > first && writes.size() + size > store_.max_group_writes()) {
                break;
            }
            append_creation(plans[next].plan, conditions, writes);
            ++next;
        }
        const Result<void> written = co_await commit(std::move(conditions), std::move(writes));
        for (size_t i = first; i < next; ++i) {
            CreatedTopic& result = results[plans[i].index];
            if (written.has_value()) {
                result.id = plans[i].plan.topic.id;
            } else {
                result.error = store_error(written.error());
            }
        }
    }
}

io::Task<void> Controller::create_locked(std::vector<NewTopic> topics, bool validate_only,
                                         std::vector<CreatedTopic>& results) {
    std::vector<Planned> plans;
    std::set<std::string_view> names;
    std::set<std::string_view> repeated;
    int64_t partitions = 0;
    for (const NewTopic& topic : topics) {
        if (!names.insert(topic.name).second) {
            repeated.insert(topic.name);
        }
    }
    for (const NewTopic& topic : topics) {
        if (results.size() % kTopicsPerSlice == kTopicsPerSlice - 1) {
            co_await reactor_.yield();
        }
        CreatedTopic& result = results.emplace_back();
        result.name = topic.name;
        if (repeated.contains(topic.name)) {
            result.error = {ErrorCode::invalid_request, "Duplicate topic name."};
            continue;
        }
        auto plan = plan_topic(topic, *image(), options_.defaults, reactor_.random());
        if (!plan.has_value()) {
            result.error = std::move(plan.error());
            continue;
        }
        partitions += plan->topic.partition_count;
        if (partitions > kNewPartitionsMax) {
            result.error = {ErrorCode::policy_violation,
                            "Excessively large number of partitions per request."};
            continue;
        }
        result.partition_count = plan->topic.partition_count;
        result.replication_factor = plan->replication_factor;
        result.configs = plan->configs;
        plans.push_back({.index = results.size() - 1, .plan = std::move(*plan)});
    }
    if (!validate_only) {
        co_await commit_plans(std::move(plans), results);
    }
}

io::Task<std::vector<CreatedTopic>> Controller::create_topics(std::vector<NewTopic> topics,
                                                              bool validate_only) {
    std::vector<CreatedTopic> results;
    co_await turn_.take(1);
    if (closed_) {
        for (const NewTopic& topic : topics) {
            results.push_back({.name = topic.name, .error = store_error({Errc::closed})});
        }
    } else {
        co_await create_locked(std::move(topics), validate_only, results);
    }
    turn_.give(1);
    co_return results;
}

CreatedTopic Controller::existing(const TopicImage& topic) {
    const auto first = topic.partition(0);
    const size_t factor = first.has_value() ? first->replicas.size() : 0;
    return {.name = topic.name,
            .error = {},
            .id = topic.id,
            .partition_count = topic.partition_count,
            .replication_factor = static_cast<int16_t>(factor),
            .configs = *topic.configs};
}

io::Task<std::vector<CreatedTopic>> Controller::ensure_topics(std::vector<std::string> names) {
    co_await turn_.take(1);
    std::vector<NewTopic> missing;
    std::set<std::string_view> seen;
    for (const std::string& name : names) {
        if (image()->topic(name) == nullptr && seen.insert(name).second) {
            missing.push_back({.name = name});
        }
    }
    std::vector<CreatedTopic> created;
    if (!missing.empty() && !closed_) {
        co_await create_locked(std::move(missing), false, created);
    }
    turn_.give(1);
    std::map<std::string_view, const CreatedTopic*> made;
    for (const CreatedTopic& topic : created) {
        made.emplace(topic.name, &topic);
    }
    std::vector<CreatedTopic> results;
    for (const std::string& name : names) {
        if (const auto found = made.find(name); found != made.end()) {
            results.push_back(*found->second);
        } else if (const TopicPtr topic = image()->topic(name); topic != nullptr) {
            results.push_back(existing(*topic));
        } else {
            results.push_back({.name = name, .error = store_error({Errc::closed})});
        }
    }
    co_return results;
}

TopicError Controller::find_for_deletion(const TopicReference& reference, TopicPtr& topic) const {
    const auto* name = std::get_if<std::string>(&reference);
    topic = name != nullptr ? image()->topic(*name) : image()->topic(std::get<Uuid>(reference));
    if (!options_.delete_topics) {
        return {ErrorCode::topic_deletion_disabled, "Topic deletion is disabled."};
    }
    if (topic != nullptr) {
        return {};
    }
    return name != nullptr ? TopicError{ErrorCode::unknown_topic_or_partition,
                                        "This server does not host this topic-partition."}
                           : TopicError{ErrorCode::unknown_topic_id,
                                        "This server does not host this topic ID."};
}

io::Task<void> Controller::delete_locked(std::vector<TopicReference> topics,
                                         std::vector<DeletedTopic>& results) {
    std::vector<Condition> conditions;
    std::vector<Write> writes;
    std::set<Uuid> seen;
    std::vector<size_t> group;
    for (size_t i = 0; i < topics.size(); ++i) {
        DeletedTopic& result = results.emplace_back();
        TopicPtr topic;
        result.error = find_for_deletion(topics[i], topic);
        if (const auto* name = std::get_if<std::string>(&topics[i]); name != nullptr) {
            result.name = *name;
        } else {
            result.id = std::get<Uuid>(topics[i]);
        }
        if (result.error.code == ErrorCode::none) {
            result.name = topic->name;
            result.id = topic->id;
            if (!seen.insert(topic->id).second) {
                result.error = {ErrorCode::invalid_request, "Duplicate topic."};
            } else {
                append_deletion(*topic, conditions, writes);
                group.push_back(i);
            }
        }
        const bool last = i + 1 == topics.size();
        constexpr size_t kLargestTopic = kNewPartitionsMax / keys::kChunkPartitions + 4;
        if (!writes.empty() &&
            (last || writes.size() + kLargestTopic > store_.max_group_writes())) {
            const Result<void> written =
                co_await commit(std::exchange(conditions, {}), std::exchange(writes, {}));
            for (const size_t index : std::exchange(group, {})) {
                if (!written.has_value()) {
                    results[index].error = store_error(written.error());
                }
            }
        }
    }
}

io::Task<std::vector<DeletedTopic>> Controller::delete_topics(std::vector<TopicReference> topics) {
    std::vector<DeletedTopic> results;
    co_await turn_.take(1);
    if (closed_) {
        for (const TopicReference& topic : topics) {
            DeletedTopic& result = results.emplace_back();
            result.error = store_error({Errc::closed});
            if (const auto* name = std::get_if<std::string>(&topic); name != nullptr) {
                result.name = *name;
            } else {
                result.id = std::get<Uuid>(topic);
            }
        }
    } else {
        co_await delete_locked(std::move(topics), results);
    }
    turn_.give(1);
    co_return results;
}

io::Task<Result<void>> Controller::remove_deleted_topics(std::vector<Uuid> ids) {
    co_await turn_.take(1);
    Result<void> result{};
    for (size_t next = 0; next < ids.size() && result.has_value();) {
        if (closed_) {
            result = fail(Errc::closed);
            break;
        }
        std::vector<Write> writes;
        for (; next < ids.size() && writes.size() < store_.max_group_writes(); ++next) {
            std::string key = keys::deleted_topic(ids[next]);
            if (image()->deleted_topics().contains(ids[next]) &&
                std::ranges::find(writes, key, &Write::key) == writes.end()) {
                writes.push_back({.key = std::move(key)});
            }
        }
        if (!writes.empty()) {
            result = co_await commit({}, std::move(writes));
        }
    }
    turn_.give(1);
    co_return result;
}

io::Task<Result<ProducerIdBlock>> Controller::allocate_locked() {
    const Versioned<ProducerIdsRecord> current = image()->producer_ids();
    const int64_t first = current.record.next;
    if (first < 0 || first > INT64_MAX - kProducerIdBlock) {
        co_return fail(Errc::limit_exceeded);
    }
    std::vector<Condition> conditions;
    std::vector<Write> writes;
    conditions.push_back(
        {.key = std::string(keys::kProducerIds), .mod_revision = current.mod_revision});
    writes.push_back({.key = std::string(keys::kProducerIds),
                      .value = encode(ProducerIdsRecord{.next = first + kProducerIdBlock})});
    const Result<void> written = co_await commit(std::move(conditions), std::move(writes));
    if (!written.has_value()) {
        co_return fail(written.error());
    }
    co_return ProducerIdBlock{.first = first, .count = kProducerIdBlock};
}

io::Task<Result<ProducerIdBlock>> Controller::allocate_producer_ids() {
    co_await turn_.take(1);
    Result<ProducerIdBlock> result = fail(Errc::closed);
    if (!closed_) {
        result = co_await allocate_locked();
    }
    turn_.give(1);
    co_return result;
}

io::Task<void> Controller::close() {
    closed_ = true;
    co_await turn_.take(1);
    co_await follower_.close();
    turn_.give(1);
}

}  // namespace ringlog::cluster

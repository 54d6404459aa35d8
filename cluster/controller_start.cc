// What the controller does at a start: cluster id, registration, leader epochs. Explained in
// cluster/controller.h.
#include <fmt/format.h>

#include <algorithm>

#include "base/log.h"
#include "base/mutant.h"
#include "cluster/controller.h"

namespace ringlog::cluster {

namespace {

StartFailure store_failure(const Error& error) {
    if (error.code == Errc::version_unknown) {
        return {error, "the metadata was written by a newer Ringlog; start that version"};
    }
    if (error.code == Errc::malformed) {
        return {
            error,
            "the metadata cannot be read (the log names the key); restore the store from a copy"};
    }
    return {error, fmt::format("the metadata store does not answer: {}", describe(error))};
}

}  // namespace

io::Task<Controller::Opened> Controller::open(io::Reactor& reactor, MetadataStore& store,
                                              ControllerOptions options, ImageListener* listener) {
    auto controller = std::make_unique<Controller>(reactor, store, std::move(options), listener);
    auto ready = co_await controller->initialise();
    if (!ready.has_value()) {
        co_await controller->close();
        co_return std::unexpected(std::move(ready.error()));
    }
    co_return controller;
}

io::Task<std::expected<void, StartFailure>> Controller::initialise() {
    const Result<void> started = co_await follower_.start();
    if (!started.has_value()) {
        co_return std::unexpected(store_failure(started.error()));
    }
    auto node = check_node();
    if (!node.has_value()) {
        co_return node;
    }
    const Result<void> named = co_await write_cluster_id();
    if (!named.has_value()) {
        co_return std::unexpected(store_failure(named.error()));
    }
    const Result<void> registered = co_await register_and_lead();
    if (!registered.has_value()) {
        co_return std::unexpected(store_failure(registered.error()));
    }
    co_return std::expected<void, StartFailure>{};
}

std::expected<void, StartFailure> Controller::check_node() const {
    if (options_.sole_node && !image()->brokers().empty() &&
        image()->broker(options_.node_id) == nullptr) {
        const int32_t owner = image()->brokers().begin()->first;
        return std::unexpected(StartFailure{
            {Errc::invalid_argument},
            fmt::format(
                "the data directory belongs to node.id {}, the configuration says node.id {}; set "
                "node.id={} or name another directory in log.dirs",
                owner, options_.node_id, owner)});
    }
    return {};
}

io::Task<Result<void>> Controller::write_cluster_id() {
    if (!image()->cluster_id().empty()) {
        co_return Result<void>{};
    }
    const ClusterRecord record{.cluster_id = Uuid::random(reactor_.random()).to_base64()};
    std::vector<Condition> conditions;
    std::vector<Write> writes;
    conditions.push_back({.key = std::string(keys::kCluster), .mod_revision = 0});
    writes.push_back({.key = std::string(keys::kCluster), .value = encode(record)});
    const Result<void> written = co_await commit(std::move(conditions), std::move(writes));
    if (!written.has_value() && written.error().code == Errc::conflict) {
        // Another broker was first: its id stands behind a revision that is on its way here.
        const Result<RangeResult> found = co_await store_.read(KeyRange::of_key(keys::kCluster));
        if (!found.has_value()) {
            co_return fail(found.error());
        }
        const Result<void> seen = co_await follower_.wait_for(found->revision);
        co_return seen;
    }
    co_return written;
}

std::vector<Write> Controller::epoch_raises(std::vector<Condition>& conditions) const {
    std::vector<Write> writes;
    image()->for_each_topic([&](const TopicPtr& topic) {
        for (size_t chunk = 0; chunk < topic->chunks.size(); ++chunk) {
            if (topic->chunks[chunk] == nullptr) {
                continue;
            }
            PartitionChunkRecord record = topic->chunks[chunk]->record();
            bool led = false;
            for (PartitionState& state : record.partitions) {
                if (state.leader == options_.node_id) {
                    state.leader_epoch += mutant(Mutant::leader_epoch_kept) ? 0 : 1;
                    ++state.partition_epoch;
                    led = true;
                }
            }
            if (led) {
                std::string key = keys::partition_chunk(topic->id, static_cast<int32_t>(chunk));
                conditions.push_back(
                    {.key = key, .mod_revision = topic->chunks[chunk]->mod_revision()});
                writes.push_back({.key = std::move(key), .value = encode(record)});
            }
        }
    });
    return writes;
}

io::Task<Result<void>> Controller::register_and_lead() {
    const auto& brokers = image()->brokers();
    const auto found = brokers.find(options_.node_id);
    const bool known = found != brokers.end();
    const BrokerRecord record{.node_id = options_.node_id,
                              .epoch = known ? found->second.record.epoch + 1 : 1,
                              .incarnation = Uuid::random(reactor_.random()),
                              .rack = options_.rack,
                              .endpoints = options_.endpoints};
    std::vector<Condition> all_conditions;
    std::vector<Write> all_writes;
    all_conditions.push_back({.key = keys::broker(options_.node_id),
                              .mod_revision = known ? found->second.mod_revision : 0});
    all_writes.push_back({.key = keys::broker(options_.node_id), .value = encode(record)});
    std::vector<Write> raises = epoch_raises(all_conditions);
    std::ranges::move(raises, std::back_inserter(all_writes));
    // Condition i belongs to write i: a group takes as many pairs as the store allows.
    for (size_t next = 0; next < all_writes.size();) {
        const size_t end = std::min(next + store_.max_group_writes(), all_writes.size());
        const auto at = [](auto& all, size_t index) {
            return std::make_move_iterator(all.begin() + static_cast<ptrdiff_t>(index));
        };
        std::vector<Condition> conditions(at(all_conditions, next), at(all_conditions, end));
        std::vector<Write> writes(at(all_writes, next), at(all_writes, end));
        const Result<void> written = co_await commit(std::move(conditions), std::move(writes));
        if (!written.has_value()) {
            co_return written;
        }
        next = end;
    }
    broker_epoch_ = record.epoch;
    log_info("metadata", "cluster {}, node {}, broker epoch {}: {} topics, {} partitions",
             image()->cluster_id(), options_.node_id, broker_epoch_, image()->topic_count(),
             image()->partition_count());
    co_return Result<void>{};
}

}  // namespace ringlog::cluster

// Starting and stopping a broker. What follows a change of the metadata is in broker_metadata.cc.
// See broker/broker.h.
#include "broker/broker.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/log.h"
#include "broker/batch_limit.h"
#include "cluster/sqlite_store.h"
#include "cluster/topic_config.h"
#include "io/mesh.h"

namespace ringlog::broker {

namespace {

constexpr std::string_view kMetadataFile = "metadata.db";
constexpr uint64_t kMiB = 1 << 20;

/// Journal and window where the configuration leaves them to us: a small part of the disk, a small
/// part of the memory.
constexpr uint64_t kJournalBytesMin = 64 * kMiB;
constexpr uint64_t kJournalBytesMax = 1024 * kMiB;
constexpr uint64_t kWindowBytesMin = 16 * kMiB;
constexpr uint64_t kWindowBytesMax = 256 * kMiB;
constexpr uint64_t kDiskPart = 100;
constexpr uint64_t kMemoryPart = 16;

StartFailure with_text(const engine::StoreFailure& failure) {
    return {failure.error, failure.message};
}

}  // namespace

Broker::Broker(io::Reactor& core0, BrokerOptions options)
    : reactor_(core0),
      options_(std::move(options)),
      listeners_(*this, core0),
      producer_ids_turn_(core0, 1),
      opening_turn_(core0, 1),
      tombstone_work_(core0) {
    const uint16_t cores = core0.core_count();
    const uint16_t wanted = options_.config.journals;
    journal_count_ = wanted == 0 ? cores : std::min(wanted, cores);
    if (!options_.open_metadata) {
        const std::string path =
            fmt::format("{}/{}", options_.config.data_directory, kMetadataFile);
        options_.open_metadata = [path](io::Reactor& reactor,
                                        bool create) -> io::Task<OpenedMetadata> {
            return open_sqlite(reactor, path, create);
        };
    }
}

io::Task<OpenedMetadata> Broker::open_sqlite(io::Reactor& reactor, std::string path, bool create) {
    auto store = co_await cluster::SqliteStore::open(
        reactor, {.path = std::move(path), .create = create, .vfs = {}});
    if (!store) {
        co_return std::unexpected(std::move(store.error()));
    }
    co_return std::unique_ptr<cluster::MetadataStore>(std::move(*store));
}

Broker::~Broker() {
    RL_ASSERT(cores_.empty(), "stop() is awaited before");
}

engine::StoreOptions Broker::store_options() const {
    const BrokerConfig& config = options_.config;
    engine::StoreOptions store;
    store.directory = config.data_directory;
    store.node_id = config.node_id;
    for (uint16_t i = 0; i < journal_count_; ++i) {
        store.cores.push_back(io::CoreId(i));
    }
    engine::ShardOptions& shard = store.shard;
    shard = options_.shard;
    shard.durability = config.durability == Durability::power ? engine::Durability::power
                                                              : engine::Durability::crash;
    shard.flush_interval_ns = config.flush_ms * kMillisecondNs;
    const uint64_t by_disk = options_.disk_bytes / kDiskPart / journal_count_;
    shard.journal_bytes = config.journal_bytes != 0
                              ? config.journal_bytes
                              : std::clamp(by_disk, kJournalBytesMin, kJournalBytesMax);
    const uint64_t by_memory = options_.memory_bytes / kMemoryPart / journal_count_;
    shard.window.bytes = config.window_bytes != 0
                             ? config.window_bytes
                             : std::clamp(by_memory, kWindowBytesMin, kWindowBytesMax);
    return store;
}

io::Task<bool> Broker::make_cores() {
    cores_.resize(reactor_.core_count());
    for (uint16_t i = 0; i < core_count(); ++i) {
        const bool made = co_await io::call_on(
            reactor_, io::CoreId(i), [this, i](io::Reactor& there) { return make_core(there, i); });
        RL_ASSERT(made);
    }
    co_return true;
}

io::Task<bool> Broker::make_core(io::Reactor& there, uint16_t index) {
    cores_[index] = std::make_unique<BrokerCore>(*this, there);
    co_return true;
}

Started Broker::check_batch_limit() const {
    const cluster::ConfigMap& defaults = options_.config.topic_defaults.configs;
    const cluster::TopicConfig resolved = cluster::resolve_topic_config(defaults, {});
    const auto problem =
        batch_limit_problem("message.max.bytes", static_cast<uint64_t>(resolved.max_message_bytes),
                            store_options().shard);
    if (problem) {
        return std::unexpected(StartFailure{{Errc::invalid_argument}, *problem});
    }
    return {};
}

void Broker::report_batch_limits() const {
    // Made when journal or window were larger: their larger batches are refused one by one.
    const engine::ShardOptions shard = store_options().shard;
    controller_->image()->for_each_topic([&shard](const cluster::TopicPtr& topic) {
        const auto set = topic->configs->find("max.message.bytes");
        if (set == topic->configs->end()) {
            return;
        }
        const auto bytes = cluster::parse_integer(set->second);
        const auto problem = batch_limit_problem("max.message.bytes",
                                                 static_cast<uint64_t>(bytes.value_or(0)), shard);
        if (problem) {
            log_warn("broker", "topic {}: {}", topic->name, *problem);
        }
    });
}

io::Task<Started> Broker::start() {
    const Started possible = check_batch_limit();
    if (!possible) {
        co_return possible;
    }
    Started bound = co_await listeners_.bind(options_.config.listeners);
    if (!bound) {
        co_await listeners_.close();
        co_return bound;
    }
    endpoints_ = listeners_.endpoints(options_.config.listeners);
    co_await make_cores();
    Started opened = co_await open_everything();
    if (!opened) {
        bool in_order = true;
        co_await close_all(false, in_order);
    }
    co_return opened;
}

io::Task<Started> Broker::open_everything() {
    const MonotonicNs begun = reactor_.exact_now();
    started_ns_ = begun;
    Started step = co_await open_data();
    if (!step) {
        co_return step;
    }
    times_.store_ns = reactor_.exact_now() - begun;
    step = co_await open_metadata();
    if (!step) {
        co_return step;
    }
    times_.metadata_ns = reactor_.exact_now() - begun;
    step = co_await open_partitions();
    if (!step) {
        co_return step;
    }
    const Result<void> accepting = listeners_.accept();
    if (!accepting) {
        co_return std::unexpected(StartFailure{
            accepting.error(), "cannot accept connections: " + describe(accepting.error())});
    }
    times_.ready_ns = reactor_.exact_now() - begun;
    ready_ = true;
    co_return Started{};
}

io::Task<Started> Broker::open_data() {
    auto opened = co_await engine::open_store(reactor_, store_options());
    if (!opened) {
        co_return std::unexpected(with_text(opened.error()));
    }
    manifest_ = opened->manifest;
    lock_ = std::move(opened->lock);
    const auto i_end = static_cast<uint16_t>(opened->shards.size());
    for (uint16_t i = 0; i < i_end; ++i) {
        BrokerCore* const core = cores_[i].get();
        engine::Shard* const shard = opened->shards[i].release();
        (void)co_await io::call_on(reactor_, io::CoreId(i), [core, shard](io::Reactor&) {
            return core->set_shard(std::unique_ptr<engine::Shard>(shard));
        });
    }
    co_return Started{};
}

io::Task<Started> Broker::open_metadata() {
    const BrokerConfig& config = options_.config;
    // The manifest names the cluster once the metadata store has one: before, a missing store is a
    // start that was interrupted; after, it is a loss.
    auto store = co_await options_.open_metadata(reactor_, manifest_.cluster_id.empty());
    if (!store) {
        co_return std::unexpected(std::move(store.error()));
    }
    metadata_ = std::move(*store);
    cluster::ControllerOptions options;
    options.node_id = config.node_id;
    options.rack = config.rack;
    options.endpoints = endpoints_;
    options.defaults = config.topic_defaults;
    options.defaults.batch_bytes_problem = [shard = store_options().shard](int64_t bytes) {
        return batch_limit_problem("max.message.bytes", static_cast<uint64_t>(bytes), shard);
    };
    options.delete_topics = config.delete_topics;
    auto controller =
        co_await cluster::Controller::open(reactor_, *metadata_, std::move(options), this);
    if (!controller) {
        co_return std::unexpected(std::move(controller.error()));
    }
    controller_ = std::move(*controller);
    report_batch_limits();
    co_return co_await remember_cluster_id();
}

io::Task<Started> Broker::remember_cluster_id() {
    const std::string& cluster_id = controller_->image()->cluster_id();
    if (manifest_.cluster_id == cluster_id) {
        co_return Started{};
    }
    const std::string& directory = options_.config.data_directory;
    if (!manifest_.cluster_id.empty()) {
        co_return std::unexpected(StartFailure{
            {Errc::invalid_argument},
            fmt::format(
                "{}: the data belongs to cluster {}, the metadata store to cluster {}: they do "
                "not belong together. Nothing was touched",
                directory, manifest_.cluster_id, cluster_id)});
    }
    manifest_.cluster_id = cluster_id;
    auto& files = reactor_.files();
    const auto written = co_await reactor_.run_blocking(
        [&] { return engine::write_manifest(files, directory, manifest_); });
    if (!written) {
        co_return std::unexpected(
            StartFailure{written.error(), fmt::format("{}: cannot write the manifest: {}",
                                                      directory, describe(written.error()))});
    }
    co_return Started{};
}

io::Task<void> Broker::drain(int64_t drain_ns) {
    ready_ = false;
    stopping_ = true;
    co_await listeners_.close();
    const MonotonicNs deadline = reactor_.now() + drain_ns;
    io::TaskGroup drains;
    for (const auto& core : cores_) {
        drains.spawn(drain_core(*core, deadline));
    }
    co_await drains.close();
}

io::Task<bool> Broker::stop() {
    ready_ = false;
    bool in_order = true;
    co_await close_all(true, in_order);
    co_return in_order;
}

io::Task<void> Broker::drain_core(BrokerCore& core, MonotonicNs deadline) {
    const bool done = co_await io::call_on(
        reactor_, core.reactor().core(),
        [&core, deadline](io::Reactor&) { return core.drain_connections(deadline); });
    if (!done) {
        log_warn("broker", "core {}: connections did not end in time; they are broken",
                 core.index());
    }
}

io::Task<bool> Broker::destroy_core(uint16_t index) {
    co_await cores_[index]->quiesced();
    cores_[index].reset();
    co_return true;
}

io::Task<void> Broker::close_all(bool clean, bool& in_order) {
    stopping_ = true;
    co_await listeners_.close();
    tombstone_work_.notify_all();
    if (controller_ != nullptr) {
        co_await controller_->close();
    }
    co_await tasks_.close();
    // From here on nobody asks a core: it may be gone when the question arrives.
    published_ = nullptr;
    for (const auto& core : cores_) {
        (void)co_await io::call_on(reactor_, core->reactor().core(),
                                   [&core](io::Reactor&) { return core->break_connections(); });
    }
    // All at once: each waits for its own disk writes.
    io::TaskGroup closing;
    for (const auto& core : cores_) {
        closing.spawn(close_core_shard(*core, clean, in_order));
    }
    co_await closing.close();
    for (const auto& core : cores_) {
        (void)co_await io::call_on(reactor_, core->reactor().core(),
                                   [&core](io::Reactor&) { return core->close(); });
    }
    const auto i_end = static_cast<uint16_t>(cores_.size());
    for (uint16_t i = 0; i < i_end; ++i) {
        (void)co_await io::call_on(reactor_, io::CoreId(i),
                                   [this, i](io::Reactor&) { return destroy_core(i); });
    }
    cores_.clear();
    controller_.reset();
    if (metadata_ != nullptr) {
        co_await metadata_->close();
        metadata_.reset();
    }
    lock_.reset();
}

io::Task<void> Broker::close_core_shard(BrokerCore& core, bool clean, bool& in_order) {
    const bool done =
        co_await io::call_on(reactor_, core.reactor().core(),
                             [&core, clean](io::Reactor&) { return core.close_shard(clean); });
    in_order = in_order && done;
}

}  // namespace ringlog::broker

// One broker: its cores, the data directory, the metadata, the listeners. Runs over whatever
// reactors it is given (this machine's or the simulation's, several brokers in one process); owns
// no thread and no signal. Lives on core 0; calls on core 0 but for those that say otherwise.
// Explained in docs/architecture.md and docs/data_path.md.
#pragma once

#include <cstdint>
#include <expected>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "broker/config.h"
#include "broker/core.h"
#include "broker/listener.h"
#include "cluster/controller.h"
#include "cluster/metadata_store.h"
#include "cluster/start_failure.h"
#include "engine/store.h"
#include "io/reactor.h"
#include "io/task.h"

namespace ringlog::broker {

using cluster::StartFailure;
using Started = std::expected<void, StartFailure>;
using OpenedMetadata = std::expected<std::unique_ptr<cluster::MetadataStore>, StartFailure>;
/// Opens the metadata store; a missing one is made if `create`, else refused.
using MetadataOpener = std::function<io::Task<OpenedMetadata>(io::Reactor&, bool create)>;

struct BrokerOptions {
    BrokerConfig config;
    MetadataOpener open_metadata;  ///< Empty: SQLite in the data directory.
    uint64_t memory_bytes = 0;     ///< Of the machine, for defaults; 0: small ones.
    uint64_t disk_bytes =
        0;  ///< Of the file system of the data directory, for defaults; 0: small ones.
    engine::ShardOptions shard;  ///< Limits that the configuration has no keys for.
};

/// How a start went, in nanoseconds since it began.
struct StartTimes {
    int64_t store_ns = 0;
    int64_t metadata_ns = 0;
    int64_t ready_ns = 0;
};

class Broker final : private cluster::ImageListener {
public:
    Broker(io::Reactor& core0, BrokerOptions options);
    Broker(const Broker&) = delete;
    Broker& operator=(const Broker&) = delete;
    ~Broker() override;

    /// Opens everything, then accepts. On failure nothing is left open and stop() must not be
    /// called.
    io::Task<Started> start();
    /// Stops accepting, answers parked fetches, waits at most `drain_ns` for what connections still
    /// have to be answered.
    io::Task<void> drain(int64_t drain_ns);
    /// Breaks what connections are left, closes everything. True if every journal was closed in
    /// order. Once.
    io::Task<bool> stop();

    // --- Any core, after start() began ---
    [[nodiscard]] const BrokerConfig& config() const { return options_.config; }
    [[nodiscard]] uint16_t core_count() const { return static_cast<uint16_t>(cores_.size()); }
    BrokerCore& core(uint16_t index) { return *cores_[index]; }
    /// The core that a partition lives on.
    [[nodiscard]] uint16_t owner_core(const Uuid& topic_id, int32_t partition) const {
        return engine::placement_of(topic_id, partition, journal_count_);
    }
    [[nodiscard]] io::CoreId home() const { return reactor_.core(); }
    [[nodiscard]] const std::vector<cluster::Endpoint>& endpoints() const { return endpoints_; }

    // --- Core 0 ---
    cluster::Controller& controller() { return *controller_; }
    /// An id that no producer had before. Errors: of the metadata store.
    io::Task<Result<int64_t>> take_producer_id();
    io::Reactor& reactor() { return reactor_; }
    /// Clients are served: started, not draining.
    [[nodiscard]] bool ready() const { return ready_; }
    /// Started and not stopped: cores and controller may be asked.
    [[nodiscard]] bool serving() const { return published_ != nullptr; }
    [[nodiscard]] int64_t uptime_ns() const { return reactor_.now() - started_ns_; }
    [[nodiscard]] const StartTimes& times() const { return times_; }
    /// The port that a listener got.
    [[nodiscard]] uint16_t port(size_t listener) const { return listeners_.port(listener); }
    [[nodiscard]] const engine::Manifest& manifest() const { return manifest_; }

private:
    io::Task<void> image_changed(cluster::ImagePtr image) override;

    static io::Task<OpenedMetadata> open_sqlite(io::Reactor& reactor, std::string path,
                                                bool create);
    io::Task<bool> make_cores();
    io::Task<bool> make_core(io::Reactor& there, uint16_t index);
    io::Task<bool> destroy_core(uint16_t index);
    io::Task<void> drain_core(BrokerCore& core, MonotonicNs deadline);
    io::Task<void> close_core_shard(BrokerCore& core, bool clean, bool& in_order);
    io::Task<Started> open_everything();
    io::Task<Started> open_data();
    io::Task<Started> open_metadata();
    io::Task<Started> remember_cluster_id();
    io::Task<Started> open_partitions();
    io::Task<void> close_all(bool clean, bool& in_order);
    [[nodiscard]] engine::StoreOptions store_options() const;
    [[nodiscard]] Started check_batch_limit() const;
    void report_batch_limits() const;

    io::Task<bool> publish(cluster::ImagePtr image, std::vector<cluster::TopicPtr> changed);
    /// Removes what deleted topics of the names of `topics` have left; a topic whose name cannot be
    /// freed yet is dropped from `topics`.
    io::Task<void> keep_free_names(const cluster::MetadataImage& image,
                                   std::vector<cluster::TopicPtr>& topics);
    io::Task<bool> open_everywhere(std::vector<cluster::TopicPtr> topics);
    io::Task<void> open_successor(std::string name);
    /// Removes the data of deleted topics, then their tombstones.
    io::Task<void> tombstone_loop();
    /// Removes directories that were renamed because their partitions are deleted.
    io::Task<void> remove_files();
    io::Task<bool> remove_data(Uuid id, cluster::DeletedTopicRecord record);
    io::Task<void> set_aside_unknown();

    io::Reactor& reactor_;
    BrokerOptions options_;
    uint16_t journal_count_ = 1;
    std::vector<std::unique_ptr<BrokerCore>> cores_;
    Listeners listeners_;
    std::vector<cluster::Endpoint> endpoints_;
    engine::Manifest manifest_;
    std::unique_ptr<io::DirectoryLock> lock_;
    std::unique_ptr<cluster::MetadataStore> metadata_;
    std::unique_ptr<cluster::Controller> controller_;
    cluster::ImagePtr
        published_;  ///< What every core has; null before the start has opened its partitions.
    cluster::ProducerIdBlock producer_ids_;  ///< What is left of the last block.
    io::Semaphore producer_ids_turn_;
    io::Semaphore opening_turn_;  ///< Partitions are opened for one image at a time.
    bool ready_ = false;
    bool stopping_ = false;
    StartTimes times_;
    MonotonicNs started_ns_ = 0;
    io::Event tombstone_work_;
    io::TaskGroup tasks_;
};

}  // namespace ringlog::broker

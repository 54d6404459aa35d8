// What one core of the broker has: its partitions, its connections, its view of the metadata, its
// counters. Every call on this core but for those that say otherwise. Explained in
// docs/data_path.md.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/log.h"
#include "broker/config.h"
#include "broker/connection.h"
#include "broker/fetch_session.h"
#include "broker/metrics.h"
#include "broker/request.h"
#include "cluster/image.h"
#include "cluster/topic_config.h"
#include "engine/shard.h"
#include "io/event.h"
#include "io/reactor.h"
#include "io/task.h"

namespace ringlog::broker {

class Broker;

/// Bytes of requests that one core holds at once; beyond, connections wait before they receive
/// more.
constexpr int64_t kRequestBytesPerCore = 256 << 20;

/// A topic as the handlers look it up: by name, on this core.
struct TopicRoute {
    cluster::TopicPtr topic;
    cluster::TopicConfig config;
    std::vector<uint16_t> owners;  ///< The core of each partition.
};

class BrokerCore {
public:
    BrokerCore(Broker& broker, io::Reactor& reactor);
    BrokerCore(const BrokerCore&) = delete;
    BrokerCore& operator=(const BrokerCore&) = delete;
    ~BrokerCore();

    Broker& broker() { return broker_; }
    io::Reactor& reactor() { return reactor_; }
    [[nodiscard]] uint16_t index() const { return reactor_.core().value(); }
    CoreMetrics& metrics() { return metrics_; }
    /// Metrics and gauges of this core as they are now.
    io::Task<MetricSnapshot> take_snapshot();
    /// What is wrong here, one sentence each.
    io::Task<std::vector<std::string>> problems();

    // --- Metadata and partitions ---

    /// Opens the partitions of `topics` that live here and that this node leads. Before set_image()
    /// of the same change.
    io::Task<bool> open_partitions(std::vector<cluster::TopicPtr> topics);
    /// Everything that begins from now on sees `image`.
    void set_image(cluster::ImagePtr image);
    [[nodiscard]] const cluster::ImagePtr& image() const { return image_; }
    /// Null if there is no such topic. Valid until the next wait.
    [[nodiscard]] const TopicRoute* route(std::string_view topic);
    /// Null if it does not live here. Valid until the next wait.
    [[nodiscard]] engine::Partition* partition(const Uuid& topic_id, int32_t index) {
        return shard_ == nullptr ? nullptr : shard_->find(topic_id, index);
    }
    /// What answers for a partition that is not open here.
    [[nodiscard]] kafka::ErrorCode missing_error(const Uuid& topic_id) const;
    io::Task<bool> set_shard(std::unique_ptr<engine::Shard> shard);
    /// The same as set_image, from another core.
    io::Task<bool> take_image(cluster::ImagePtr image);
    /// Deletes the data of a partition; success if there is none.
    io::Task<Result<void>> remove_partition(const engine::TopicPartition& id);
    io::Task<Result<void>> remove_deleted_files();
    /// Logs partitions whose data is here and that the metadata does not know: kept, not served.
    io::Task<bool> report_unknown();
    [[nodiscard]] engine::Shard* shard() { return shard_.get(); }

    // --- Connections ---

    /// Takes over a socket that came through listener `listener`. From core 0 it was counted
    /// already.
    io::Task<bool> adopt(int32_t descriptor, uint16_t listener);
    /// The same for one that moves here from another core.
    io::Task<bool> adopt_moved(Connection::Move move);
    /// Connections that are here or on their way. Any core.
    std::atomic<uint32_t> connection_count{0};
    /// Every connection takes no further request and ends when it was answered; true when all have.
    io::Task<bool> drain_connections(MonotonicNs deadline);
    /// Breaks what is left and waits until it is gone, but for what waits for the disk.
    io::Task<bool> break_connections();
    /// Ends what runs here. After close_shard() of every core, which ends what waits for the disk.
    io::Task<bool> close();
    /// After close() of every core: every request has come home. Then the core may be destroyed.
    io::Task<void> quiesced();
    void forget(Connection& connection) { static_cast<ListNode&>(connection).unlink(); }
    /// A line about a client that sends what it should not; rate limited.
    void log_refusal(const Connection& connection, std::string_view problem);
    /// Closes the shard and destroys it.
    io::Task<bool> close_shard(bool clean);

    // --- Requests ---

    io::Semaphore& request_bytes() { return request_bytes_; }
    /// What requests need for the partitions that they name: taken once per request, after its own
    /// bytes, and given back with them (Request::named_bytes).
    io::Semaphore& named_bytes() { return named_bytes_; }
    /// A request with room for `size` bytes, which were taken from request_bytes().
    Request& take_request(uint32_t size);
    /// Gives back the request and its bytes. Nothing may refer to it.
    void recycle(Request& request);

    // --- Produce; see handlers_produce.cc ---

    void start_append(ProducePart& part);
    void part_arrived(ProducePart& part);
    /// In line for its deadline.
    void await_parts(Request& request);

    FetchSessionCache& sessions() { return sessions_; }
    // The same for a session of this core that another core serves.
    io::Task<FetchSessionCache::Taken> take_session(int32_t id, int32_t epoch);
    io::Task<bool> return_session(std::unique_ptr<FetchSession> session);
    io::Task<bool> remove_session(int32_t id);
    io::TaskGroup& tasks() { return tasks_; }

private:
    io::Task<void> append(ProducePart& part);
    void finish_part(ProducePart& part);
    io::Task<void> housekeeping();
    io::Task<void> serve(std::unique_ptr<Connection> connection);
    [[nodiscard]] std::unique_ptr<Connection> attach(int32_t descriptor, uint16_t listener);
    void expire_produces();
    io::Task<void> check_connections();
    [[nodiscard]] engine::PartitionConfig partition_config(const cluster::TopicConfig& topic) const;

    struct NameHash {
        using is_transparent = void;
        size_t operator()(std::string_view name) const {
            return std::hash<std::string_view>{}(name);
        }
    };

    Broker& broker_;
    io::Reactor& reactor_;
    cluster::ImagePtr image_;
    std::unordered_map<std::string, TopicRoute, NameHash, std::equal_to<>> routes_;
    std::unique_ptr<engine::Shard> shard_;
    IntrusiveList<Connection> connections_;
    IntrusiveList<Request::Waiting> waiting_produces_;
    std::vector<std::unique_ptr<Request>> spare_requests_;
    size_t requests_out_ = 0;  ///< Taken and not given back.
    io::Semaphore request_bytes_;
    io::Semaphore named_bytes_;
    FetchSessionCache sessions_;
    CoreMetrics metrics_;
    RateLimit refusal_limit_;
    std::string disk_full_text_;
    bool closing_ = false;
    bool draining_ = false;
    MonotonicNs next_check_ = 0;
    io::Event work_;  ///< For housekeeping: there is something to watch, or the end.
    io::Event connection_gone_;
    io::Event request_back_;
    io::TaskGroup tasks_;
    io::TaskGroup housekeeping_task_;
};

}  // namespace ringlog::broker

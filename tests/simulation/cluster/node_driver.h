// The lives of one node of a simulated cluster: starts, serves, dies or stops, is started again, as
// the swarm's switches say. Events of the world drive it. One thread.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "broker/broker.h"
#include "tests/simulation/cluster/cluster.h"
#include "tests/simulation/cluster/disk_watch.h"

namespace ringlog::simulation {

class NodeDriver {
public:
    enum class State : uint8_t { down, starting, serving, stopping };

    NodeDriver(Cluster& cluster, uint32_t index);
    NodeDriver(const NodeDriver&) = delete;
    NodeDriver& operator=(const NodeDriver&) = delete;
    ~NodeDriver();

    SimNode& node() { return node_; }
    [[nodiscard]] const SimNode& node() const { return node_; }
    [[nodiscard]] uint32_t index() const { return index_; }
    [[nodiscard]] State state() const { return state_; }
    [[nodiscard]] bool serving() const { return state_ == State::serving; }
    /// While it serves.
    [[nodiscard]] broker::Broker* broker() const { return serving() ? broker_ : nullptr; }
    DiskWatch& watch() { return watch_; }
    /// Counts lives.
    [[nodiscard]] uint64_t life() const { return life_; }

    /// From down: a new process.
    void start();
    /// Ends the life now.
    void crash(CrashKind kind);
    /// Drains and stops; `for_good`: the node stays down.
    void stop(bool for_good = false);
    /// Sets the disk's faults as the cluster is quiet or not.
    void apply_faults();
    /// Decides how long it serves, and how that ends.
    void plan_end();
    /// The node died of a fault of its disk, between two events.
    void notice_death();
    /// Something of it needs a new start: a journal is closed, an operation hangs.
    [[nodiscard]] bool ailing() const;

private:
    struct Outcome;
    static io::Task<void> boot(broker::Broker& broker, std::shared_ptr<Outcome> outcome);
    static io::Task<void> shut_down(broker::Broker& broker, std::shared_ptr<Outcome> outcome);
    [[nodiscard]] broker::BrokerOptions options();
    io::Task<broker::OpenedMetadata> open_metadata(io::Reactor& reactor);
    [[nodiscard]] broker::MetadataOpener metadata_opener();
    [[nodiscard]] cluster::MemoryStoreFaults metadata_faults() const;
    /// `action` later, unless this life is over by then.
    void later(int64_t delay_ns, std::function<void()> action);
    void plan_accidents();
    void booted(const std::shared_ptr<Outcome>& outcome);
    void refused(const std::string& text);
    void served_long_enough();
    void stopped(const std::shared_ptr<Outcome>& outcome, uint32_t tries);
    void ended(CrashKind kind);
    void forget_what_may_be_lost(bool power);
    void start_again();
    void count_life();

    Cluster& cluster_;
    uint32_t index_;
    Random random_;
    SimNode& node_;
    DiskWatch watch_;
    State state_ = State::down;
    uint64_t life_ = 0;
    uint16_t cores_ = 0;
    bool fresh_ = true;        ///< The node has been up since it was added, and runs nothing yet.
    bool calm_start_ = false;  ///< The next start has no disk faults: the last one was refused.
    bool faults_in_start_ = false;
    bool stays_down_ = false;
    bool stops_in_quiet_ = false;  ///< No fault can hold up the stop that is under way.
    CrashKind armed_kind_ = CrashKind::kill;
    broker::Broker* broker_ = nullptr;
    cluster::MemoryStore* store_ = nullptr;  ///< The broker's, from its opening to its end.
};

}  // namespace ringlog::simulation

// A simulated world with brokers and clients in it, and everything that is shared between those who
// drive it. One thread. Explained in tests/simulation/cluster/README.md.
#pragma once

#include <memory>
#include <vector>

#include "broker/broker.h"
#include "cluster/memory_store.h"
#include "tests/simulation/cluster/inspector.h"
#include "tests/simulation/cluster/judge.h"
#include "tests/simulation/cluster/oracle.h"
#include "tests/simulation/cluster/swarm.h"
#include "tests/simulation/sim_world.h"

namespace ringlog::simulation {

class NodeDriver;

constexpr uint16_t kBrokerPort = 9092;

struct Cluster {
    explicit Cluster(const Swarm& s);
    Cluster(const Cluster&) = delete;
    Cluster& operator=(const Cluster&) = delete;
    ~Cluster();

    /// The node that leads a partition.
    [[nodiscard]] NodeDriver& leader(uint16_t topic, int32_t partition) const;
    /// Nothing goes wrong any more (or not yet).
    [[nodiscard]] bool quiet() const { return quiet_; }
    void set_quiet(bool quiet);
    /// Faults begin: the lives that began in quiet end as any other.
    void begin_safety();
    /// Every broker serves.
    [[nodiscard]] bool all_serve() const;

    Swarm swarm;
    SimWorld world;
    Judge judge;
    Oracle oracle;
    SimClock metadata_clock;
    cluster::MemoryStoreState metadata;
    Random random;
    Inspector inspector;
    std::vector<std::unique_ptr<NodeDriver>> nodes;
    bool gave_up = false;  ///< A broker refused to start and said why, as a lying disk may make it.

private:
    bool quiet_ = true;
};

}  // namespace ringlog::simulation

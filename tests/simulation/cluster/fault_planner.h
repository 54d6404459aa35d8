// What goes wrong around the brokers of a simulated world while its safety phase runs: the network,
// the clocks, the space on the disks, the bits on them. One thread.
#pragma once

#include <vector>

#include "tests/simulation/cluster/cluster.h"

namespace ringlog::simulation {

class Consumer;

class FaultPlanner {
public:
    /// `clients`: the hosts of all clients.
    FaultPlanner(Cluster& cluster, std::vector<HostId> clients, std::vector<Consumer*> consumers);
    /// Goes on until the cluster is quiet.
    void start();

private:
    void plan_next();
    void strike();
    void mend_ailing();
    void apply(Switch fault);
    void clog(HostId client, const SimNode& node);
    void pause(SimNode& node);
    void fill_disk(SimNode& node);
    void rot(SimNode& node, bool unreadable);

    Cluster& cluster_;
    Random random_;
    std::vector<HostId> clients_;
    std::vector<Consumer*> consumers_;
    std::vector<Switch> enabled_;
    int64_t wall_stepped_ms_ = 0;
};

}  // namespace ringlog::simulation

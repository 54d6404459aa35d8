#include "tests/simulation/cluster/cluster.h"

#include <algorithm>

#include "tests/simulation/cluster/node_driver.h"

namespace ringlog::simulation {

Cluster::Cluster(const Swarm& s)
    : swarm(s),
      world(s.seed),
      judge(world),
      oracle(judge, swarm),
      metadata_clock(world.time(), 0, 1'700'000'000'000),
      metadata(metadata_clock),
      random(s.seed ^ 0x636c7573746572),
      inspector(*this) {
    judge.set_lenient(swarm.on(Switch::tiny_segments) || swarm.on(Switch::latency));
    for (uint32_t i = 0; i < swarm.length.nodes; ++i) {
        nodes.push_back(std::make_unique<NodeDriver>(*this, i));
    }
    oracle.set_covered_end([this](uint16_t topic, int32_t partition) {
        return inspector.covered_end(topic, partition);
    });
    world.set_check([this] { inspector.after_event(); });
}

Cluster::~Cluster() = default;

NodeDriver& Cluster::leader(uint16_t /*topic*/, int32_t /*partition*/) const {
    return *nodes.front();
}

void Cluster::set_quiet(bool quiet) {
    quiet_ = quiet;
    world.network().heal_all();
    world.network().options() = quiet ? NetworkOptions{} : swarm.network;
    for (const auto& node : nodes) {
        node->apply_faults();
    }
}

void Cluster::begin_safety() {
    set_quiet(false);
    for (const auto& node : nodes) {
        node->plan_end();
    }
}

bool Cluster::all_serve() const {
    return std::ranges::all_of(nodes, [](const auto& node) { return node->serving(); });
}

}  // namespace ringlog::simulation

#include "tests/simulation/cluster/fault_planner.h"

#include <fmt/format.h>

#include "tests/simulation/cluster/consumer.h"
#include "tests/simulation/cluster/node_driver.h"

namespace ringlog::simulation {
namespace {

constexpr uint64_t kBetweenFaultsNs = 40 * kMillisecondNs;
constexpr uint64_t kClogNs = 300 * kMillisecondNs;
constexpr uint64_t kPauseNs = 400 * kMillisecondNs;
constexpr uint64_t kFullNs = kSecondNs;
constexpr int64_t kWallStepMs = 30 * 60 * 1000;
/// Connections and their retries recover from what happened within this time.
constexpr int64_t kAftermathNs = 3 * kSecondNs;

}  // namespace

FaultPlanner::FaultPlanner(Cluster& cluster, std::vector<HostId> clients,
                           std::vector<Consumer*> consumers)
    : cluster_(cluster),
      random_(cluster.swarm.seed * 401),
      clients_(std::move(clients)),
      consumers_(std::move(consumers)) {
    for (const Switch fault :
         {Switch::pause, Switch::clog, Switch::cut, Switch::reset, Switch::slow_reader,
          Switch::wall_step, Switch::full_disk, Switch::bit_rot, Switch::latent_sector}) {
        if (cluster.swarm.on(fault)) {
            enabled_.push_back(fault);
        }
    }
}

void FaultPlanner::start() {
    plan_next();
}

void FaultPlanner::plan_next() {
    cluster_.world.after(static_cast<int64_t>(random_.below(kBetweenFaultsNs)), [this] {
        if (!cluster_.quiet()) {
            strike();
            plan_next();
        }
    });
}

void FaultPlanner::strike() {
    mend_ailing();
    if (!enabled_.empty()) {
        apply(enabled_[random_.below(enabled_.size())]);
    }
}

void FaultPlanner::mend_ailing() {
    for (const auto& node : cluster_.nodes) {
        // Somebody looks after a while: meanwhile it must go on saying what is wrong.
        if (node->serving() && cluster_.inspector.ails(*node) && random_.chance(1, 4)) {
            node->crash(CrashKind::kill);
        }
    }
}

void FaultPlanner::apply(Switch fault) {
    SimNode& node = cluster_.nodes[random_.below(cluster_.nodes.size())]->node();
    const HostId client = clients_[random_.below(clients_.size())];
    Judge& judge = cluster_.judge;
    const MonotonicNs now = cluster_.world.now();
    switch (fault) {
        case Switch::pause: pause(node); break;
        case Switch::clog: clog(client, node); break;
        case Switch::cut: {
            const auto duration = static_cast<int64_t>(random_.below(kClogNs));
            judge.mark(Met::cuts);
            judge.disturb_until(now + duration + kAftermathNs);
            cluster_.world.network().clog(client, node.host(), duration);
            cluster_.world.network().clog(node.host(), client, duration);
            break;
        }
        case Switch::reset:
            judge.mark(Met::resets);
            cluster_.world.network().reset_between(client, node.host());
            break;
        case Switch::slow_reader:
            if (!consumers_.empty()) {
                consumers_.front()->stall(static_cast<int64_t>(random_.below(kClogNs)));
            }
            break;
        case Switch::wall_step: {
            const int64_t to = static_cast<int64_t>(random_.below(2 * kWallStepMs)) - kWallStepMs;
            if (!node.up()) {
                break;
            }
            judge.mark(Met::wall_steps);
            node.clock().step_wall(to - wall_stepped_ms_);
            wall_stepped_ms_ = to;
            break;
        }
        case Switch::full_disk: fill_disk(node); break;
        case Switch::bit_rot: rot(node, false); break;
        case Switch::latent_sector: rot(node, true); break;
        default: break;
    }
}

void FaultPlanner::clog(HostId client, const SimNode& node) {
    const auto duration = static_cast<int64_t>(random_.below(kClogNs));
    cluster_.judge.mark(Met::clogs);
    cluster_.judge.disturb_until(cluster_.world.now() + duration + kAftermathNs);
    if (random_.chance(1, 2)) {
        cluster_.world.network().clog(client, node.host(), duration);
    } else {
        cluster_.world.network().clog(node.host(), client, duration);
    }
}

void FaultPlanner::pause(SimNode& node) {
    const auto duration = static_cast<int64_t>(random_.below(kPauseNs));
    const bool all = random_.chance(1, 2);
    if (!node.up()) {
        return;
    }
    cluster_.judge.mark(Met::pauses);
    cluster_.judge.disturb_until(cluster_.world.now() + duration + kAftermathNs);
    const auto chosen = static_cast<uint16_t>(random_.below(node.core_count()));
    for (uint16_t core = 0; core < node.core_count(); ++core) {
        if (all || core == chosen) {
            node.pause(core, duration);
        }
    }
}

void FaultPlanner::fill_disk(SimNode& node) {
    const auto duration = static_cast<int64_t>(random_.below(kFullNs));
    const uint64_t room = random_.below(256 << 10);
    if (node.disk().options().capacity_bytes != UINT64_MAX) {
        return;
    }
    cluster_.judge.mark(Met::full_disks);
    node.disk().set_capacity(node.disk().used_bytes() + room);
    cluster_.world.after(duration, [&node] { node.disk().set_capacity(UINT64_MAX); });
}

void FaultPlanner::rot(SimNode& node, bool unreadable) {
    std::vector<std::string> files;
    for (const std::string& path : node.disk().list_tree()) {
        if (!path.ends_with('/') && node.disk().file(path).size_bytes() > 0) {
            files.push_back(path);
        }
    }
    if (files.empty() || !random_.chance(1, 4)) {
        return;
    }
    const std::string& path = files[random_.below(files.size())];
    SimFile& file = node.disk().file(path);
    const uint64_t position = random_.below(file.size_bytes());
    RL_TELL(cluster_.judge, -1, -1, "node {}: {} at {} of {}", node.host(),
            unreadable ? "a sector cannot be read any more" : "a bit flips", position, path);
    if (unreadable) {
        cluster_.judge.mark(Met::latent_sectors);
        file.make_sector_bad(position);
    } else {
        cluster_.judge.mark(Met::rotten_bits);
        file.flip_bit(position, static_cast<uint32_t>(random_.below(8)));
    }
}

}  // namespace ringlog::simulation

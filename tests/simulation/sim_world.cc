#include "tests/simulation/sim_world.h"

#include <algorithm>

namespace ringlog::simulation {

SimWorld::SimWorld(uint64_t seed, WorldOptions options)
    : seed_(seed),
      random_(seed),
      options_(options),
      events_(random_.fork()),
      network_(time_, events_, trace_, random_.fork(), options.network),
      test_random_(random_.fork()) {}

SimNode& SimWorld::add_node(NodeOptions options, std::unique_ptr<SimDisk> disk) {
    nodes_.push_back(std::make_unique<SimNode>(*this, network_.add_host(), random_.fork(), options,
                                               std::move(disk)));
    return *nodes_.back();
}

bool SimWorld::step() {
    crash_what_is_doomed();
    candidates_.clear();
    for (const std::unique_ptr<SimNode>& node : nodes_) {
        for (uint16_t core = 0; node->up() && core < node->core_count(); ++core) {
            if (node->is_runnable(core)) {
                candidates_.push_back({node.get(), core});
            }
        }
    }
    const bool event_due = events_.next_time() <= time_.now;
    const uint64_t choices = candidates_.size() + (event_due ? 1 : 0);
    if (choices == 0) {
        return jump();
    }
    ++steps_;
    const uint64_t choice = random_.below(choices);
    if (choice < candidates_.size()) {
        turn(*candidates_[choice].node, candidates_[choice].core);
    } else {
        events_.pop()();
    }
    crash_what_is_doomed();
    if (check_) {
        check_();
    }
    return true;
}

void SimWorld::turn(SimNode& node, uint16_t core) {
    const bool ran = node.turn(core);
    if (ran) {
        trace_.add(time_.now, {.what = "turn", .node = node.host(), .core = core});
    }
    time_.now +=
        static_cast<MonotonicNs>(random_.below(static_cast<uint64_t>(options_.turn_jitter_ns)));
}

bool SimWorld::jump() {
    MonotonicNs next = events_.next_time();
    for (const std::unique_ptr<SimNode>& node : nodes_) {
        next = node->up() ? std::min(next, node->next_time()) : next;
    }
    if (next == INT64_MAX) {
        return false;
    }
    time_.now = std::max(time_.now, next);
    return true;
}

void SimWorld::crash_what_is_doomed() {
    for (const std::unique_ptr<SimNode>& node : nodes_) {
        if (node->up()) {
            node->crash_if_requested();
        }
    }
}

bool SimWorld::run_until(const std::function<bool()>& done, RunLimit limit) {
    const uint64_t last_step = steps_ + limit.steps;
    const MonotonicNs end = time_.now + limit.duration_ns;
    for (const std::unique_ptr<SimNode>& node : nodes_) {
        node->make_hot();  // the test may have touched anything
    }
    while (!done()) {
        if (steps_ >= last_step || time_.now >= end || !step()) {
            return done();
        }
    }
    return true;
}

bool SimWorld::run_until_idle(RunLimit limit) {
    bool idle = false;
    const uint64_t last_step = steps_ + limit.steps;
    const MonotonicNs end = time_.now + limit.duration_ns;
    for (const std::unique_ptr<SimNode>& node : nodes_) {
        node->make_hot();
    }
    while (!idle && steps_ < last_step && time_.now < end) {
        idle = !step();
    }
    return idle;
}

void SimWorld::run_for(int64_t duration_ns) {
    const MonotonicNs end = time_.now + duration_ns;
    at(end, kNobody, [] {});
    run_until([&] { return time_.now >= end; });
}

void SimWorld::record(std::string_view what, uint64_t host, uint64_t position) {
    trace_.add(time_.now, {.what = what, .node = host, .position = position});
}

}  // namespace ringlog::simulation

// A whole cluster in one thread under one seed: virtual time, nodes with cores, their disks, one
// network. The seed decides who runs next, how long everything takes, and what goes wrong; the same
// seed gives the same run. Explained in tests/simulation/README.md.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "base/random.h"
#include "tests/simulation/event_queue.h"
#include "tests/simulation/sim_clock.h"
#include "tests/simulation/sim_network.h"
#include "tests/simulation/sim_node.h"
#include "tests/simulation/trace.h"

namespace ringlog::simulation {

struct WorldOptions {
    NetworkOptions network;
    int64_t turn_jitter_ns = 2'000;  ///< A turn of a core takes less than this.
};

/// How far a run may go. What ends first.
struct RunLimit {
    uint64_t steps = 20'000'000;
    int64_t duration_ns = 24 * 3600 * kSecondNs;
};

class SimWorld {
public:
    explicit SimWorld(uint64_t seed, WorldOptions options = {});
    SimWorld(const SimWorld&) = delete;
    SimWorld& operator=(const SimWorld&) = delete;

    /// A node that is up. It stays until the world ends.
    SimNode& add_node(NodeOptions options = {}) { return add_node(options, nullptr); }
    /// One that finds `disk`.
    SimNode& add_node(NodeOptions options, std::unique_ptr<SimDisk> disk);
    SimNode& node(size_t index) { return *nodes_[index]; }
    [[nodiscard]] size_t node_count() const { return nodes_.size(); }

    /// One turn of one core, one event, or a jump of the time; false if nothing will ever happen.
    bool step();
    /// Steps until `done` is true (then true), or the limit, or nothing is left to happen (then
    /// false, unless `done`).
    bool run_until(const std::function<bool()>& done, RunLimit limit = {});
    /// Steps until nothing is left to happen: no work, no timer. True if that was reached within
    /// the limit.
    bool run_until_idle(RunLimit limit = {});
    /// Steps until so much virtual time has passed.
    void run_for(int64_t duration_ns);
    /// Called after every step: what must always hold.
    void set_check(std::function<void()> check) { check_ = std::move(check); }

    [[nodiscard]] uint64_t seed() const { return seed_; }
    [[nodiscard]] MonotonicNs now() const { return time_.now; }
    [[nodiscard]] uint64_t steps() const { return steps_; }
    SimNetwork& network() { return network_; }
    Trace& trace() { return trace_; }
    EventQueue& events() { return events_; }
    [[nodiscard]] const WorldTime& time() const { return time_; }
    /// A stream of its own for the test's choices: what it draws moves nobody else's.
    Random& random() { return test_random_; }
    LifeId next_life() { return next_life_++; }
    /// `action` at a time: a fault, a client's next request. Survives crashes unless it is of a
    /// life.
    void at(MonotonicNs time, LifeId life, EventQueue::Action action) {
        events_.at(time, life, std::move(action));
    }
    void after(int64_t delay_ns, EventQueue::Action action) {
        at(now() + delay_ns, kNobody, std::move(action));
    }
    void record(std::string_view what, uint64_t host, uint64_t position);

private:
    struct Candidate {
        SimNode* node;
        uint16_t core;
    };
    void turn(SimNode& node, uint16_t core);
    bool jump();
    void crash_what_is_doomed();

    uint64_t seed_;
    Random random_;
    WorldOptions options_;
    WorldTime time_;
    Trace trace_;
    EventQueue events_;
    SimNetwork network_;
    Random test_random_;
    LifeId next_life_ = 1;
    uint64_t steps_ = 0;
    std::function<void()> check_;
    std::vector<Candidate> candidates_;  ///< Of the current step; kept for its memory.
    std::vector<std::unique_ptr<SimNode>> nodes_;
};

}  // namespace ringlog::simulation

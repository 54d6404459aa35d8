#include "tests/simulation/cluster/run.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>

#include "tests/simulation/cluster/admin.h"
#include "tests/simulation/cluster/cluster.h"
#include "tests/simulation/cluster/consumer.h"
#include "tests/simulation/cluster/disk_audit.h"
#include "tests/simulation/cluster/fault_planner.h"
#include "tests/simulation/cluster/node_driver.h"
#include "tests/simulation/cluster/producer.h"

namespace ringlog::simulation {
namespace {

constexpr RunLimit kSetupLimit{.steps = 4'000'000, .duration_ns = 120 * kSecondNs};
constexpr RunLimit kSafetyLimit{.steps = 3'000'000, .duration_ns = 600 * kSecondNs};
constexpr RunLimit kRestLimit{.steps = 20'000'000, .duration_ns = 300 * kSecondNs};
/// How long it may take where a lying disk may make it impossible.
constexpr int64_t kHonestLimitNs = 20 * kSecondNs;
constexpr uint32_t kProbeProducer = 1000;
constexpr uint32_t kAuditConsumer = 1000;

class Run {
public:
    explicit Run(const RunOptions& options)
        : swarm_(options.seed, options.orders, options.length),
          cluster_(swarm_),
          admin_(cluster_),
          probe_(cluster_, {.id = kProbeProducer, .timeout_ns = 10 * kSecondNs}),
          auditor_(cluster_, {.id = kAuditConsumer, .partition_max_bytes = 256 << 10}) {
        for (const ProducerPlan& plan : swarm_.producers) {
            producers_.push_back(std::make_unique<Producer>(cluster_, plan));
        }
        for (const ConsumerPlan& plan : swarm_.consumers) {
            consumers_.push_back(std::make_unique<Consumer>(cluster_, plan));
        }
        if (options.story) {
            cluster_.judge.set_sink(options.story, options.story_topic, options.story_partition);
        }
        if (options.events) {
            cluster_.world.trace().set_sink(options.story);
        }
    }

    RunOutcome execute() {
        if (set_up() && safety() && rest() && read_everything() && stop_and_start() &&
            read_everything()) {
            stop();
        }
        return outcome();
    }

private:
    [[nodiscard]] bool going() const { return !cluster_.judge.failed() && !cluster_.gave_up; }

    /// Runs the world until `done`; a violation if that takes too long.
    bool wait(const std::function<bool()>& done, RunLimit limit, Invariant invariant,
              const std::function<std::string()>& why) {
        if (swarm_.honesty()) {
            limit.duration_ns = std::min(limit.duration_ns, kHonestLimitNs);
        }
        const bool reached = cluster_.world.run_until([&] { return !going() || done(); }, limit);
        if (!reached && going() && swarm_.honesty()) {
            cluster_.gave_up = true;  // lying disks: it goes on saying that it cannot
        } else if (!reached && going()) {
            cluster_.judge.violate(invariant, why());
        }
        return going();
    }

    bool set_up() {
        for (const auto& node : cluster_.nodes) {
            node->start();
        }
        admin_.start();
        return wait([&] { return admin_.all_alive(); }, kSetupLimit, Invariant::starts,
                    [] { return "topics are not made"; });
    }

    bool safety() {
        std::vector<HostId> hosts;
        std::vector<Consumer*> consumers;
        for (const auto& producer : producers_) {
            hosts.push_back(producer->host());
            producer->start();
        }
        for (const auto& consumer : consumers_) {
            hosts.push_back(consumer->host());
            consumers.push_back(consumer.get());
            consumer->start();
        }
        FaultPlanner& planner =
            *(planner_ = std::make_unique<FaultPlanner>(cluster_, hosts, consumers));
        cluster_.begin_safety();
        planner.start();
        const uint64_t goal = cluster_.judge.marks()[static_cast<size_t>(Met::starts)] +
                              uint64_t{swarm_.length.lives} * cluster_.nodes.size();
        const MonotonicNs longest = cluster_.world.now() + int64_t{swarm_.length.lives} *
                                                               swarm_.length.life_ms * 2 *
                                                               kMillisecondNs;
        cluster_.world.run_until(
            [&] {
                return !going() || cluster_.world.now() > longest ||
                       cluster_.judge.marks()[static_cast<size_t>(Met::starts)] >= goal;
            },
            kSafetyLimit);
        return going();
    }

    bool rest() {
        cluster_.set_quiet(true);
        admin_.finish();
        std::vector<uint64_t> lives;
        for (const auto& node : cluster_.nodes) {
            lives.push_back(node->life());
        }
        for (const auto& producer : producers_) {
            producer->finish();
        }
        const auto at_rest = [&] {
            for (size_t i = 0; i < lives.size(); ++i) {
                // In a life that had faults, what they did may show only now.
                NodeDriver& node = *cluster_.nodes[i];
                if (node.serving() && node.ailing() && node.life() == lives[i]) {
                    node.crash(CrashKind::kill);
                }
            }
            for (const auto& producer : producers_) {
                producer->give_up_damaged();
            }
            return cluster_.all_serve() && admin_.all_alive() &&
                   std::ranges::all_of(producers_, [](const auto& p) { return p->idle(); });
        };
        const auto why = [&] {
            std::string text = fmt::format("all serve: {}, all topics alive: {}",
                                           cluster_.all_serve(), admin_.all_alive());
            for (const auto& producer : producers_) {
                text += fmt::format("; producer waits for {}", producer->unfinished());
            }
            return text;
        };
        if (!wait(at_rest, kRestLimit, Invariant::produces_resolved, why)) {
            return false;
        }
        cluster_.judge.mark(Met::quiesced);
        probe_.produce_once_everywhere();
        return wait(
            [&] {
                probe_.give_up_damaged();
                return probe_.idle();
            },
            kRestLimit, Invariant::produces_resolved,
            [&] { return "a world at rest takes no " + probe_.unfinished(); });
    }

    bool read_everything() {
        auditor_.begin_audit();
        auditor_.start();
        return wait([&] { return auditor_.all_read(); }, kRestLimit,
                    Invariant::unavailability_reported,
                    [&] { return "a world at rest does not give " + auditor_.unread(); });
    }

    bool all_down() const {
        return std::ranges::all_of(cluster_.nodes, [](const auto& node) {
            return node->state() == NodeDriver::State::down;
        });
    }

    bool stop() {
        // What was deleted goes in the background.
        wait([&] { return cluster_.inspector.nothing_to_remove(); }, kRestLimit,
             Invariant::space_accounting, [] { return "deleted topics are not removed"; });
        for (const auto& node : cluster_.nodes) {
            node->stop(true);
        }
        if (!wait([&] { return all_down(); }, kRestLimit, Invariant::starts,
                  [] { return "an orderly stop does not end"; })) {
            return false;
        }
        for (const auto& node : cluster_.nodes) {
            audit_disk(cluster_, *node);
        }
        return going();
    }

    bool stop_and_start() {
        if (!stop()) {
            return false;
        }
        for (const auto& node : cluster_.nodes) {
            node->start();
        }
        return wait([&] { return cluster_.all_serve(); }, kRestLimit, Invariant::starts,
                    [] { return "the start after an orderly stop does not end"; });
    }

    RunOutcome outcome() {
        Judge& judge = cluster_.judge;
        for (const auto& node : cluster_.nodes) {
            const SimDisk& disk = node->node().disk();
            judge.mark(Met::disk_errors, disk.effect_count(DiskEffect::error));
            judge.mark(Met::disk_torn, disk.effect_count(DiskEffect::torn));
            judge.mark(Met::disk_no_space, disk.effect_count(DiskEffect::no_space));
            judge.mark(Met::disk_short, disk.effect_count(DiskEffect::short_io));
            judge.mark(Met::disk_lost, disk.effect_count(DiskEffect::lost));
            judge.mark(Met::disk_misdirected, disk.effect_count(DiskEffect::misdirected));
            judge.mark(Met::disk_corrupt, disk.effect_count(DiskEffect::corrupt));
            judge.mark(Met::disk_hang, disk.effect_count(DiskEffect::hang));
            judge.mark(Met::disk_slow, disk.slow_count());
        }
        return {.failure = judge.failure(),
                .trace_hash = cluster_.world.trace().hash(),
                .events = cluster_.world.steps(),
                .virtual_ns = cluster_.world.now(),
                .honesty = swarm_.honesty(),
                .gave_up = cluster_.gave_up,
                .switches = swarm_.switches,
                .marks = judge.marks()};
    }

    Swarm swarm_;
    Cluster cluster_;
    Admin admin_;
    std::vector<std::unique_ptr<Producer>> producers_;
    std::vector<std::unique_ptr<Consumer>> consumers_;
    Producer probe_;
    Consumer auditor_;
    std::unique_ptr<FaultPlanner> planner_;
};

}  // namespace

RunOutcome run_seed(const RunOptions& options) {
    return Run(options).execute();
}

}  // namespace ringlog::simulation

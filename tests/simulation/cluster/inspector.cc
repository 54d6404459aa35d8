#include "tests/simulation/cluster/inspector.h"

#include <fmt/format.h>

#include <algorithm>

#include "tests/simulation/cluster/cluster.h"
#include "tests/simulation/cluster/node_driver.h"

namespace ringlog::simulation {
namespace {

/// Beyond a window's own limit: frames of large batches that have begun, what recovery adopted.
constexpr uint64_t kWindowSlackBytes = 4 << 20;

/// Where the log ended that this start found: appends may have begun since, but its epoch began
/// there.
int64_t recovered_end_of(const engine::Partition& partition) {
    const auto& epochs = partition.log().epochs();
    const bool led = !epochs.empty() && epochs.back().epoch == partition.leader_epoch();
    return led ? epochs.back().start_offset : partition.log_end_offset();
}

}  // namespace

void Inspector::after_event() {
    for (const auto& node : cluster_.nodes) {
        node->notice_death();
        if (node->serving()) {
            look_at(*node);
        }
    }
    cluster_.judge.set_serving(cluster_.all_serve());
}

std::optional<Uuid> Inspector::topic_id(const NodeDriver& node, uint16_t topic) const {
    const auto& image = node.broker()->controller().image();
    const auto found = image->topic(cluster_.swarm.topics[topic].name);
    return found == nullptr ? std::nullopt : std::optional(found->id);
}

engine::Partition* Inspector::find(const NodeDriver& node, const Uuid& id,
                                   int32_t partition) const {
    broker::Broker& broker = *node.broker();
    return broker.core(broker.owner_core(id, partition)).partition(id, partition);
}

void Inspector::look_at(NodeDriver& node) {
    const auto topics = static_cast<uint16_t>(cluster_.oracle.topic_count());
    for (uint16_t topic = 0; topic < topics; ++topic) {
        if (cluster_.oracle.life(topic) != Oracle::TopicLife::alive) {
            continue;
        }
        Known& known = known_[{node.index(), topic}];
        const uint64_t generation = cluster_.oracle.ticket(topic).generation;
        if (!known.there || known.generation != generation || known.life != node.life()) {
            const auto id = topic_id(node, topic);
            known = {.generation = generation,
                     .life = node.life(),
                     .id = id.value_or(Uuid{}),
                     .there = id.has_value()};
        }
        const int32_t count = cluster_.oracle.partition_count(topic);
        for (int32_t partition = 0; known.there && partition < count; ++partition) {
            if (const engine::Partition* now = find(node, known.id, partition)) {
                check_partition(node, topic, partition, *now, known.id);
            }
        }
    }
    auto& flushed = flushed_[node.index()];
    flushed.clear();
    const uint16_t cores = node.broker()->core_count();
    for (uint16_t core = 0; core < cores; ++core) {
        if (const engine::Shard* shard = node.broker()->core(core).shard()) {
            flushed.emplace_back(shard->journal().id(), shard->journal().flushed_through());
        }
        check_core(node, core);
    }
}

void Inspector::check_core(const NodeDriver& node, uint16_t core) {
    const engine::Shard* shard = node.broker()->core(core).shard();
    const uint64_t limit =
        cluster_.swarm.window_bytes + 2 * cluster_.swarm.journal_bytes + kWindowSlackBytes;
    if (shard != nullptr && shard->window().allocated_bytes() > limit) {
        cluster_.judge.violate(Invariant::bounds,
                               fmt::format("the window of core {} has {} bytes, its limit is {}",
                                           core, shard->window().allocated_bytes(), limit));
    }
}

void Inspector::check_partition(NodeDriver& node, uint16_t topic, int32_t partition,
                                const engine::Partition& now, const Uuid& id) {
    Seen& seen = seen_[{node.index(), topic, partition}];
    if (seen.topic_id != id) {
        seen = {.topic_id = id, .number = now.number()};
    }
    const int64_t log_end = now.log_end_offset();
    const int64_t high_watermark = now.high_watermark();
    const int64_t log_start = now.log_start_offset();
    const int32_t epoch = now.leader_epoch().value();
    Judge& judge = cluster_.judge;
    const auto where = [&] {
        return fmt::format(
            "t{}-{}: log {} to {}, high watermark {}, epoch {} (before: {} to {}, {}, "
            "{})",
            topic, partition, log_start, log_end, high_watermark, epoch, seen.log_start,
            seen.log_end, seen.high_watermark, seen.epoch);
    };
    if (log_start > high_watermark || high_watermark > log_end) {
        judge.violate(Invariant::high_watermark_bounds, where());
    } else if (high_watermark < seen.high_watermark || log_end < seen.log_end ||
               log_start < seen.log_start) {
        judge.violate(Invariant::high_watermark_monotone, where());
    } else if (epoch < seen.epoch) {
        judge.violate(Invariant::epoch_unique, where());
    }
    if (high_watermark != seen.high_watermark && !cluster_.swarm.honesty()) {
        const auto covered = node.watch().end(now.number());
        if (covered.value_or(0) < high_watermark) {
            judge.violate(
                Invariant::high_watermark_bounds,
                where() + fmt::format("; the disk holds it up to {}", covered.value_or(0)));
        }
    }
    seen.number = now.number();
    seen.log_end = log_end;
    seen.high_watermark = high_watermark;
    seen.log_start = log_start;
    seen.epoch = epoch;
}

bool Inspector::may_be_damaged() const {
    const Swarm& swarm = cluster_.swarm;
    // A segment that cannot be written makes its partition read-only.
    return swarm.honesty() || swarm.on(Switch::write_error) || swarm.on(Switch::torn) ||
           (swarm.on(Switch::flush_error) && swarm.on(Switch::crash_rung));
}

void Inspector::starting(NodeDriver& node) {
    hangs_at_start_[node.index()] = node.node().disk().effect_count(DiskEffect::hang);
}

void Inspector::started(NodeDriver& node) {
    node.watch().forget();
    const uint16_t cores = node.broker()->core_count();
    for (uint16_t core = 0; core < cores; ++core) {
        engine::Shard* const shard = node.broker()->core(core).shard();
        if (shard == nullptr) {
            continue;
        }
        for (const engine::Partition* partition : shard->partitions()) {
            node.watch().recovered(partition->number(), recovered_end_of(*partition));
        }
        cluster_.judge.mark(Met::findings, shard->findings().size());
        cluster_.judge.mark(Met::damaged_partitions, shard->counters().damaged_partitions);
    }
    const auto topics = static_cast<uint16_t>(cluster_.oracle.topic_count());
    for (uint16_t topic = 0; topic < topics; ++topic) {
        const bool alive = cluster_.oracle.life(topic) == Oracle::TopicLife::alive;
        const auto id = alive ? topic_id(node, topic) : std::nullopt;
        if (alive && !id) {
            cluster_.judge.violate(Invariant::no_delete_without_record,
                                   fmt::format("t{} is not there after a start", topic));
        }
        const int32_t count = id ? cluster_.oracle.partition_count(topic) : 0;
        for (int32_t partition = 0; partition < count; ++partition) {
            check_start(node, topic, partition, *id);
        }
    }
}

void Inspector::check_start(NodeDriver& node, uint16_t topic, int32_t partition, const Uuid& id) {
    Judge& judge = cluster_.judge;
    Oracle& oracle = cluster_.oracle;
    const engine::Partition* const now = find(node, id, partition);
    if (now == nullptr) {
        if (cluster_.swarm.rates_in_start || cluster_.swarm.honesty()) {
            return;  // its journal failed while it was being opened: answers say so
        }
        judge.violate(Invariant::recovery_prefix,
                      fmt::format("t{}-{} is not open after a start", topic, partition));
        return;
    }
    if (now->log().damage() != engine::Damage::none) {
        if (!may_be_damaged()) {
            judge.violate(Invariant::no_truncate_on_corruption,
                          fmt::format("t{}-{} is damaged, and no disk lied", topic, partition));
        }
        oracle.damaged(topic, partition);
    }
    const int64_t required = oracle.required_end(topic, partition);
    const bool excused = cluster_.swarm.honesty() || oracle.is_damaged(topic, partition);
    RL_TELL(judge, topic, partition, "t{}-{}: recovered up to {}, {} was promised", topic,
            partition, recovered_end_of(*now), required);
    if (recovered_end_of(*now) < required && !excused) {
        judge.violate(Invariant::nothing_durable_cut,
                      fmt::format("t{}-{} ends at {} after a start; {} was promised", topic,
                                  partition, recovered_end_of(*now), required));
    }
    Seen& seen = seen_[{node.index(), topic, partition}];
    const int32_t epoch = now->leader_epoch().value();
    // Where the journal failed while the partition was opened, nobody leads it.
    if (seen.topic_id == id && epoch <= seen.epoch && !ails(node)) {
        judge.violate(Invariant::epoch_unique,
                      fmt::format("t{}-{} is led in epoch {} after epoch {}", topic, partition,
                                  epoch, seen.epoch));
    }
    seen = {.topic_id = id,
            .number = now->number(),
            .log_end = now->log_end_offset(),
            .high_watermark = now->high_watermark(),
            .log_start = now->log_start_offset(),
            .epoch = epoch,
            .recovered_end = recovered_end_of(*now)};
}

std::optional<int64_t> Inspector::covered_end(uint16_t topic, int32_t partition) const {
    NodeDriver& node = cluster_.leader(topic, partition);
    const auto seen = seen_.find({node.index(), topic, partition});
    if (seen == seen_.end()) {
        return std::nullopt;
    }
    return node.watch().end(seen->second.number).value_or(0);
}

void Inspector::cut_logs(NodeDriver& node, bool everything) {
    const auto topics = static_cast<uint16_t>(cluster_.oracle.topic_count());
    for (uint16_t topic = 0; topic < topics; ++topic) {
        const int32_t count = cluster_.oracle.partition_count(topic);
        for (int32_t partition = 0; partition < count; ++partition) {
            const auto seen = seen_.find({node.index(), topic, partition});
            int64_t kept = 0;
            // A failed flush takes along what was pending; the next process cannot know of it.
            const bool forgetful = cluster_.swarm.on(Switch::flush_error);
            if (seen != seen_.end() && !everything && !forgetful) {
                kept = seen->second.recovered_end;
                for (const auto& [journal, sequence] : flushed_[node.index()]) {
                    kept = std::max(
                        kept, node.watch().end_through(seen->second.number, journal, sequence));
                }
            }
            cluster_.oracle.cut(topic, partition, kept);
        }
    }
}

bool Inspector::ails(const NodeDriver& node) const {
    const auto hangs = hangs_at_start_.find(node.index());
    if (hangs != hangs_at_start_.end() && const_cast<NodeDriver&>(node).node().disk().effect_count(
                                              DiskEffect::hang) != hangs->second) {
        return true;
    }
    const uint16_t cores = node.broker()->core_count();
    for (uint16_t core = 0; core < cores; ++core) {
        const engine::Shard* const shard = node.broker()->core(core).shard();
        if (shard != nullptr && shard->journal().failure()) {
            return true;
        }
    }
    return false;
}

bool Inspector::disk_is_full(NodeDriver& node) const {
    return node.node().disk().options().capacity_bytes != UINT64_MAX;
}

bool Inspector::nothing_to_remove() const {
    return std::ranges::all_of(cluster_.nodes, [](const auto& node) {
        if (!node->serving() || !node->broker()->controller().image()->deleted_topics().empty()) {
            return false;
        }
        const std::vector<std::string> paths = node->node().disk().list_tree();
        return std::ranges::none_of(
            paths, [](const std::string& path) { return path.ends_with("-delete/"); });
    });
}

void Inspector::count(const NodeDriver& node) const {
    Judge& judge = cluster_.judge;
    const uint16_t cores = node.broker()->core_count();
    for (uint16_t core = 0; core < cores; ++core) {
        engine::Shard* const shard = node.broker()->core(core).shard();
        if (shard != nullptr) {
            judge.mark(Met::checkpoints, shard->counters().checkpoints);
            judge.mark(Met::recovered_frames, shard->counters().recovered_frames);
            judge.mark(Met::rescues, shard->destager().counters().rescued_bytes);
            judge.mark(Met::journals_failed, shard->journal().failure() ? 1 : 0);
        }
    }
}

}  // namespace ringlog::simulation

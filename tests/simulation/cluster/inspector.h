// Looks into the memory of the brokers of a simulated cluster after every event, and compares what
// a start found with what the oracle knows. One thread.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <tuple>
#include <vector>

#include "base/uuid.h"
#include "engine/partition.h"
#include "engine/types.h"

namespace ringlog::simulation {

struct Cluster;
class NodeDriver;

class Inspector {
public:
    explicit Inspector(Cluster& cluster) : cluster_(cluster) {}

    /// What must hold after every event.
    void after_event();
    /// A process begins.
    void starting(NodeDriver& node);
    /// A broker serves: its logs must reach as far as was promised.
    void started(NodeDriver& node);
    /// What the disk holds of a partition of the living topic.
    [[nodiscard]] std::optional<int64_t> covered_end(uint16_t topic, int32_t partition) const;
    /// A node lost what was not flushed; with `everything`, nothing of it is promised any more.
    void cut_logs(NodeDriver& node, bool everything);
    /// A journal is closed, or an operation hangs: only a new start mends it.
    [[nodiscard]] bool ails(const NodeDriver& node) const;
    [[nodiscard]] bool disk_is_full(NodeDriver& node) const;
    /// No broker has data of deleted topics left.
    [[nodiscard]] bool nothing_to_remove() const;
    /// Adds the counters of a life that ends.
    void count(const NodeDriver& node) const;
    /// The id of a living topic, as the broker's metadata has it; nothing if it has none.
    [[nodiscard]] std::optional<Uuid> topic_id(const NodeDriver& node, uint16_t topic) const;

private:
    /// What was last seen of a partition in this life of its node.
    struct Seen {
        Uuid topic_id;
        engine::PartitionNumber number{0};
        int64_t log_end = 0;
        int64_t high_watermark = 0;
        int64_t log_start = 0;
        int32_t epoch = -1;
        int64_t recovered_end = 0;
    };
    struct Known {
        uint64_t generation = 0;  ///< The ticket's, when the id was looked up.
        uint64_t life = 0;
        Uuid id;
        bool there = false;
    };
    using Place = std::tuple<uint32_t, uint16_t, int32_t>;  ///< Node, topic, partition.

    void look_at(NodeDriver& node);
    [[nodiscard]] engine::Partition* find(const NodeDriver& node, const Uuid& id,
                                          int32_t partition) const;
    void check_partition(NodeDriver& node, uint16_t topic, int32_t partition,
                         const engine::Partition& now, const Uuid& id);
    void check_start(NodeDriver& node, uint16_t topic, int32_t partition, const Uuid& id);
    void check_core(const NodeDriver& node, uint16_t core);
    [[nodiscard]] bool may_be_damaged() const;

    Cluster& cluster_;
    std::map<Place, Seen> seen_;
    std::map<std::pair<uint32_t, uint16_t>, Known> known_;
    /// By node: the journals of its life, and what they say is flushed.
    std::map<uint32_t, std::vector<std::pair<engine::JournalId, engine::Sequence>>> flushed_;
    std::map<uint32_t, uint64_t> hangs_at_start_;
};

}  // namespace ringlog::simulation

// What a log must hold, may hold and must not hold at a moment of a recorded life, and whether a
// recovered one does. Explained in tests/crash/README.md.
#pragma once

#include <cstdint>
#include <limits>
#include <map>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "tests/crash/trace.h"
#include "tests/crash/workload.h"

namespace ringlog::crash {

constexpr size_t kNever = std::numeric_limits<size_t>::max();

/// A batch that a partition took, in the order of its log.
struct TakenBatch {
    FoundBatch found;
    size_t acked_at = kNever;  ///< Index of the event.
    uint16_t journal = 0;
    uint64_t sequence = 0;
};

/// One partition through the life.
struct PartitionStory {
    uint32_t topic = 0;
    int32_t partition = 0;
    std::vector<TakenBatch> taken;  ///< First what the life found, then what it added.
    size_t found_count = 0;         ///< So many of `taken` were there at its start,
    size_t promised_count = 0;      ///< and so many were promised even before it served.
    std::set<uint64_t> unknown;     ///< Bodies that may be in the log behind `taken`, or not.
    std::set<uint64_t> gone;        ///< Bodies that a former cut removed for good.
};

struct TopicStory {
    Topic topic;
    size_t created_at = 0;
    size_t delete_begun_at = kNever;
    size_t delete_done_at = kNever;
};

/// What a life begins with: what the clients know and what the log showed at its start.
struct Knowledge {
    std::vector<TopicStory> topics;
    std::vector<PartitionStory> partitions;
};

/// What a power loss and a kill may not take, per partition: counts of batches.
struct Promise {
    size_t power = 0;
    size_t kill = 0;
};

/// What recovering one image showed.
struct Recovered {
    std::string problem;          ///< Empty if it could be read and nothing in it was wrong.
    bool stale = false;           ///< The problem is a batch of an earlier life or that was cut.
    std::vector<int32_t> counts;  ///< Whole batches per partition of the story; -1: not there.
};

/// The story of one life, from its trace and what was known before.
class Oracle {
public:
    Oracle(const Knowledge& before, const std::vector<Event>& events,
           engine::Durability durability);

    [[nodiscard]] const std::vector<TopicStory>& topics() const { return topics_; }
    [[nodiscard]] const std::vector<PartitionStory>& partitions() const { return partitions_; }
    /// The story of a partition; -1 if it has none.
    [[nodiscard]] int32_t index_of(uint32_t topic, int32_t partition) const;

    /// Moves to the moment behind event `index`; true if more is promised now than before.
    bool advance(size_t index);
    /// Judges what a log shows: how many batches of its story it holds, or what is wrong (`stale`
    /// as in Recovered).
    int32_t judge(const PartitionStory& story, const std::vector<FoundBatch>& log,
                  std::string& problem, bool& stale) const;
    /// What is missing or too much of a recovered image at the current moment; empty if nothing is.
    [[nodiscard]] std::string check(const Recovered& recovered, bool kill) const;
    [[nodiscard]] uint64_t promised_batches(bool kill) const;
    /// What the next life begins with if this one ends now and the log shows `recovered`.
    [[nodiscard]] Knowledge knowledge(const Recovered& recovered, bool kill) const;

private:
    void read_events(const std::vector<Event>& events);
    PartitionStory& story(uint32_t topic, int32_t partition);

    engine::Durability durability_;
    const std::vector<Event>& events_;
    std::vector<TopicStory> topics_;
    std::vector<PartitionStory> partitions_;
    std::map<std::pair<uint32_t, int32_t>, size_t> by_name_;
    std::vector<Promise> promises_;
    std::map<uint16_t, uint64_t> flushed_;  ///< Per journal.
    std::map<std::pair<size_t, uint32_t>, size_t> position_of_batch_;
    size_t now_ = 0;
};

}  // namespace ringlog::crash

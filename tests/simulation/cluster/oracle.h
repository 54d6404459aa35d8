// What a simulated world knows to be true: every batch that was sent, every offset that a client
// was told or has read, which life of a topic's name it belongs to, and how far each log must
// reach. It judges answers, reads and starts. One thread. Explained in
// tests/simulation/cluster/README.md.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "tests/simulation/cluster/judge.h"
#include "tests/simulation/cluster/swarm.h"
#include "tests/simulation/cluster/value.h"

namespace ringlog::simulation {

/// A topic as it was when a request was sent. What an answer says counts only if nothing changed
/// meanwhile.
struct Ticket {
    uint16_t topic = 0;
    uint64_t generation = 0;  ///< Counts what administrators asked for and were told.
};

/// One batch of a producer, over all its attempts.
struct SentBatch {
    Value first;
    int32_t count = 0;
    uint32_t content_crc = 0;
    int64_t producer_id = -1;
    int16_t producer_epoch = -1;
    int32_t base_sequence = -1;
    uint32_t attempts = 0;
    uint32_t unanswered = 0;   ///< Attempts that may still arrive somewhere.
    uint32_t incarnation = 0;  ///< Of the topic, at the first attempt,
    uint32_t latest = 0;       ///< and at the last attempt or answer: an attempt landed by then.
    int64_t floor = 0;         ///< Where its log was known to end then.
    uint64_t cuts = 0;         ///< Of its log, then,
    uint64_t latest_cuts = 0;  ///< and at the last attempt.
    int64_t acked_offset = -1;
    uint32_t placed_in = 0;        ///< The incarnation that `offsets` are of.
    std::vector<int64_t> offsets;  ///< Where it was seen.

    [[nodiscard]] bool idempotent() const { return producer_id >= 0; }
    [[nodiscard]] std::string name() const;
};

class Oracle {
public:
    /// The end of what the disk holds of a partition of the living topic; nothing if nobody knows.
    using CoveredEnd = std::function<std::optional<int64_t>(uint16_t topic, int32_t partition)>;

    Oracle(Judge& judge, const Swarm& swarm);

    void set_covered_end(CoveredEnd covered_end) { covered_end_ = std::move(covered_end); }

    // --- Topics ---
    enum class TopicLife : uint8_t { absent, creating, alive, deleting };
    void create_begun(uint16_t topic);
    void created(uint16_t topic);
    void delete_begun(uint16_t topic);
    void deleted(uint16_t topic);
    [[nodiscard]] TopicLife life(uint16_t topic) const { return topics_[topic].life; }
    [[nodiscard]] Ticket ticket(uint16_t topic) const { return {topic, topics_[topic].generation}; }
    /// The topic lives, and is the one that it was.
    [[nodiscard]] bool holds(Ticket ticket) const {
        return topics_[ticket.topic].life == TopicLife::alive &&
               topics_[ticket.topic].generation == ticket.generation;
    }
    /// It was gone all the time.
    [[nodiscard]] bool was_absent(Ticket ticket) const {
        return topics_[ticket.topic].life == TopicLife::absent &&
               topics_[ticket.topic].generation == ticket.generation;
    }

    // --- Producers ---
    SentBatch& sent(SentBatch batch);
    void attempt(SentBatch& batch);
    /// An attempt was refused, for good.
    void refused(SentBatch& batch) { answered(batch); }
    /// An attempt was told `offset`.
    void acked(SentBatch& batch, int64_t offset, Ticket ticket, bool counts_on_disk);

    // --- Consumers ---
    /// Judges one batch that a fetch of `partition` gave.
    void read(Ticket ticket, int32_t partition, const ReadBatch& batch);
    /// What is known that `batch` of a recovered image contradicts; nothing if all agrees.
    [[nodiscard]] std::optional<std::string> disagrees(uint16_t topic, int32_t partition,
                                                       const ReadBatch& batch) const;
    /// What a fetch or lookup must not fall behind, at the time when it is sent.
    [[nodiscard]] int64_t high_watermark(uint16_t topic, int32_t partition) const;
    void saw_high_watermark(Ticket ticket, int32_t partition, int64_t not_below, int64_t seen);
    /// What a lookup by time may not say. `known_end`: high_watermark() when it was sent.
    void time_lookup(Ticket ticket, int32_t partition, WallMs asked, int64_t known_end,
                     int64_t offset, WallMs timestamp);
    /// A read from the start of the partition met its high watermark at `end`; `required`: what
    /// required_end() was when it asked.
    void read_whole(Ticket ticket, int32_t partition, int64_t required, int64_t end);

    // --- Crashes ---
    /// A node lost what it did not promise to keep: of each log, what is at `flushed_end` or beyond
    /// may be gone. 0 where nothing is promised.
    void cut(uint16_t topic, int32_t partition, int64_t flushed_end);
    /// How often it was cut. What was asked before a cut and is read after it promises nothing.
    [[nodiscard]] uint64_t cuts(uint16_t topic, int32_t partition) const {
        return log(topic, partition).cuts;
    }
    /// Where the log of a partition must reach after a start.
    [[nodiscard]] int64_t required_end(uint16_t topic, int32_t partition) const;
    /// A reported damage: nothing more is asked of this log but that it is not wrong.
    void damaged(uint16_t topic, int32_t partition);
    [[nodiscard]] bool is_damaged(uint16_t topic, int32_t partition) const;

    [[nodiscard]] int32_t partition_count(uint16_t topic) const {
        return static_cast<int32_t>(topics_[topic].logs.size());
    }
    [[nodiscard]] size_t topic_count() const { return topics_.size(); }

private:
    /// What is known to stand at an offset.
    struct Bound {
        SentBatch* batch = nullptr;
        int32_t epoch = -1;  ///< Unknown until it is read.
        bool acked = false;
        bool voided = false;  ///< It may be gone: another may stand there in a later epoch.
        std::vector<WallMs> timestamps;  ///< Once it was read.
    };
    struct Log {
        std::map<int64_t, Bound> bounds;
        int64_t acked_end = 0;
        int64_t seen_end = 0;  ///< The highest high watermark that a client was told.
        uint64_t cuts = 0;
        bool damaged = false;
    };
    struct Topic {
        TopicLife life = TopicLife::absent;
        uint64_t generation = 0;
        uint32_t incarnation = 0;
        std::vector<Log> logs;
    };
    Log& log(uint16_t topic, int32_t partition) {
        return topics_[topic].logs[static_cast<size_t>(partition)];
    }
    [[nodiscard]] const Log& log(uint16_t topic, int32_t partition) const {
        return topics_[topic].logs[static_cast<size_t>(partition)];
    }
    void change(uint16_t topic, TopicLife life);
    void answered(SentBatch& batch) {
        --batch.unanswered;
        batch.latest = topics_[batch.first.topic].incarnation;
    }
    /// `batch` stands at `offset`; false if that cannot be.
    Bound* bind(uint16_t topic, int32_t partition, int64_t offset, SentBatch& batch, int32_t epoch);
    bool make_room(Log& log, int64_t offset, const SentBatch& batch, int32_t epoch);
    void place(uint16_t topic, int64_t offset, SentBatch& batch);
    void check_on_disk(uint16_t topic, int32_t partition, int64_t end, const SentBatch& batch);
    [[nodiscard]] bool may_be_here(uint16_t topic, const SentBatch& batch) const;

    Judge& judge_;
    bool honesty_;
    std::vector<Topic> topics_;
    std::map<ValueId, std::unique_ptr<SentBatch>> batches_;
    CoveredEnd covered_end_;
};

}  // namespace ringlog::simulation

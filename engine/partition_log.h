// The state of one partition's log as its journal entries make it: offsets, segments, epochs,
// producers. The same functions run when a batch is appended and when it is replayed. Pure: no I/O,
// time comes as an argument. One core.
#pragma once

#include <cstdint>
#include <vector>

#include "base/error.h"
#include "engine/producer_state.h"
#include "engine/record_batch.h"
#include "engine/types.h"

namespace ringlog::engine {

class PartitionLog {
public:
    /// As a checkpoint has it, or a new partition's.
    explicit PartitionLog(const PartitionState& state);

    [[nodiscard]] PartitionNumber number() const { return number_; }
    [[nodiscard]] const TopicPartition& id() const { return id_; }
    [[nodiscard]] LeaderEpoch leader_epoch() const { return leader_epoch_; }
    [[nodiscard]] int64_t log_start_offset() const { return log_start_offset_; }
    [[nodiscard]] int64_t log_end_offset() const { return log_end_offset_; }
    [[nodiscard]] const std::vector<SegmentState>& segments() const { return segments_; }
    [[nodiscard]] const std::vector<EpochStart>& epochs() const { return epochs_; }
    [[nodiscard]] const ProducerStates& producers() const { return producers_; }
    [[nodiscard]] Damage damage() const { return damage_; }
    void set_damage(Damage damage) { damage_ = damage; }

    /// Whether a batch of `bytes` must go to a new segment.
    [[nodiscard]] bool needs_roll(uint64_t bytes, uint64_t segment_bytes) const;
    /// Entry `segment`: later batches belong to a segment that begins at `base_offset`.
    void begin_segment(int64_t base_offset, WallMs now);
    /// Entry `epoch`. An epoch that is not higher than the last is ignored.
    void begin_epoch(LeaderEpoch epoch, int64_t start_offset);
    /// The last piece of a batch of `total_bytes`, whose header carries its base offset.
    void append(const BatchHeader& batch, WallMs now);
    /// Entry `log_start`.
    void move_log_start(int64_t offset);
    /// Entry `truncate`: the log ends at `offset`, which stands at `position` of segment
    /// `segment_base`.
    void truncate(int64_t offset, int64_t segment_base, uint64_t position);
    /// Recovery lost what stood between the end of the log and `offset`.
    void skip_to(int64_t offset);
    /// Recovery found that bytes are lost: the segments are these, in order of base_offset. Offsets
    /// stay.
    void set_segments(std::vector<SegmentState> segments) { segments_ = std::move(segments); }

    /// Leader epoch of the batch at `offset`, -1 if it is before all that are known.
    [[nodiscard]] LeaderEpoch epoch_at(int64_t offset) const;
    /// The segment that holds `offset`, or the one behind it; nullptr at the end of the log.
    [[nodiscard]] const SegmentState* segment_of(int64_t offset) const;
    /// The segment behind the one that begins at `base_offset`; nullptr if that is the last.
    [[nodiscard]] const SegmentState* segment_behind(int64_t base_offset) const;

    size_t expire_producers(WallMs now, int64_t expiration_ms) {
        return producers_.expire(now, expiration_ms);
    }
    /// Everything but what the destager knows (destaged_bytes, destaging_base_offset).
    [[nodiscard]] PartitionState state(Sequence stamp) const;

private:
    PartitionNumber number_;
    TopicPartition id_;
    LeaderEpoch leader_epoch_{-1};
    int64_t log_start_offset_ = 0;
    int64_t log_end_offset_ = 0;
    Damage damage_ = Damage::none;
    std::vector<SegmentState> segments_;
    std::vector<EpochStart> epochs_;
    ProducerStates producers_;
};

}  // namespace ringlog::engine

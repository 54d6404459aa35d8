// What journal entries make of a partition. See engine/partition_log.h.
#include "engine/partition_log.h"

#include <algorithm>

#include "base/assert.h"
#include "base/mutant.h"

namespace ringlog::engine {

namespace {

/// Kafka's index holds offsets relative to the base of the segment in 32 bits.
constexpr int64_t kRelativeOffsetMax = INT32_MAX;

}  // namespace

PartitionLog::PartitionLog(const PartitionState& state)
    : number_(state.number),
      id_(state.id),
      leader_epoch_(state.leader_epoch),
      log_start_offset_(state.log_start_offset),
      log_end_offset_(state.log_end_offset),
      damage_(state.damage),
      segments_(state.segments),
      epochs_(state.epochs) {
    if (!mutant(Mutant::producers_forgotten)) {
        producers_.restore(state.producers);
    }
}

bool PartitionLog::needs_roll(uint64_t bytes, uint64_t segment_bytes) const {
    if (segments_.empty()) {
        return true;
    }
    const SegmentState& active = segments_.back();
    return active.bytes > 0 && (active.bytes + bytes > segment_bytes ||
                                log_end_offset_ - active.base_offset > kRelativeOffsetMax / 2);
}

void PartitionLog::begin_segment(int64_t base_offset, WallMs now) {
    if (!segments_.empty() && segments_.back().base_offset == base_offset) {
        return;
    }
    segments_.push_back({.base_offset = base_offset, .created_ms = now});
}

void PartitionLog::begin_epoch(LeaderEpoch epoch, int64_t start_offset) {
    if (epoch <= leader_epoch_) {
        return;
    }
    leader_epoch_ = epoch;
    // An epoch without a batch gives its place to the next one.
    while (!epochs_.empty() && epochs_.back().start_offset >= start_offset) {
        epochs_.pop_back();
    }
    epochs_.push_back({.epoch = epoch, .start_offset = start_offset});
}

void PartitionLog::append(const BatchHeader& batch, WallMs now) {
    RL_ASSERT(batch.base_offset == log_end_offset_, "{} != {}", batch.base_offset, log_end_offset_);
    RL_ASSERT(!segments_.empty());
    SegmentState& active = segments_.back();
    active.bytes += batch.total_bytes;
    active.max_timestamp = std::max(active.max_timestamp, batch.max_timestamp);
    log_end_offset_ = batch.last_offset() + 1;
    if (batch.has_producer()) {
        producers_.append(batch, batch.base_offset, now);
    }
}

void PartitionLog::move_log_start(int64_t offset) {
    log_start_offset_ = std::max(log_start_offset_, offset);
    log_end_offset_ = std::max(log_end_offset_, log_start_offset_);
    // A segment is gone when the one behind it begins at or below the log start.
    while (segments_.size() > 1 && segments_[1].base_offset <= log_start_offset_) {
        segments_.erase(segments_.begin());
    }
}

void PartitionLog::truncate(int64_t offset, int64_t segment_base, uint64_t position) {
    log_end_offset_ = offset;
    while (!segments_.empty() && segments_.back().base_offset > segment_base) {
        segments_.pop_back();
    }
    if (!segments_.empty()) {
        segments_.back().bytes = position;
    }
    while (!epochs_.empty() && epochs_.back().start_offset >= offset) {
        epochs_.pop_back();
    }
    producers_.truncate(offset);
}

void PartitionLog::skip_to(int64_t offset) {
    log_end_offset_ = offset;
}

LeaderEpoch PartitionLog::epoch_at(int64_t offset) const {
    const auto behind = std::ranges::upper_bound(epochs_, offset, {}, &EpochStart::start_offset);
    return behind == epochs_.begin() ? LeaderEpoch(-1) : std::prev(behind)->epoch;
}

const SegmentState* PartitionLog::segment_of(int64_t offset) const {
    if (segments_.empty() || offset >= log_end_offset_) {
        return nullptr;
    }
    const auto behind = std::ranges::upper_bound(segments_, offset, {}, &SegmentState::base_offset);
    return behind == segments_.begin() ? &segments_.front() : &*std::prev(behind);
}

const SegmentState* PartitionLog::segment_behind(int64_t base_offset) const {
    const auto behind =
        std::ranges::upper_bound(segments_, base_offset, {}, &SegmentState::base_offset);
    return behind == segments_.end() ? nullptr : &*behind;
}

PartitionState PartitionLog::state(Sequence stamp) const {
    return {.number = number_,
            .id = id_,
            .stamp = stamp,
            .leader_epoch = leader_epoch_,
            .log_start_offset = log_start_offset_,
            .log_end_offset = log_end_offset_,
            .damage = damage_,
            .segments = segments_,
            .epochs = epochs_,
            .producers = producers_.snapshot()};
}

}  // namespace ringlog::engine

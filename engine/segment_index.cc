// The sparse index in memory and its bytes. See engine/segment_index.h.
#include "engine/segment_index.h"

#include <algorithm>
#include <limits>

#include "base/assert.h"
#include "base/mutant.h"

namespace ringlog::engine {

namespace {

constexpr int64_t kInt32Max = std::numeric_limits<int32_t>::max();

/// Rows of .index, strictly rising in both columns.
bool decode_offsets(int64_t base_offset, ByteView bytes, std::vector<OffsetEntry>& to) {
    constexpr size_t kEntry = SegmentIndex::kOffsetEntryBytes;
    for (size_t at = 0; at + kEntry <= bytes.size(); at += kEntry) {
        const auto relative = load_be<int32_t>(&bytes[at]);
        const auto position = load_be<int32_t>(&bytes[at + 4]);
        const OffsetEntry entry{base_offset + relative, static_cast<uint64_t>(position)};
        if (relative < 0 || position < 0 ||
            (!to.empty() && (entry.last_offset <= to.back().last_offset ||
                             entry.position <= to.back().position))) {
            return false;
        }
        to.push_back(entry);
    }
    return true;
}

/// Rows of .timeindex, strictly rising in both columns.
bool decode_times(int64_t base_offset, ByteView bytes, std::vector<TimeEntry>& to) {
    constexpr size_t kEntry = SegmentIndex::kTimeEntryBytes;
    for (size_t at = 0; at + kEntry <= bytes.size(); at += kEntry) {
        const auto timestamp = load_be<int64_t>(&bytes[at]);
        const auto relative = load_be<int32_t>(&bytes[at + 8]);
        const TimeEntry entry{timestamp, base_offset + relative};
        if (relative < 0 || timestamp < 0 ||
            (!to.empty() && (entry.timestamp <= to.back().timestamp ||
                             entry.last_offset <= to.back().last_offset))) {
            return false;
        }
        to.push_back(entry);
    }
    return true;
}

}  // namespace

std::optional<SegmentIndex> SegmentIndex::decode(int64_t base_offset, uint32_t interval_bytes,
                                                 ByteView offsets, ByteView times,
                                                 uint64_t valid_bytes,
                                                 std::optional<WallMs> max_timestamp) {
    SegmentIndex index(base_offset, interval_bytes, 0);
    if (!decode_offsets(base_offset, offsets, index.offsets_)) {
        return std::nullopt;
    }
    if (!decode_times(base_offset, times, index.times_)) {
        index.times_.clear();
    }
    const WallMs reached = index.times_.empty() ? -1 : index.times_.back().timestamp;
    index.times_complete_ = max_timestamp && reached == *max_timestamp;
    std::erase_if(index.offsets_, [&](const OffsetEntry& e) { return e.position >= valid_bytes; });
    if (!index.offsets_.empty()) {
        index.last_position_ = index.offsets_.back().position;
        index.seen_position_ = index.last_position_;
    }
    // What is behind the last entry is of batches that are read again, or are not there any more.
    const int64_t last =
        index.offsets_.empty() ? base_offset - 1 : index.offsets_.back().last_offset;
    std::erase_if(index.times_, [last](const TimeEntry& e) { return e.last_offset > last; });
    if (!index.times_.empty()) {
        index.max_timestamp_ = index.times_.back().timestamp;
        index.max_offset_ = index.times_.back().last_offset;
    }
    return index;
}

bool SegmentIndex::fits(int64_t offset, uint64_t position) const {
    return offset - base_offset_ <= kInt32Max && position <= static_cast<uint64_t>(kInt32Max);
}

void SegmentIndex::add(const IndexedBatch& batch) {
    if (batch.max_timestamp > max_timestamp_) {
        max_timestamp_ = batch.max_timestamp;
        max_offset_ = batch.last_offset;
    }
    if (!first_offset_) {
        first_offset_ = batch.base_offset;
    }
    next_offset_ = batch.last_offset + 1;
    seen_position_ = batch.position;
    if (batch.position > last_position_ + interval_bytes_ &&
        fits(batch.last_offset, batch.position)) {
        const uint64_t wrong = mutant(Mutant::index_behind_batch) ? 1 : 0;
        offsets_.push_back({batch.last_offset, batch.position + wrong});
        last_position_ = batch.position;
        add_time();
    }
}

void SegmentIndex::add_time() {
    const WallMs last = times_.empty() ? -1 : times_.back().timestamp;
    if (max_timestamp_ > last && fits(max_offset_, 0)) {
        times_.push_back({max_timestamp_, max_offset_});
    }
}

void SegmentIndex::finish_times() {
    add_time();
}

bool SegmentIndex::truncate(uint64_t position) {
    if (!seen_position_ || position > *seen_position_) {
        return false;
    }
    std::erase_if(offsets_, [&](const OffsetEntry& e) { return e.position >= position; });
    last_position_ = offsets_.empty() ? std::min(begin_, position) : offsets_.back().position;
    begin_ = std::min(begin_, position);
    seen_position_.reset();
    if (!offsets_.empty()) {
        seen_position_ = last_position_;
    }
    const int64_t kept = offsets_.empty() ? base_offset_ - 1 : offsets_.back().last_offset;
    std::erase_if(times_, [&](const TimeEntry& e) { return e.last_offset > kept; });
    max_timestamp_ = times_.empty() ? -1 : times_.back().timestamp;
    max_offset_ = times_.empty() ? base_offset_ : times_.back().last_offset;
    next_offset_ = kept + 1;
    if (offsets_.empty()) {
        first_offset_.reset();
    }
    times_complete_ = position == 0;
    return true;
}

void SegmentIndex::remove(const OffsetEntry& entry) {
    std::erase(offsets_, entry);
    times_complete_ = false;
}

void SegmentIndex::prepend(SegmentIndex head) {
    RL_ASSERT(head.base_offset_ == base_offset_ && head.begin_ == 0);
    if (begin_ == 0) {
        return;
    }
    head.finish_times();
    std::erase_if(times_, [&](const TimeEntry& e) { return e.timestamp <= head.max_timestamp_; });
    if (max_timestamp_ <= head.max_timestamp_) {
        max_timestamp_ = head.max_timestamp_;
        max_offset_ = head.max_offset_;
    }
    offsets_.insert(offsets_.begin(), head.offsets_.begin(), head.offsets_.end());
    times_.insert(times_.begin(), head.times_.begin(), head.times_.end());
    // Batches may have been told while nothing was kept of them: behind the head, before this.
    const bool joined = !first_offset_ || *first_offset_ == head.next_offset_;
    times_complete_ = times_complete_ && head.times_complete_ && joined;
    if (!first_offset_) {
        next_offset_ = head.next_offset_;
        seen_position_ = head.seen_position_;
    }
    first_offset_ = head.first_offset_;
    begin_ = 0;
}

std::optional<OffsetEntry> SegmentIndex::floor(int64_t offset, uint64_t valid_bytes) const {
    auto at = std::ranges::upper_bound(offsets_, offset, {}, &OffsetEntry::last_offset);
    while (at != offsets_.begin()) {
        --at;
        if (at->position < valid_bytes) {
            return *at;
        }
    }
    return std::nullopt;
}

SegmentIndex::TimeRange SegmentIndex::find_timestamp(WallMs timestamp, uint64_t valid_bytes) const {
    TimeRange range;
    const auto at = std::ranges::lower_bound(times_, timestamp, {}, &TimeEntry::timestamp);
    if (at != times_.begin()) {
        range.below = *std::prev(at);
    }
    if (at != times_.end()) {
        range.reached = *at;
    }
    const int64_t before =
        range.reached ? range.reached->last_offset - 1 : std::numeric_limits<int64_t>::max();
    range.start = floor(before, valid_bytes);
    return range;
}

std::vector<std::byte> SegmentIndex::encode_offsets(size_t from) const {
    RL_ASSERT(from <= offsets_.size());
    std::vector<std::byte> bytes((offsets_.size() - from) * kOffsetEntryBytes);
    std::byte* at = bytes.data();
    for (size_t i = from; i < offsets_.size(); ++i, at += kOffsetEntryBytes) {
        store_be<int32_t>(at, static_cast<int32_t>(offsets_[i].last_offset - base_offset_));
        store_be<int32_t>(at + 4, static_cast<int32_t>(offsets_[i].position));
    }
    return bytes;
}

std::vector<std::byte> SegmentIndex::encode_times(size_t from) const {
    RL_ASSERT(from <= times_.size());
    std::vector<std::byte> bytes((times_.size() - from) * kTimeEntryBytes);
    std::byte* at = bytes.data();
    for (size_t i = from; i < times_.size(); ++i, at += kTimeEntryBytes) {
        store_be<int64_t>(at, times_[i].timestamp);
        store_be<int32_t>(at + 8, static_cast<int32_t>(times_[i].last_offset - base_offset_));
    }
    return bytes;
}

}  // namespace ringlog::engine

// The sparse index of one segment in memory, and the bytes of Kafka's .index and .timeindex. Pure.
// One core. Explained in docs/on_disk_format.md, "Sparse indexes".
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "base/bytes.h"
#include "base/clock.h"
#include "engine/segment_store.h"

namespace ringlog::engine {

/// Where a batch begins, by its last offset: a row of .index.
struct OffsetEntry {
    int64_t last_offset = 0;
    uint64_t position = 0;

    friend bool operator==(const OffsetEntry&, const OffsetEntry&) = default;
};

/// The largest timestamp up to some point, and the last offset of the first batch that has it: a
/// row of .timeindex.
struct TimeEntry {
    WallMs timestamp = -1;
    int64_t last_offset = 0;

    friend bool operator==(const TimeEntry&, const TimeEntry&) = default;
};

class SegmentIndex {
public:
    static constexpr size_t kOffsetEntryBytes = 8;
    static constexpr size_t kTimeEntryBytes = 12;

    /// Of a segment, from the batch at `begin` on (0: complete).
    SegmentIndex(int64_t base_offset, uint32_t interval_bytes, uint64_t begin)
        : base_offset_(base_offset),
          interval_bytes_(interval_bytes),
          begin_(begin),
          last_position_(begin),
          next_offset_(base_offset) {}

    /// What two files hold, of entries below `valid_bytes`; nothing if their structure does not
    /// hold. Whether the entries are true is not known then: see docs/on_disk_format.md. Times are
    /// complete if the last row has `max_timestamp`, the largest of the segment where it is known.
    static std::optional<SegmentIndex> decode(int64_t base_offset, uint32_t interval_bytes,
                                              ByteView offsets, ByteView times,
                                              uint64_t valid_bytes,
                                              std::optional<WallMs> max_timestamp);

    /// Takes the next batch: an entry is kept when interval_bytes lie behind the last one.
    void add(const IndexedBatch& batch);
    /// Forgets every entry at or beyond `position`; false if there was no batch. Times may miss
    /// something then.
    bool truncate(uint64_t position);
    /// Forgets one entry that turned out to be wrong.
    void remove(const OffsetEntry& entry);
    /// Whether no batch lies between what was added last (or the begin) and `batch`, as far as
    /// offsets tell.
    [[nodiscard]] bool is_next(const IndexedBatch& batch) const {
        return batch.base_offset == next_offset_;
    }
    /// Puts `head`, which ends at or before where this begins, in front. Times are not complete if
    /// batches are missing between.
    void prepend(SegmentIndex head);
    /// A last time entry, so that the file ends with the largest timestamp of the segment.
    void finish_times();

    /// The last entry at or before `offset` and below `valid_bytes`.
    [[nodiscard]] std::optional<OffsetEntry> floor(int64_t offset, uint64_t valid_bytes) const;
    /// What the times say about where `timestamp` is first reached.
    struct TimeRange {
        std::optional<TimeEntry> below;    ///< Everything up to it is below `timestamp`.
        std::optional<TimeEntry> reached;  ///< Its batch has reached `timestamp`.
        std::optional<OffsetEntry>
            start;  ///< The first batch that reaches it begins here or behind.
    };
    [[nodiscard]] TimeRange find_timestamp(WallMs timestamp, uint64_t valid_bytes) const;

    /// Rows of the files from the given entry on.
    [[nodiscard]] std::vector<std::byte> encode_offsets(size_t from) const;
    [[nodiscard]] std::vector<std::byte> encode_times(size_t from) const;

    [[nodiscard]] uint64_t begin() const { return begin_; }
    [[nodiscard]] uint64_t last_position() const { return last_position_; }
    [[nodiscard]] const std::vector<OffsetEntry>& offsets() const { return offsets_; }
    [[nodiscard]] const std::vector<TimeEntry>& times() const { return times_; }
    [[nodiscard]] bool times_complete() const { return times_complete_; }
    void set_times_complete(bool complete) { times_complete_ = complete; }

private:
    void add_time();
    [[nodiscard]] bool fits(int64_t offset, uint64_t position) const;

    int64_t base_offset_;
    uint32_t interval_bytes_;
    uint64_t begin_;
    uint64_t last_position_;                 ///< Of the last entry, or begin_.
    std::optional<uint64_t> seen_position_;  ///< Of the last batch that was added.
    std::optional<int64_t> first_offset_;    ///< Of the first batch that was added.
    int64_t next_offset_;                    ///< Behind the last batch that was added.
    WallMs max_timestamp_ = -1;
    int64_t max_offset_ = 0;
    bool times_complete_ = true;
    std::vector<OffsetEntry> offsets_;
    std::vector<TimeEntry> times_;
};

}  // namespace ringlog::engine

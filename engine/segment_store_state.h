// What the files of the segment store share: its partitions and segments in memory. Included by
// segment_*.cc alone.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>

#include "base/intrusive_list.h"
#include "engine/descriptor_cache.h"
#include "engine/segment_index.h"
#include "engine/segment_reader.h"
#include "engine/segment_store.h"
#include "io/event.h"

namespace ringlog::engine {

struct CachedPartition;

/// A segment that something is known of: an open file, or an index in memory.
struct CachedSegment : ListNode {
    CachedPartition* partition = nullptr;
    int64_t base_offset = 0;
    DescriptorCache::Slot reader;
    DescriptorCache::Slot writer;
    uint64_t allocated_bytes = 0;       ///< Size of the file while the writer is open.
    std::optional<SegmentIndex> index;  ///< In memory; in the list of hot indexes then.
    bool index_busy = false;            ///< Being loaded or written.
    uint64_t index_changes = 0;         ///< Counts truncations of the index and repairs.
    bool files_wrong = false;           ///< The index files turned out to be wrong: not read again.
    bool files_known = false;  ///< The index files begin with the persisted entries of `index`:
    size_t persisted_offsets = 0;
    size_t persisted_times = 0;
    uint64_t persisted_position = 0;               ///< Of the last of them.
    int64_t rows_end = SegmentStore::kNothingNew;  ///< Every row of the index files is below this
                                                   ///< offset; kNothingNew while that is unknown.
};

/// A partition that something is known of.
struct CachedPartition : std::enable_shared_from_this<CachedPartition> {
    std::string directory;
    uint64_t shown_bytes = 0;  ///< The largest segment that was sealed.
    uint32_t operations = 0;   ///< That refer to it.
    std::map<int64_t, std::unique_ptr<CachedSegment>> segments;
};

struct SegmentStore::State {
    State(io::Reactor& r, SegmentStoreOptions o)
        : reactor(r),
          options(std::move(o)),
          descriptors(r, options.open_files_max),
          read_budget(r, static_cast<int64_t>(options.read_budget_bytes)),
          changed(r) {}

    struct Key {
        Uuid topic_id;
        int32_t partition;
        friend bool operator==(const Key&, const Key&) = default;
    };
    struct KeyHash {
        size_t operator()(const Key& key) const noexcept {
            return std::hash<Uuid>{}(key.topic_id) * 31 + static_cast<size_t>(key.partition);
        }
    };
    using PartitionPtr = std::shared_ptr<CachedPartition>;

    /// Counts as an operation of a partition while it lives, so that it is not evicted.
    class Use {
    public:
        Use(State& state, PartitionPtr partition)
            : state_(state), partition_(std::move(partition)) {
            ++partition_->operations;
        }
        Use(const Use&) = delete;
        Use& operator=(const Use&) = delete;
        ~Use() {
            --partition_->operations;
            state_.changed.notify_all();
        }
        CachedPartition& operator*() const { return *partition_; }
        CachedPartition* operator->() const { return partition_.get(); }

    private:
        State& state_;
        PartitionPtr partition_;
    };

    PartitionPtr partition(const TopicPartition& id);
    static CachedSegment& segment(CachedPartition& partition, int64_t base_offset);
    [[nodiscard]] static std::string path(const CachedPartition& partition, int64_t base_offset,
                                          std::string_view suffix);

    // Files (segment_store.cc).
    io::Task<Result<DescriptorCache::Lease>> open_reader(CachedSegment& segment);
    /// Creates the file if it is missing, with room for `end` bytes.
    io::Task<Result<DescriptorCache::Lease>> open_writer(CachedSegment& segment, uint64_t end);
    io::Task<Result<void>> reserve(CachedSegment& segment, uint64_t end);
    /// How large a file shall be that must hold `end` bytes.
    [[nodiscard]] uint64_t tier(const CachedPartition& partition, uint64_t end) const;

    // Indexes (segment_store_index.cc).
    void add_to_index(CachedSegment& segment, const IndexedBatch& batch);
    /// What load_index is asked for.
    struct IndexWish {
        uint64_t valid_bytes = 0;
        bool times = false;                   ///< The times must be complete too.
        std::optional<WallMs> max_timestamp;  ///< Of the segment, where it is known: files that end
                                              ///< with it are complete.
    };
    /// Makes the index of the segment complete in memory, from its files or from the segment
    /// itself; damage in the segment ends it early. Errors: io_failed of the segment itself.
    io::Task<Result<void>> load_index(CachedSegment& segment, io::File& file, IndexWish wish);
    io::Task<Result<SegmentIndex>> build_index(CachedSegment& segment, io::File& file,
                                               IndexWish wish, uint64_t limit);
    /// Adds the batches from the last entry of `index` to `limit`. False if that entry is wrong.
    io::Task<Result<bool>> scan(io::File& file, int64_t base_offset, SegmentIndex& index,
                                uint64_t limit);
    /// Cuts the index files before the first row at or behind `new_from`, if there may be one.
    /// Errors: io_failed of a file that cannot even be removed.
    io::Task<Result<void>> cut_index_files(CachedSegment& segment, int64_t new_from);
    /// Writes what the index files lack. An index that cannot be written is rebuilt when it is
    /// needed.
    io::Task<void> persist_index(CachedSegment& segment);
    void drop_index(CachedSegment& segment);
    void touch_index(CachedSegment& segment);
    /// Writes out and drops indexes that are too many.
    io::Task<void> drop_cold_indexes();

    // Reads (segment_store_read.cc).
    /// Lets `reader` begin at the batch of the index that is nearest before `offset`. Errors:
    /// io_failed.
    io::Task<Result<void>> seek_offset(CachedSegment& segment, SegmentReader& reader,
                                       int64_t offset, uint64_t valid_bytes);
    io::Task<Result<bool>> holds(CachedSegment& segment, SegmentReader& reader, TimeEntry entry,
                                 uint64_t valid_bytes);
    io::Task<Result<std::optional<IndexedBatch>>> search_time(CachedSegment& segment,
                                                              SegmentReader& reader,
                                                              WallMs timestamp,
                                                              uint64_t valid_bytes);

    /// Waits until the partition has no operations, then forgets it; writes its indexes before, if
    /// told to.
    io::Task<void> forget(PartitionPtr partition, bool persist);

    io::Reactor& reactor;
    SegmentStoreOptions options;
    DescriptorCache descriptors;
    io::Semaphore read_budget;
    io::Event changed;  ///< An operation ended, or an index is not busy any more.
    std::unordered_map<Key, PartitionPtr, KeyHash> partitions;
    IntrusiveList<CachedSegment>
        hot;  ///< Segments with an index in memory; least recently used first.
    uint32_t hot_count = 0;
};

}  // namespace ringlog::engine

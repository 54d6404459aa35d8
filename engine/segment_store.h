// The segment files of the partitions of one core: written by the destager, read by cold fetches,
// looked up by offset and time. One core. Files: `<directory>/<topic>-<partition>/<20
// digits>.log|.index|.timeindex`, Kafka's formats. Explained in docs/on_disk_format.md.
#pragma once

#include <cstdint>
#include <limits>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/error.h"
#include "engine/types.h"
#include "io/file.h"
#include "io/reactor.h"
#include "io/task.h"

namespace ringlog::engine {

/// `<topic>-<partition>`, the name of a partition's directory.
std::string partition_directory_name(const TopicPartition& id);
/// `<topic>-<partition>.<topic id, 32 hex>-delete`, the topic shortened so that it fits 255 bytes,
/// as Kafka does.
std::string deleted_directory_name(const TopicPartition& id);
/// "00000000000000000042.log" for (42, ".log").
std::string segment_file_name(int64_t base_offset, std::string_view suffix);

struct SegmentStoreOptions {
    std::string directory;                 ///< log.dirs.
    uint32_t index_interval_bytes = 4096;  ///< `log.index.interval.bytes`.
    uint64_t preallocate_first_bytes =
        1 << 20;  ///< First tier of preallocation; further tiers follow what a partition needs.
    uint32_t open_files_max = 512;  ///< Bound of the descriptor cache.
    uint64_t preallocate_most_bytes =
        1 << 30;  ///< No file is preallocated beyond this: the largest `segment.bytes`.
    uint32_t hot_indexes_max =
        4096;  ///< Sparse indexes kept in memory; more are written out and dropped.
    uint64_t read_budget_bytes =
        32 << 20;  ///< Memory of cold reads in progress; more of them wait in line.
};

/// A batch's place, for the sparse index; as an answer, the batch that was found.
struct IndexedBatch {
    int64_t base_offset = 0;
    int64_t last_offset = 0;
    uint64_t position = 0;  ///< In the segment.
    WallMs max_timestamp = -1;
};

/// What a read of a segment found.
struct SegmentRead {
    std::vector<std::byte>
        bytes;  ///< Whole batches, CRC checked, the first one contains the offset asked for.
    uint64_t batches_bytes = 0;  ///< Bytes of `bytes` that are used.
};

/// Every call on the owning core. Reads and lookups overlap with anything but evict(),
/// rename_deleted() and close(), which wait for them; create_partition, write and seal of one
/// partition are called one after the other. `valid_bytes` of a call: how much of the segment's
/// file holds its bytes; never less than what was told to index() before.
class SegmentStore {
public:
    SegmentStore(io::Reactor& reactor, SegmentStoreOptions options);
    ~SegmentStore();

    /// Makes the partition's directory with its `partition.metadata`, both durable when it returns.
    /// A directory of that name which belongs to another topic id is renamed aside first, never
    /// opened. Idempotent.
    io::Task<Result<void>> create_partition(const TopicPartition& id);

    /// Writes `bytes` at `position` of segment `base_offset`: both multiples of kBlockBytes. The
    /// file is created (its name durable after the next sync of the directory, which this does) and
    /// preallocated as needed. Not flushed: a later syncfs covers it. `bytes` need not be aligned
    /// in memory, but is copied then. `new_from` is the offset of the first batch that was not in
    /// the segment before (kNothingNew if none): rows of the index files from there on are of
    /// batches that a crash lost or a truncation took, and are cut off first. Errors: io_failed,
    /// no_space.
    io::Task<Result<void>> write(const TopicPartition& id, int64_t base_offset, uint64_t position,
                                 ByteView bytes, int64_t new_from);
    static constexpr int64_t kNothingNew = std::numeric_limits<int64_t>::max();

    /// Tells the sparse index of batches that were appended, in order. One entry per
    /// index_interval_bytes is kept; entries go to the .index and .timeindex files when the segment
    /// is written, sealed or evicted. A batch at or before one that was told earlier replaces it
    /// and everything behind it.
    void index(const TopicPartition& id, int64_t base_offset, const IndexedBatch& batch);

    /// Cuts segment and index files to their exact length: at roll and clean stop. A sealed segment
    /// is a plain Kafka file. Durable after the next syncfs.
    io::Task<Result<void>> seal(const TopicPartition& id, const SegmentState& segment);

    /// Reads whole batches of one segment, from the one that contains `offset` (or the first behind
    /// it), at most `max_bytes` but at least one whole batch, not beyond `valid_bytes` of the file
    /// (what lies behind is not ours yet). CRC checked: corrupt_batch `at` its offset if damaged,
    /// but only when it is the first that would be returned: batches before damage are returned,
    /// and those behind it can be asked for. short_read if no such batch ends below valid_bytes.
    io::Task<Result<SegmentRead>> read(const TopicPartition& id, const SegmentState& segment,
                                       int64_t offset, uint32_t max_bytes, uint64_t valid_bytes);

    /// The first batch in the file part [0, valid_bytes) of the segment whose max timestamp is at
    /// least `timestamp`; not_found if none. (The exact record inside a batch is found by
    /// find_timestamp_in_batch.) The first lookup in an active segment after a start reads all of
    /// it. Errors: corrupt_batch, io_failed.
    io::Task<Result<IndexedBatch>> find_timestamp(const TopicPartition& id,
                                                  const SegmentState& segment, WallMs timestamp,
                                                  uint64_t valid_bytes);

    /// Reads one block of a segment file, zero-filled behind its end (the destager's partial tail
    /// block). Errors: not_found without the file, io_failed.
    io::Task<Result<void>> read_block(const TopicPartition& id, int64_t base_offset,
                                      uint64_t position, Bytes block);

    /// Closes what is cached of the partition; waits for its reads to end.
    io::Task<void> evict(const TopicPartition& id);
    /// evict(), then renames the directory to its -delete name and syncs the parent; removal of the
    /// renamed directory goes on in the background (remove_deleted). Idempotent: a directory that
    /// is gone is success.
    io::Task<Result<void>> rename_deleted(const TopicPartition& id);
    /// Removes every `*-delete` directory under the data directory, a file at a time.
    io::Task<Result<void>> remove_deleted();

    /// Writes all indexes and closes all files.
    io::Task<void> close();

private:
    struct State;
    std::unique_ptr<State> state_;
};

/// The offset and timestamp of the first record in `batch` (whole, CRC right) whose timestamp is at
/// least `timestamp`.
/// {-1, -1} if its header says that there is none. Compressed batches, batches with append time and
/// records that break their format are answered with the base offset and max timestamp of the
/// batch.
struct TimestampOffset {
    int64_t offset = -1;
    WallMs timestamp = -1;
};
TimestampOffset find_timestamp_in_batch(ByteView batch, WallMs timestamp);

}  // namespace ringlog::engine

// One core's part of the log: a journal, its window, the partitions that commit through it, and
// what works behind them (destager, checkpoints, disk space). This is what embedders and the broker
// use. Every call on the owning core. Explained in docs/architecture.md and docs/data_path.md.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "base/error.h"
#include "engine/checkpoint.h"
#include "engine/destager.h"
#include "engine/directory_sync.h"
#include "engine/journal.h"
#include "engine/journal_scan.h"
#include "engine/partition.h"
#include "engine/recovery.h"
#include "engine/replay.h"
#include "engine/segment_store.h"
#include "engine/window.h"
#include "io/reactor.h"
#include "io/task.h"

namespace ringlog::engine {

struct ShardOptions {
    std::string directory;  ///< log.dirs.
    JournalId journal;
    uint16_t placement = 0;   ///< Position of the journal in the manifest, and how many there are:
    uint16_t placements = 1;  ///< partition numbers are unique over all journals of a directory.
    Durability durability = Durability::power;
    uint64_t journal_bytes = 256 << 20;  ///< `ringlog.journal.bytes`.
    uint64_t journal_file_bytes = 8 << 20;
    uint32_t frame_bytes_max = 256 << 10;
    uint32_t write_bytes_max = 1 << 20;
    int64_t flush_interval_ns = 100 * kMillisecondNs;
    WindowOptions window;
    uint64_t segment_preallocate_bytes = 1 << 20;
    uint32_t index_interval_bytes = 4096;
    uint64_t reserve_bytes =
        64 << 20;  ///< Free space below this (and what is not destaged) refuses appends.
    bool accept_loss =
        false;  ///< `ringlog log accept`: damage found in the journal does not refuse the start.
    std::shared_ptr<DirectorySync> directory_sync;  ///< Of all shards that share the directory; its
                                                    ///< own if there is none.
};

/// A partition to open.
struct OpenPartition {
    TopicPartition id;
    PartitionConfig config;
    LeaderEpoch leader_epoch{0};  ///< Begun here if it is higher than what the partition knows.
};

struct ShardCounters {
    uint64_t checkpoints = 0;
    uint64_t recovered_frames = 0;
    uint64_t recovered_bytes = 0;
    uint64_t damaged_partitions = 0;
    int64_t recovery_ns = 0;
};

class Shard final : private WindowObserver, private JournalObserver {
public:
    /// Makes a new journal whose first checkpoint holds `states` (of a former layout; empty for a
    /// new directory), which get new numbers. Durable when it returns: the manifest may name it
    /// then.
    static io::Task<Result<std::unique_ptr<Shard>>> create(io::Reactor& reactor,
                                                           ShardOptions options,
                                                           std::vector<PartitionState> states);
    /// Recovers a journal and begins its next life. Errors: corrupt_file (the log says which case
    /// refused), io_failed.
    static io::Task<Result<std::unique_ptr<Shard>>> recover(io::Reactor& reactor,
                                                            ShardOptions options);
    ~Shard() override;

    /// The partition, opened: what recovery found of it, or a new and empty one. Of several calls
    /// for one id, the first makes it and the others wait for that. Errors: io_failed, closed.
    io::Task<Result<Partition*>> open_partition(OpenPartition request);
    /// nullptr if it was not opened.
    [[nodiscard]] Partition* find(const Uuid& topic_id, int32_t partition);
    /// Deletes for good: flushed in the journal, then its directory is renamed; its files are
    /// removed in the background. Waits for everything that uses it. Idempotent. Errors: io_failed;
    /// closed (the shard ends: what is not done is for the next life).
    io::Task<Result<void>> remove_partition(TopicPartition id);

    /// Writes everything through the last complete frame into segments, syncs them, writes a
    /// checkpoint, frees the journal behind the one before.
    io::Task<Result<void>> checkpoint();
    /// Ends the operator's read-only state of damaged partitions and makes it durable.
    io::Task<Result<uint64_t>> accept_damage();
    /// With `clean`: a last checkpoint, segments cut to their length. Then closes everything.
    /// Waits for what opens and removes partitions; what comes later of these is refused.
    io::Task<Result<void>> close(bool clean);

    /// Every partition that recovery or open_partition() made known.
    [[nodiscard]] std::vector<Partition*> partitions();
    [[nodiscard]] std::vector<PartitionState> states();

    [[nodiscard]] const Journal& journal() const { return *journal_; }
    [[nodiscard]] const Window& window() const { return window_; }
    [[nodiscard]] const Destager& destager() const { return destager_; }
    [[nodiscard]] SegmentStore& segments() { return segments_; }
    [[nodiscard]] const ShardCounters& counters() const { return counters_; }
    [[nodiscard]] const DiskSpace& space() const { return space_; }
    [[nodiscard]] const std::vector<RecoveryFinding>& findings() const { return findings_; }
    [[nodiscard]] io::Reactor& reactor() { return reactor_; }

private:
    Shard(io::Reactor& reactor, ShardOptions options);

    struct Key {
        Uuid topic_id;
        int32_t partition;
        friend bool operator==(const Key&, const Key&) = default;
    };
    static Key key_of(const TopicPartition& id) { return {id.topic_id, id.partition}; }
    struct KeyHash {
        size_t operator()(const Key& key) const {
            return std::hash<Uuid>{}(key.topic_id) ^
                   static_cast<size_t>(key.partition) * 0x9e3779b9;
        }
    };

    /// A change of the list of partitions that is under way: close() waits for it.
    class Change {
    public:
        explicit Change(Shard& shard) : shard_(shard) { ++shard_.changes_; }
        Change(const Change&) = delete;
        Change& operator=(const Change&) = delete;
        ~Change() {
            --shard_.changes_;
            shard_.changed_.notify_all();
        }

    private:
        Shard& shard_;
    };

    [[nodiscard]] JournalOptions journal_options() const;
    [[nodiscard]] std::string journal_directory() const;
    [[nodiscard]] PartitionParts partition_parts();
    void start_tasks();
    io::Task<void> checkpoint_loop();
    io::Task<void> space_loop();
    io::Task<void> expiry_loop();
    io::Task<void> cut_active_segments();
    [[nodiscard]] Sequence stop_point() const;
    io::Task<Result<void>> write_checkpoint();
    io::Task<std::vector<PartitionState>> snapshot_states(Sequence& last_stamp);
    io::Task<Result<void>> recover_journal();
    io::Task<Result<Checkpoint>> read_checkpoint(Generation& oldest);
    io::Task<Result<std::vector<ScannedFile>>> scan_files(Generation from);
    Result<ReplayOutcome> replay_plan(const Checkpoint& checkpoint, const RecoveryPlan& plan);
    io::Task<Result<void>> adopt(ReplayOutcome& outcome, std::vector<ScannedFile>& files);
    io::Task<void> cut_at_whole_batch(Partition& partition);
    void report(const std::vector<RecoveryFinding>& findings) const;
    [[nodiscard]] PartitionNumber take_number();
    Partition& add(PartitionLog log, const PartitionConfig& config);
    io::Task<Result<Partition*>> open_new(OpenPartition request);
    io::Task<Result<void>> remove_known(Partition& partition);
    io::Task<Result<void>> announce(const OpenPartition& request, PartitionNumber number);
    io::Task<Result<Sequence>> append_control(FrameEntry entry, std::span<const ByteView> parts);

    void on_chunk_recycled(const Chunk& chunk) override;
    void on_frame_completed(std::span<const FrameNote> notes) override;
    void on_journal_failed(const Error& error) override;

    io::Reactor& reactor_;
    ShardOptions options_;
    Window window_;
    SegmentStore segments_;
    std::unique_ptr<Journal> journal_;
    IntrusiveList<Partition> dirty_line_;
    DiskSpace space_;
    Destager destager_;
    CheckpointSlots slots_;
    uint64_t checkpoint_number_ = 0;
    Sequence replay_after_{0};         ///< Of the newest checkpoint,
    Generation replay_generation_{0};  ///< The file where it begins,
    Generation previous_replay_generation_{
        0};  ///< and of the one before: files before that are free.
    PartitionNumber next_number_{0};
    std::unordered_map<Key, std::unique_ptr<Partition>, KeyHash> partitions_;
    std::unordered_map<PartitionNumber, Partition*> by_number_;
    std::unordered_set<Key, KeyHash> opening_;  ///< Whose `open` is on its way to the journal.
    uint32_t changes_ = 0;
    io::Event changed_;
    std::vector<RecoveryFinding> findings_;
    bool closing_ = false;
    io::Semaphore checkpoint_turn_;
    io::Event checkpoint_work_;
    io::Event closing_event_;
    io::TaskGroup tasks_;
    ShardCounters counters_;
};

}  // namespace ringlog::engine

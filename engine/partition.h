// One partition of one core: takes batches, gives them back, knows what is durable. Appends are
// admitted first come, first served. Every call on the owning core. Explained in docs/data_path.md.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "base/error.h"
#include "base/intrusive_list.h"
#include "engine/journal.h"
#include "engine/partition_log.h"
#include "engine/piece_queue.h"
#include "engine/segment_store.h"
#include "engine/window.h"
#include "io/event.h"
#include "io/reactor.h"
#include "io/task.h"

namespace ringlog::engine {

/// What of a topic's configuration the engine obeys.
struct PartitionConfig {
    uint64_t segment_bytes = 1 << 30;             ///< `segment.bytes`.
    uint32_t max_message_bytes = 1'048'588;       ///< `max.message.bytes`.
    bool log_append_time = false;                 ///< `message.timestamp.type=LogAppendTime`.
    int64_t producer_expiration_ms = 86'400'000;  ///< `producer.id.expiration.ms`.
};

/// What became of a batch.
struct AppendResult {
    int64_t base_offset = 0;
    int64_t end_offset = 0;  ///< One behind its last record: wait until the high watermark is here.
    Sequence sequence{0};    ///< The frame that holds its last byte; 0 for a duplicate.
    WallMs log_append_time = -1;  ///< -1 with CreateTime.
    bool duplicate = false;       ///< It was appended before: the offsets are the original's.
};

struct AppendOptions {
    bool zstd_allowed = true;
    bool validated = false;  ///< The caller ran validate_client_batch() on these bytes.
};

/// What a read gave: slices of the window, or bytes of its own, never both.
struct ReadData {
    std::vector<Slice> slices;
    std::vector<std::byte> owned;
    uint64_t bytes = 0;
    bool from_window = true;

    /// All of it in one piece.
    [[nodiscard]] std::vector<std::byte> to_bytes() const;
};

/// Told when the high watermark of a partition moves, or when the partition goes away. Unlinks
/// itself when done.
class HighWatermarkListener : public ListNode {
public:
    virtual ~HighWatermarkListener() = default;
    virtual void on_high_watermark() = 0;
};

class Partition;

/// Whether the disk has room for appends. Kept by the shard.
struct DiskSpace {
    bool full = false;
    uint64_t free_bytes = UINT64_MAX;
};

/// What a partition needs of its shard.
struct PartitionParts {
    io::Reactor& reactor;
    Journal& journal;
    Window& window;
    SegmentStore& segments;
    IntrusiveList<Partition>&
        dirty_line;  ///< Partitions with bytes for the destager, oldest first.
    const DiskSpace& space;
};

class Partition final : public ListNode, private PieceSink {
public:
    Partition(const PartitionParts& parts, PartitionLog log, const PartitionConfig& config);
    ~Partition() override;

    [[nodiscard]] const TopicPartition& id() const { return log_.id(); }
    [[nodiscard]] PartitionNumber number() const { return log_.number(); }
    [[nodiscard]] const PartitionLog& log() const { return log_; }
    [[nodiscard]] const PartitionConfig& config() const { return config_; }
    void set_config(const PartitionConfig& config) { config_ = config; }

    [[nodiscard]] int64_t log_start_offset() const { return log_.log_start_offset(); }
    [[nodiscard]] int64_t log_end_offset() const { return log_.log_end_offset(); }
    [[nodiscard]] int64_t high_watermark() const { return high_watermark_; }
    [[nodiscard]] LeaderEpoch leader_epoch() const { return log_.leader_epoch(); }
    /// Why appends are refused, if they are: damage, a closed journal, deletion.
    [[nodiscard]] std::optional<Error> refuses_appends() const;

    /// Begins `epoch` at the log end: this broker leads from here on. Errors: io_failed.
    io::Task<Result<void>> begin_epoch(LeaderEpoch epoch);

    /// Appends one batch of a client. `batch` is changed in place (offset, epoch, append time) and
    /// stays until this returns, which is when its bytes are readable in the window; durability is
    /// waited for by wait_high_watermark (acks=all) or wait_durable (acks=1). Errors: those of
    /// validate_client_batch and ProducerStates::check, read_only, io_failed, unknown_partition
    /// (deleted meanwhile).
    io::Task<Result<AppendResult>> append(Bytes batch, AppendOptions options);
    /// Waits until the leader's own copy of everything below `result.end_offset` is durable.
    io::Task<Result<void>> wait_durable(AppendResult result);
    /// Waits until the high watermark is at least `end_offset`. Errors: io_failed,
    /// unknown_partition.
    io::Task<Result<void>> wait_high_watermark(int64_t end_offset);

    /// Whole batches from the one that holds `offset` on, below `limit_offset`, at most `max_bytes`
    /// but at least one batch. Empty at `limit_offset`. Errors: offset_out_of_range, corrupt_batch,
    /// io_failed.
    io::Task<Result<ReadData>> read(int64_t offset, uint32_t max_bytes, int64_t limit_offset);
    /// Bytes that a read from `offset` could give now, without reading; stops counting at `enough`.
    [[nodiscard]] uint64_t available_bytes(int64_t offset, uint64_t enough) const;
    /// The first record with a timestamp of at least `timestamp`, below the high watermark; offset
    /// -1 if there is none.
    io::Task<Result<TimestampOffset>> find_timestamp(WallMs timestamp);
    /// The record with the largest timestamp below the high watermark (ListOffsets -3); offset -1
    /// if there is none.
    io::Task<Result<TimestampOffset>> find_max_timestamp();

    void add_listener(HighWatermarkListener& listener) { listeners_.push_back(listener); }

    /// Keeps a deleted partition alive while someone works on it.
    class Hold {
    public:
        explicit Hold(Partition& partition) : partition_(partition) { ++partition_.users_; }
        Hold(const Hold&) = delete;
        Hold& operator=(const Hold&) = delete;
        ~Hold();

    private:
        Partition& partition_;
    };

    // --- What the shard, the destager and the checkpointer use ---

    /// A frame that holds everything below `end_offset` is complete.
    void on_durable(int64_t end_offset);
    /// Wakes everyone who waits: their conditions no longer hold (journal failed, deleted).
    void wake_all();
    void mark_deleted();
    [[nodiscard]] bool deleted() const { return deleted_; }
    void accept_damage() { log_.set_damage(Damage::none); }
    void set_damage(Damage damage) { log_.set_damage(damage); }
    /// Nothing of it runs any more (appends, reads, waits): it may be destroyed.
    io::Task<void> quiesced();

    PieceQueue& pieces() { return pieces_; }
    [[nodiscard]] const PieceQueue& pieces() const { return pieces_; }
    void forget_chunk(uint64_t serial) { pieces_.forget_through(serial); }
    /// Takes a piece that recovery found.
    void restore_piece(const Piece& piece) { pieces_.push(piece); }
    /// Recovery: of the segment that `destaged` names, the batches up to `bytes` are whole, and
    /// what stands behind is the beginning of one that is lost; `max_timestamp` is that of what is
    /// left of the segment. Before restore_piece().
    void cut_destaged(uint64_t bytes, WallMs max_timestamp);
    /// Everything that recovery found is durable.
    void restored();
    size_t expire_producers(WallMs now);

    /// Where the destager stands; see PartitionState.
    struct DestageProgress {
        int64_t segment_base = 0;
        uint64_t bytes = 0;
    };
    DestageProgress destaged;  ///< Written to segments.
    DestageProgress syncing;   ///< What a sync that runs will cover.
    DestageProgress synced;    ///< Covered by the last sync of the file system.
    std::vector<std::byte>
        tail;  ///< Recovery: bytes of the block that destaged.bytes ends in, until rewritten.
    bool directory_ready = false;  ///< Its directory was made or checked in this life.
    bool destaging = false;        ///< The destager works on it.

private:
    struct OffsetWait : ListNode {
        int64_t end_offset;
        std::coroutine_handle<> handle;
        Partition& partition;

        OffsetWait(Partition& p, int64_t end) : end_offset(end), partition(p) {}
        [[nodiscard]] bool await_ready() const {
            return partition.high_watermark_ >= end_offset || partition.gone();
        }
        void await_suspend(std::coroutine_handle<> awaiting);
        void await_resume() const noexcept {}
    };
    class Admission;

    void on_piece(const FrameEntry& entry, const Appended& appended) override;
    io::Task<Result<Appended>> journal_append(FrameEntry entry, ByteView bytes,
                                              std::optional<FrameNote> note);
    io::Task<Result<AppendResult>> append_admitted(Bytes batch, BatchHeader header);
    io::Task<Result<void>> roll_if_needed(uint64_t batch_bytes);
    [[nodiscard]] bool gone() const;
    [[nodiscard]] FrameEntry entry_of(EntryKind kind) const;
    void add_piece(const FrameEntry& entry, const Appended& appended);
    [[nodiscard]] ReadData read_window(size_t first, uint32_t max_bytes,
                                       int64_t limit_offset) const;
    io::Task<Result<ReadData>> read_segment(int64_t offset, uint32_t max_bytes,
                                            int64_t limit_offset);
    [[nodiscard]] uint64_t valid_bytes(const SegmentState& segment) const;

    io::Reactor& reactor_;
    Journal& journal_;
    Window& window_;
    SegmentStore& segments_;
    PartitionLog log_;
    PartitionConfig config_;
    PieceQueue pieces_;
    std::optional<BatchHeader> large_;  ///< The large batch whose pieces are being placed.
    int64_t durable_end_ = 0;
    int64_t high_watermark_ = 0;
    bool deleted_ = false;
    uint32_t users_ = 0;
    IntrusiveList<Partition>& dirty_line_;
    const DiskSpace& space_;
    io::Semaphore turn_;  ///< One append at a time, in order of arrival.
    io::Event idle_;
    IntrusiveList<OffsetWait> waits_;
    IntrusiveList<HighWatermarkListener> listeners_;
};

}  // namespace ringlog::engine

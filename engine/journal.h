// One core's commit log: a list of pre-written files that every partition of the core commits
// through. Core: every call on the owning core. Order: frames become durable in sequence order.
// Explained in docs/journal.md.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "base/error.h"
#include "base/histogram.h"
#include "base/intrusive_list.h"
#include "engine/frame.h"
#include "engine/journal_files.h"
#include "engine/types.h"
#include "engine/window.h"
#include "io/event.h"
#include "io/reactor.h"
#include "io/task.h"

namespace ringlog::engine {

/// What an acked record survives (`ringlog.durability`).
enum class Durability : uint8_t {
    power,  ///< Power loss: every frame is on stable media before it counts.
    crash,  ///< A killed process or kernel: the same write without the flush; a timer flushes.
};

struct JournalOptions {
    JournalId id;
    Durability durability = Durability::power;
    JournalFilesOptions files;
    uint32_t frame_bytes_max = 256 << 10;
    uint32_t write_bytes_max =
        1 << 20;  ///< Frames that wait and lie side by side leave in one write up to this.
    int64_t idle_frame_ns =
        50 * kMillisecondNs;  ///< When an empty frame records what became durable.
    int64_t flush_interval_ns = 100 * kMillisecondNs;  ///< `ringlog.flush.ms`, at `crash`.
};

/// Where appended bytes went.
struct Appended {
    Sequence sequence;
    Chunk* chunk = nullptr;
    Bytes bytes;  ///< The copy in the window; may be changed until the frame is sealed, that is,
                  ///< before the next wait.
};

/// What a completed frame meant to one partition.
struct FrameNote {
    PartitionNumber partition;
    int64_t end_offset = 0;  ///< Everything below is in completed frames now.
};

/// Who is told of what happens to frames. Called on the journal's core.
class JournalObserver {
public:
    virtual ~JournalObserver() = default;
    /// The frame of `notes` completed at the journal's durability; in sequence order.
    virtual void on_frame_completed(std::span<const FrameNote> notes) = 0;
    /// The journal is closed for writing: nothing that had not completed ever will.
    virtual void on_journal_failed(const Error& error) = 0;
};

/// Takes the pieces of a large append as they are placed into frames.
class PieceSink {
public:
    virtual ~PieceSink() = default;
    virtual void on_piece(const FrameEntry& entry, const Appended& appended) = 0;
};

struct JournalCounters {
    uint64_t frames = 0;
    uint64_t frame_bytes = 0;
    uint64_t payload_bytes = 0;
    uint64_t entries = 0;
    uint64_t writes = 0;
    uint64_t flushes = 0;
    uint64_t idle_frames = 0;
    uint64_t waits_for_space = 0;
    uint64_t waits_for_files = 0;
    Histogram write_ns;  ///< From submission to completion of a journal write.
};

/// Pieces of a large batch are not smaller than this unless they are the last: a header must fit
/// into the first.
constexpr uint32_t kPieceBytesMin = 4096;
/// The largest batch whose pieces an entry can number, all of them the smallest.
constexpr uint64_t kNumberedBytesMax =
    uint64_t{kPieceBytesMin} * (std::numeric_limits<decltype(FrameEntry::piece)>::max() + 1);

class Journal {
public:
    Journal(io::Reactor& reactor, JournalOptions options, Window& window,
            JournalObserver& observer);
    Journal(const Journal&) = delete;
    Journal& operator=(const Journal&) = delete;
    ~Journal();

    /// A new journal: makes its files, begins its first life with a fence frame, flushed when this
    /// returns.
    io::Task<Result<void>> create();
    /// Continues behind what recovery accepted: the next frame is a fence with a fresh salt at
    /// `end` of file `generation`.
    struct Resume {
        Generation oldest;  ///< The first file that a checkpoint slot may still need.
        Generation generation;
        uint64_t end = 0;
        Sequence last{0};
        uint64_t last_hash = 0;  ///< header_hash of the last accepted frame.
        uint64_t life = 0;       ///< The highest life that was met.
    };
    io::Task<Result<void>> resume(Resume from);
    /// close() will come, behind work that waits for frames: from here on a frame that finds no
    /// file waits for it a second or two, then the journal is closed for writing.
    void expect_end() { ending_ = true; }
    /// Completes what was appended, flushes, ends the background tasks, closes the files.
    io::Task<void> close();

    /// Joins an entry with `parts` as its bytes to the frame being built; they are readable in the
    /// window at once. Batches leave a quarter of the journal, and a little of the window, to the
    /// entries that make room (`tail`, ...). Errors: no_space (wait for room(), in line), io_failed
    /// (the journal is closed for writing; nothing was added). The bytes must fit
    /// small_bytes_max(); larger ones go through append_large().
    Result<Appended> append(FrameEntry entry, std::span<const ByteView> parts,
                            std::optional<FrameNote> note);
    /// Notified when an append that found no_space may be tried again.
    io::Event& room() { return window_.space(); }
    /// The largest entry that append() takes.
    [[nodiscard]] uint32_t small_bytes_max() const { return options_.frame_bytes_max / 4; }

    /// Splits `bytes` (a batch) over frames, in turn with other large appends, so that small ones
    /// are not held up. `bytes` must stay until it returns. The sequence is that of the last piece;
    /// `note` goes with it. Errors: message_too_large (over large_bytes_max()), io_failed, closed
    /// (pieces that were placed are dropped by recovery). The largest batch that window and journal
    /// can hold, at most kNumberedBytesMax.
    [[nodiscard]] uint64_t large_bytes_max() const;
    io::Task<Result<Sequence>> append_large(FrameEntry entry, ByteView bytes, PieceSink& sink,
                                            FrameNote note);

    /// Waits until the frame is complete at the journal's durability. Errors: io_failed.
    auto durable(Sequence sequence) { return SequenceWait(*this, sequence, completed_, waiters_); }
    /// Waits until a flush has covered the frame; at `crash`, asks for one. Errors: io_failed.
    auto flushed(Sequence sequence) {
        if (sequence > flushed_ && options_.durability == Durability::crash) {
            request_flush();
        }
        return SequenceWait(*this, sequence, flushed_, flush_waiters_);
    }

    /// Ends the frame that is being built, so that what comes later has a higher sequence; the last
    /// that has ended.
    Sequence cut();
    /// The frame that is being built, or that the next append begins.
    [[nodiscard]] Sequence next_sequence() const { return building_sequence_; }
    [[nodiscard]] Sequence completed() const { return completed_; }
    [[nodiscard]] Sequence flushed_through() const { return flushed_; }
    /// The file that the next frame goes to.
    [[nodiscard]] Generation active_generation() { return files_.active().generation; }
    /// The oldest file that holds frame `sequence` or a later one.
    [[nodiscard]] Generation generation_behind(Sequence sequence) const;
    /// Files before `generation` are not needed any more.
    void free_before(Generation generation) {
        files_.free_before(generation);
        window_.space().notify_all();
    }
    [[nodiscard]] uint64_t live_bytes() const { return files_.live_bytes(); }
    [[nodiscard]] uint64_t bytes_max() const { return files_.bytes_max(); }
    /// A checkpoint should be taken for room: a file other than the active one is live, and a frame
    /// waits for a file or more than a quarter of the journal is live. (The active file is never
    /// freed, however much of the journal it is.)
    [[nodiscard]] bool wants_checkpoint() const {
        const bool full = live_bytes() > bytes_max() / 4;
        return files_.live().size() > 1 && (waiting_for_file_ || full);
    }
    [[nodiscard]] const std::optional<Error>& failure() const { return failure_; }
    /// Closes the journal for writing: what has not completed fails, nothing more is accepted.
    void fail_with(const Error& error);
    [[nodiscard]] JournalId id() const { return options_.id; }
    [[nodiscard]] const JournalOptions& options() const { return options_; }
    [[nodiscard]] const JournalCounters& counters() const { return counters_; }

private:
    struct SequenceWait : ListNode {
        Journal& journal;
        Sequence sequence;
        const Sequence& reached;
        IntrusiveList<SequenceWait>& line;
        std::coroutine_handle<> handle;

        SequenceWait(Journal& j, Sequence s, const Sequence& r, IntrusiveList<SequenceWait>& l)
            : journal(j), sequence(s), reached(r), line(l) {}
        bool await_ready() const { return reached >= sequence || journal.failure_.has_value(); }
        void await_suspend(std::coroutine_handle<> awaiting);
        Result<void> await_resume() const;
    };
    /// A frame in memory, being built or sealed.
    struct Frame {
        Chunk* chunk = nullptr;
        uint32_t offset = 0;    ///< In the chunk.
        uint32_t capacity = 0;  ///< Bytes reserved for it while it is built.
        uint32_t payload_bytes = 0;
        uint32_t frame_bytes = 0;  ///< Set when sealed.
        uint16_t flags = 0;
        Sequence sequence;
        std::vector<FrameEntry> entries;
        std::vector<FrameNote> notes;
    };
    struct LargeAppend;

    io::Task<Result<void>> begin_life();
    [[nodiscard]] bool begin_frame(bool reserve);
    /// Whether window and journal have room for one more batch.
    [[nodiscard]] bool room_for_batch();
    /// The next large batch that a piece may be placed of. One that has begun always finds room,
    /// beyond the limits if need be, for until it ends nothing behind it can be freed:
    /// large_budget_ bounds how much that is.
    [[nodiscard]] LargeAppend* next_large();
    void drop_large(const Error& error);
    [[nodiscard]] bool fits(uint64_t bytes, bool large) const;
    Appended place(const FrameEntry& entry, std::span<const ByteView> parts);
    void place_large_pieces();
    void seal_building();
    void seal_for_write();
    [[nodiscard]] size_t take_run(uint64_t room) const;
    io::Task<void> write_loop();
    io::Task<bool> wait_for_work();
    io::Task<bool> write_run();
    io::Task<Result<void>> write_all(JournalFile& file, ByteView bytes, int16_t buffer_index);
    void complete_run(size_t frame_count);
    io::Task<void> flush_loop();
    io::Task<Result<void>> flush_files(Sequence through);
    void request_flush();
    void advance_flushed(Sequence through);
    void wake(IntrusiveList<SequenceWait>& line, Sequence reached);

    io::Reactor& reactor_;
    JournalOptions options_;
    Window& window_;
    JournalObserver& observer_;
    JournalFiles files_;
    uint64_t salt_ = 0;
    uint64_t life_ = 1;
    uint64_t chain_ = 0;
    Sequence building_sequence_{1};
    Sequence completed_{0};
    Sequence flushed_{0};
    Sequence recorded_durable_{0};   ///< The durable_through of the last frame written.
    Sequence last_with_entries_{0};  ///< The last frame that had any.
    uint64_t unwritten_bytes_ = 0;   ///< Of frames that are sealed and not written.
    std::optional<Frame> building_;
    std::deque<Frame> sealed_;
    std::vector<Frame> recycled_frames_;  ///< Emptied, for their vectors.
    IntrusiveList<LargeAppend> large_;
    io::Semaphore large_budget_;  ///< Bytes of large batches that have begun and not ended.
    IntrusiveList<SequenceWait> waiters_;
    IntrusiveList<SequenceWait> flush_waiters_;
    std::optional<Error> failure_;
    bool ending_ = false;   ///< The owner is at its end: a full disk is not waited for.
    bool closing_ = false;  ///< Nothing more is taken.
    bool started_ = false;
    bool flush_requested_ = false;
    bool waiting_for_file_ = false;
    MonotonicNs last_completion_ = 0;
    io::Event work_;
    io::Event flush_work_;
    io::TaskGroup tasks_;
    JournalCounters counters_;
};

}  // namespace ringlog::engine

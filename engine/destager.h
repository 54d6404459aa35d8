// Copies durable bytes from the window into their segments, in large aligned writes, off the ack
// path: oldest first, and only as much as the window and the journal need to have room. One core.
// Explained in docs/journal.md, "Destaging".
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/intrusive_list.h"
#include "engine/aligned_bytes.h"
#include "engine/partition.h"

namespace ringlog::engine {

struct DestagerCounters {
    uint64_t writes = 0;
    uint64_t bytes = 0;
    uint64_t tails = 0;           ///< Tail blocks journaled before they were rewritten.
    uint64_t rescued_bytes = 0;   ///< Bytes in rescue files, of segments that could not be written.
    uint64_t waits_for_disk = 0;  ///< Times that a full disk was waited for.
};

class Destager {
public:
    struct Parts {
        io::Reactor& reactor;
        Journal& journal;
        Window& window;
        SegmentStore& segments;
        IntrusiveList<Partition>& dirty_line;
        std::string directory;
    };
    explicit Destager(const Parts& parts);

    /// Makes room as long as there is pressure, until stop(). A task of the shard.
    io::Task<void> run();
    void stop();
    /// Looks whether there is work: after a frame completed.
    void poke();

    /// Everything in frames through `sequence` (complete and flushed) is in segments when this
    /// returns, partial last blocks too; not synced. Errors: io_failed, no_space: what could not be
    /// written stays in the window and the journal.
    io::Task<Result<void>> destage_through(Sequence sequence);
    /// Rewrites the block that a `tail` entry restored. At a start, before anything is served.
    io::Task<Result<void>> repair_tail(Partition& partition);
    /// Drops what a deleted partition still had for us.
    void forget(Partition& partition);

    [[nodiscard]] const DestagerCounters& counters() const { return counters_; }

private:
    struct Plan;
    io::Task<Result<void>> destage(Partition& partition, uint64_t force_serial,
                                   Sequence force_sequence);
    [[nodiscard]] Plan plan(const Partition& partition, uint64_t force_serial,
                            Sequence force_sequence) const;
    io::Task<Result<bool>> step(Partition& partition, uint64_t force_serial,
                                Sequence force_sequence);
    io::Task<Result<void>> write_pieces(Partition& partition, const Plan& plan);
    [[nodiscard]] AlignedBytes take_buffer(uint64_t bytes);
    void give_back(AlignedBytes buffer);
    io::Task<void> destage_into(Partition& partition, Sequence sequence, Result<void>& result);
    static bool checkpoint_counts_on(const Partition& partition, const Plan& plan);
    io::Task<Result<void>> refill_block(Partition& partition, const Plan& plan, Bytes buffer);
    static void copy_pieces(const Partition& partition, const Plan& plan, Bytes buffer);
    io::Task<Result<void>> put_into_segment(Partition& partition, const Plan& plan, Bytes buffer);
    io::Task<Result<void>> write_segment(Partition& partition, const Plan& plan, Bytes buffer);
    io::Task<Result<void>> finish_segment(Partition& partition, const Plan& plan);
    void mark_destaged(Partition& partition, const Plan& plan);
    io::Task<Result<void>> rescue(Partition& partition, const Plan& plan, ByteView bytes);
    void release(Partition& partition);
    [[nodiscard]] bool oldest_waits_for_flush(uint64_t bytes_before);

    Parts parts_;
    bool stopping_ = false;
    uint32_t busy_ =
        0;  ///< Partitions that are being destaged: out of the line, perhaps back in it soon.
    io::Event work_;
    io::Event released_;
    std::vector<AlignedBytes> kept_buffers_;  ///< A first touch costs microseconds per page.
    DestagerCounters counters_;
};

}  // namespace ringlog::engine

// Applies the frames that recovery accepted to the states of the checkpoint: what each partition is
// now, and the bytes that are not in segments yet. Pure. Explained in docs/journal.md, "Replay".
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "engine/partition_log.h"
#include "engine/recovery.h"
#include "engine/types.h"

namespace ringlog::engine {

/// Bytes of a batch, or a piece of one, that stand in the journal's memory and perhaps not in a
/// segment.
struct ReplayedPiece {
    FrameEntry entry;
    size_t file = 0;  ///< Index in the views: whose memory holds the bytes.
    ByteView bytes;
    Sequence sequence;
};

struct ReplayedPartition {
    explicit ReplayedPartition(const PartitionState& state)
        : log(state),
          stamp(state.stamp),
          destaging_base_offset(state.destaging_base_offset),
          destaged_bytes(state.destaged_bytes) {}

    PartitionLog log;
    Sequence stamp;  ///< Entries up to here are in `log` already.
    int64_t destaging_base_offset = 0;
    uint64_t destaged_bytes = 0;
    std::vector<ReplayedPiece> pieces;      ///< Of whole batches, in order of offset.
    std::vector<ReplayedPiece> unfinished;  ///< Of a batch whose last piece has not come.
    std::optional<ReplayedPiece>
        tail;  ///< Bytes of the block that destaged_bytes ends in, if it was to be rewritten.
    bool proven = true;  ///< Its log is known to be continuous.
    bool cut = false;    ///< What stood behind destaged_bytes is lost: they may end within a batch.
    /// After a loss, segments are begun anew: what entries say of `from_base` is meant for
    /// `to_base`.
    struct Rebase {
        int64_t from_base = 0;
        int64_t to_base = 0;
        uint64_t position = 0;
    };
    std::optional<Rebase> rebase;
};

struct ReplayOutcome {
    std::map<PartitionNumber, ReplayedPartition> partitions;
    PartitionNumber next_number;
    Sequence last{0};
    uint64_t unknown_entries = 0;  ///< Entries of numbers that nothing explains; only after a loss.
    std::vector<RecoveryFinding> findings;
    bool refused = false;
};

/// `now` is the wall clock, for the expiry of producers.
ReplayOutcome replay(const Checkpoint& checkpoint, const RecoveryPlan& plan, WallMs now);

}  // namespace ringlog::engine

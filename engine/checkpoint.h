// The checkpoint of one journal: the state of every partition, in two alternating slots. Encoding is pure; reading and
// writing a slot are tasks. Explained in docs/journal.md, "Checkpoint".
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/error.h"
#include "engine/types.h"
#include "io/reactor.h"
#include "io/task.h"

namespace ringlog::engine {

struct Checkpoint {
    JournalId journal;
    uint64_t number = 0;              ///< Counts checkpoints of this journal: the higher of two valid slots is the newer.
    Generation replay_generation;     ///< Replay begins in this journal file,
    Sequence replay_after;            ///< behind this frame: every byte of it and before is in synced segments.
    Sequence last_stamp;              ///< The highest stamp in it.
    Sequence durable_through;         ///< Frames known to be flushed when it was written.
    PartitionNumber next_number;      ///< No partition has this number or a higher one.
    std::vector<PartitionState> partitions;

    friend bool operator==(const Checkpoint&, const Checkpoint&) = default;
};

/// The bytes of a slot: header (magic, version, length, hashes) and states, padded to kBlockBytes.
std::vector<std::byte> encode_checkpoint(const Checkpoint& checkpoint);

/// Errors: corrupt_file (a hash or structure does not hold, or zeros), version_unknown. Allocates no more than twice the
/// bytes. Never trusts a count before it has checked the hash.
Result<Checkpoint> decode_checkpoint(ByteView slot, JournalId journal);

/// What reading one slot gave; `error` is not_found for a missing file.
struct SlotReading {
    std::optional<Checkpoint> checkpoint;
    std::optional<Error> error;
};

/// Two files `checkpoint-<journal>.0` and `.1` in `directory`, pre-written.
class CheckpointSlots {
public:
    CheckpointSlots(io::Reactor& reactor, std::string directory, JournalId journal)
        : reactor_(reactor), directory_(std::move(directory)), journal_(journal) {}

    /// Creates both slots, empty (they read as not_found until written). Durable when it returns.
    io::Task<Result<void>> create();
    /// Reads both slots. Errors in a slot are in its SlotReading; Result errors are those of the directory itself.
    io::Task<Result<std::vector<SlotReading>>> read();
    /// Writes `checkpoint` durably into the slot that does not hold the newest one. A slot that is too small is replaced
    /// by a larger file, pre-written, synced, renamed over it, the directory synced. Errors: io_failed, no_space; the other
    /// slot is untouched then.
    io::Task<Result<void>> write(const Checkpoint& checkpoint);
    /// Removes both files.
    io::Task<Result<void>> remove();

private:
    [[nodiscard]] std::string path(size_t slot) const;

    io::Reactor& reactor_;
    std::string directory_;
    JournalId journal_;
    size_t next_slot_ = 0;  ///< The older or empty one; known after create() or read().
};

}  // namespace ringlog::engine

// The checkpoint of one journal: the state of every partition, in two alternating slots. Encoding
// is pure; reading and writing a slot are tasks. Explained in docs/journal.md, "Checkpoint".
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/error.h"
#include "engine/aligned_bytes.h"
#include "engine/types.h"
#include "io/file.h"
#include "io/reactor.h"
#include "io/task.h"

namespace ringlog::engine {

struct Checkpoint {
    JournalId journal;
    uint64_t number =
        0;  ///< Counts checkpoints of this journal: the higher of two valid slots is the newer.
    Generation replay_generation;  ///< Replay begins in this journal file,
    Sequence
        replay_after;     ///< behind this frame: every byte of it and before is in synced segments.
    Sequence last_stamp;  ///< The highest stamp in it.
    Sequence durable_through;     ///< Frames known to be flushed when it was written.
    PartitionNumber next_number;  ///< No partition has this number or a higher one.
    std::vector<PartitionState> partitions;

    friend bool operator==(const Checkpoint&, const Checkpoint&) = default;
};

/// The bytes of a slot: header (magic, version, length, hashes) and states, padded to kBlockBytes.
/// The padding is hashed too. At most ProducerEntry::kBatchesMax batches of a producer and 65,535
/// bytes of a topic's name are allowed.
std::vector<std::byte> encode_checkpoint(const Checkpoint& checkpoint);

/// Errors: corrupt_file (a hash or structure does not hold, or zeros), version_unknown. `slot` may
/// be longer than what encode_checkpoint gave. Allocates no more than twice the bytes. Never trusts
/// a count before it has checked the hash.
Result<Checkpoint> decode_checkpoint(ByteView slot, JournalId journal);

/// Bytes of the header of a slot; all zero until the slot is written, and while it is being
/// written.
constexpr size_t kCheckpointHeaderBytes = 128;
/// The size of the whole checkpoint that begins with `first_block`, by its header. Errors:
/// not_found (the header is zero), corrupt_file.
Result<uint64_t> checkpoint_bytes(ByteView first_block, JournalId journal);

/// What reading one slot gave: a checkpoint or an error. `error` is not_found for a missing file
/// and for a slot that holds nothing yet or whose last write() was interrupted; corrupt_file is
/// damage, never an interrupted write.
struct SlotReading {
    std::optional<Checkpoint> checkpoint;
    std::optional<Error> error;
};

/// Two files `checkpoint-<journal>.0` and `.1` in `directory`, pre-written. One call at a time.
class CheckpointSlots {
public:
    CheckpointSlots(io::Reactor& reactor, std::string directory, JournalId journal)
        : reactor_(reactor), directory_(std::move(directory)), journal_(journal) {}

    /// Creates both slots, empty (they read as not_found until written), in place of what has their
    /// names. Durable when it returns.
    io::Task<Result<void>> create();
    /// Reads both slots. Errors in a slot are in its SlotReading; Result errors are those of the
    /// directory itself.
    io::Task<Result<std::vector<SlotReading>>> read();
    /// Writes `checkpoint` durably into the slot that does not hold the newest one; create() or
    /// read() came before. The header of the slot is zero while its content is written. A slot that
    /// is too small is replaced by a larger file, pre-written, synced, renamed over it, the
    /// directory synced. Errors: io_failed, no_space; the other slot is untouched then and the same
    /// slot is written next time. Nobody changes `checkpoint` until it returns.
    io::Task<Result<void>> write(const Checkpoint& checkpoint);
    /// Removes both files. Idempotent; durable when it returns.
    io::Task<Result<void>> remove();

    /// "<directory>/checkpoint-<journal>.<slot>".
    [[nodiscard]] std::string path(size_t slot) const;

private:
    io::Task<SlotReading> read_slot(size_t slot);
    io::Task<Result<void>> replace(const AlignedBytes& content);
    io::Task<Result<void>> overwrite(io::File& file, const AlignedBytes& content);

    io::Reactor& reactor_;
    std::string directory_;
    JournalId journal_;
    std::optional<size_t> next_slot_;  ///< The older or empty one; known after create() or read().
};

}  // namespace ringlog::engine

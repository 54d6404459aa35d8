// What an operator is told about damage: which entries of a journal nothing explains, and which
// offsets of a partition no record can be read of. Looks and changes nothing. On the owning core.
// Used by `ringlog log accept`; explained in docs/operations.md.
#pragma once

#include <string>
#include <vector>

#include "base/error.h"
#include "engine/partition.h"
#include "engine/recovery.h"
#include "io/reactor.h"
#include "io/task.h"

namespace ringlog::engine {

/// [begin, end) of a partition's log.
struct OffsetRange {
    int64_t begin = 0;
    int64_t end = 0;

    friend bool operator==(const OffsetRange&, const OffsetRange&) = default;
};

/// Every range of [log start, log end) in which no record can be read: reads the log once, whole.
/// Records in front of damage and behind it are told apart as fetches do: where a batch cannot be
/// read, what follows counts from the first offset that a fetch may begin at.
io::Task<std::vector<OffsetRange>> find_missing_offsets(Partition& partition);

/// Batches of a partition whose `open` entry is lost: its name cannot be known.
struct UnexplainedBatches {
    PartitionNumber number;
    uint64_t batches = 0;
    OffsetRange offsets;
};

/// What a start would find in one journal.
struct JournalInspection {
    std::vector<RecoveryFinding> findings;
    bool refused = false;          ///< A start refuses; the last finding says why.
    bool replay_lost = false;      ///< It refuses because the checkpoint or its first file is gone:
                                   ///< accepted, the partitions are made of their segments.
    uint64_t unknown_entries = 0;  ///< A start refuses until they are accepted as lost.
    std::vector<UnexplainedBatches> unexplained;  ///< By number; what is known of such entries.
};

/// The directory is locked by the caller. Errors: io_failed (a slot or the directory cannot be
/// read).
io::Task<Result<JournalInspection>> inspect_journal(io::Reactor& here, std::string directory,
                                                    JournalId journal);

}  // namespace ringlog::engine

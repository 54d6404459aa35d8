// States of partitions as their segments alone tell them: what is left when a journal and its
// checkpoint cannot be used and the operator gives them up. Before any shard of theirs is open.
// Explained in docs/operations.md.
#pragma once

#include <string>
#include <vector>

#include "base/error.h"
#include "engine/types.h"
#include "io/reactor.h"
#include "io/task.h"

namespace ringlog::engine {

/// Which journal, by its place in the layout, and how many there are.
struct JournalPlace {
    size_t place = 0;
    size_t count = 1;
};

/// One state per partition directory that belongs to this journal and has a whole batch: offsets,
/// segments, epochs and producers of the batches up to the first that does not hold, in each
/// segment. Damage::journal_gap, for what came behind cannot be known. Changes nothing. Errors:
/// io_failed.
io::Task<Result<std::vector<PartitionState>>> rebuild_states(io::Reactor& here,
                                                             std::string directory,
                                                             JournalPlace place);

/// The batches at the beginning of a segment.
struct WholeBatches {
    uint64_t bytes = 0;
    WallMs max_timestamp = -1;  ///< -1 if there is none.
};
/// The whole batches within the first `valid_bytes` of a segment. Reads all of them.
/// Errors: corrupt_batch (something there cannot be a batch), not_found, io_failed.
io::Task<Result<WholeBatches>> whole_batches(io::Reactor& here, std::string path,
                                             int64_t base_offset, uint64_t valid_bytes);

/// Renames the files of a journal that is given up, so that nobody takes them for a journal or
/// removes them: "given-up.<id>" and "given-up.checkpoint.<id>.<slot>". Blocking. Idempotent.
Result<void> set_journal_aside(io::FileSystem& files, const std::string& directory,
                               JournalId journal);

}  // namespace ringlog::engine

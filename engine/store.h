// A data directory: its lock, its manifest, its journals, and which core each of them lives on. A
// start replays every journal of the manifest; if their number changed, everything is destaged and
// checkpointed under the new layout before serving. Called on core 0. Explained in docs/journal.md,
// "Layout".
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/error.h"
#include "engine/manifest.h"
#include "engine/shard.h"
#include "io/reactor.h"
#include "io/task.h"

namespace ringlog::engine {

/// The journal (by position in the layout) that a partition lives on.
uint16_t placement_of(const Uuid& topic_id, int32_t partition, size_t journals);

/// The largest batch that a shard of these options can take, for each of the three reasons.
struct BatchBytesMax {
    uint64_t by_window = 0;   ///< A quarter of the window, which is at least three chunks.
    uint64_t by_journal = 0;  ///< An eighth of the journal.
    uint64_t by_format = 0;   ///< kNumberedBytesMax: no option raises it.
};
BatchBytesMax batch_bytes_max(const ShardOptions& options);
/// What WindowOptions::bytes and ShardOptions::journal_bytes must be at least for a batch.
uint64_t window_bytes_for_batch(uint64_t batch_bytes, const ShardOptions& options);
uint64_t journal_bytes_for_batch(uint64_t batch_bytes);

struct StoreOptions {
    std::string directory;
    int32_t node_id = 1;
    std::string cluster_id;         ///< Of a new directory; an existing one keeps its own.
    std::vector<io::CoreId> cores;  ///< The core of each journal, in order of placement.
    ShardOptions shard;  ///< For every journal; directory, journal and placement are filled in.
};

/// What opening a directory gave. Each shard belongs to its core: closed and destroyed there.
struct OpenedStore {
    Manifest manifest;
    bool created = false;  ///< The directory was empty.
    bool layout_changed = false;
    std::unique_ptr<io::DirectoryLock> lock;     ///< Released last.
    std::vector<std::unique_ptr<Shard>> shards;  ///< By placement.
};

/// Why a directory was refused, for people: the likely cause and what mends it.
struct StoreFailure {
    Error error;
    std::string message;
};

/// Opens `options.directory`, which is made if it is missing. Refused: locked by another process;
/// not empty and not ours (Kafka's: named); of another node; written by a newer version; damage
/// that must be accepted first.
io::Task<std::expected<OpenedStore, StoreFailure>> open_store(io::Reactor& here,
                                                              StoreOptions options);

}  // namespace ringlog::engine

// Seeded bugs: each breaks one rule at the place where the rule stands, in builds with
// -DRINGLOG_MUTANTS=ON only. They prove that the tests see what they claim to see: `./dev mutants`
// turns on one at a time and expects a failure. In every other build mutant() is false at compile
// time and nothing of them is left. See tests/mutants/README.md.
#pragma once

#include <cstdint>

namespace ringlog {

/// What is done wrong. Names are those of base/mutant.cc, which RINGLOG_MUTANT takes.
enum class Mutant : uint8_t {
    none,
    // Journal and its files.
    ack_before_flush,              ///< Frames are written without their flush at `power`.
    ack_before_write,              ///< A frame's batches count before its write was begun.
    flush_counts_what_came_later,  ///< A flush at `crash` covers frames written while it went on.
    frames_out_of_order,         ///< The first frame of a write completes what the last one holds.
    durable_through_ahead,       ///< A frame says that it is flushed itself.
    seed_without_generation,     ///< Hashes of a file's former use hold.
    skip_fence,                  ///< A life begins with a frame that is no fence.
    write_error_ignored,         ///< A journal goes on behind a frame that could not be written.
    skip_sync_of_new_file,       ///< The name of a new journal file is not synced.
    skip_sync_of_recycled_file,  ///< Nor that of a recycled one.
    // Checkpoints, destaging, segments.
    free_journal_before_sync,   ///< Journal files are given away while segments are not synced.
    skip_sync_of_segments,      ///< A checkpoint counts on segments that are not synced.
    checkpoint_of_unflushed,    ///< A checkpoint is written before the frames that it counts on.
    checkpoint_over_newest,     ///< A start continues with the newer of the two slots.
    destage_unflushed,          ///< Bytes go to segments before their frame is flushed.
    skip_tail,                  ///< A counted block is rewritten without a `tail` entry.
    segment_cut_short,          ///< A sealed segment ends at the block before its end.
    index_behind_batch,         ///< The sparse index names the place behind its batch.
    skip_sync_of_deleted_name,  ///< The rename of a deleted partition's directory is not synced.
    foreign_directory_taken,    ///< A directory of another topic's id is opened.
    // Recovery and layout.
    payload_unchecked,        ///< A torn payload passes.
    chain_unchecked,          ///< A frame follows whatever has the number before.
    incomplete_batch_kept,    ///< A large batch without its last pieces stands in the log.
    damage_cut_off,           ///< Damage below what is durable is cut like a torn tail.
    producers_forgotten,      ///< A start does not restore the producers' sequences.
    partition_number_reused,  ///< A start gives numbers again that the journal still holds.
    journal_dropped_at_layout_change,  ///< The last journal of the old layout is not read.
    leader_epoch_kept,                 ///< A start goes on in the epoch of the life before.
    // Partitions and the window.
    high_watermark_ahead,        ///< The high watermark follows the log's end, not what is durable.
    read_beyond_high_watermark,  ///< A read gives what no one has acked.
    duplicate_acked_early,       ///< A duplicate is answered before its original is durable.
    duplicate_at_wrong_offset,   ///< And with another offset than its original.
    sequence_gap_accepted,       ///< A producer's batch is taken though one before it is missing.
    recycled_chunk_readable,     ///< Slices of a chunk stay readable when it holds other bytes.
    pinned_chunk_reused,         ///< A chunk is filled again while an answer still sends from it.
    // Broker.
    stale_route,                  ///< A topic's name leads to the topic that had it before.
    session_forgets_partition,    ///< A fetch session drops a partition that nobody forgot.
    answers_out_of_order,         ///< An answer that is ready passes those before it.
    timeout_answered_as_success,  ///< acks=all that timed out is answered without an error.
};

#ifdef RINGLOG_MUTANTS
/// Whether this process was started with `which` in RINGLOG_MUTANT.
[[nodiscard]] bool mutant(Mutant which);
#else
[[nodiscard]] constexpr bool mutant(Mutant) {
    return false;
}
#endif

}  // namespace ringlog

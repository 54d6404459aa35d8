// The mutant that a test process was started with. See base/mutant.h.
#include "base/mutant.h"

#ifdef RINGLOG_MUTANTS

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <string_view>

namespace ringlog {

namespace {

// In the order of the enumerators.
constexpr std::array<std::string_view, 40> kNames = {"none",
                                                     "ack_before_flush",
                                                     "ack_before_write",
                                                     "flush_counts_what_came_later",
                                                     "frames_out_of_order",
                                                     "durable_through_ahead",
                                                     "seed_without_generation",
                                                     "skip_fence",
                                                     "write_error_ignored",
                                                     "skip_sync_of_new_file",
                                                     "skip_sync_of_recycled_file",
                                                     "free_journal_before_sync",
                                                     "skip_sync_of_segments",
                                                     "checkpoint_of_unflushed",
                                                     "checkpoint_over_newest",
                                                     "destage_unflushed",
                                                     "skip_tail",
                                                     "segment_cut_short",
                                                     "index_behind_batch",
                                                     "skip_sync_of_deleted_name",
                                                     "foreign_directory_taken",
                                                     "payload_unchecked",
                                                     "chain_unchecked",
                                                     "incomplete_batch_kept",
                                                     "damage_cut_off",
                                                     "producers_forgotten",
                                                     "partition_number_reused",
                                                     "journal_dropped_at_layout_change",
                                                     "leader_epoch_kept",
                                                     "high_watermark_ahead",
                                                     "read_beyond_high_watermark",
                                                     "duplicate_acked_early",
                                                     "duplicate_at_wrong_offset",
                                                     "sequence_gap_accepted",
                                                     "recycled_chunk_readable",
                                                     "pinned_chunk_reused",
                                                     "stale_route",
                                                     "session_forgets_partition",
                                                     "answers_out_of_order",
                                                     "timeout_answered_as_success"};
static_assert(kNames.size() == static_cast<size_t>(Mutant::timeout_answered_as_success) + 1);

Mutant chosen() {
    const char* const text = std::getenv("RINGLOG_MUTANT");
    const auto found = std::ranges::find(kNames, std::string_view(text == nullptr ? "none" : text));
    if (found == kNames.end()) {
        std::fputs("RINGLOG_MUTANT names none of base/mutant.h\n", stderr);
        std::exit(2);
    }
    return static_cast<Mutant>(found - kNames.begin());
}

}  // namespace

bool mutant(Mutant which) {
    static const Mutant kChosen = chosen();
    return which == kChosen;
}

}  // namespace ringlog

#endif

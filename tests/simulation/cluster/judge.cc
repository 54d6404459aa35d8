#include "tests/simulation/cluster/judge.h"

#include <fmt/format.h>

namespace ringlog::simulation {
namespace {

constexpr std::array<InvariantRow, kInvariantCount> kInvariants{{
    {Invariant::epoch_unique, "7", "EpochUnique", "Inspector::check_partition, Oracle::read"},
    {Invariant::high_watermark_bounds, "8", "HWBound", "Inspector::check_partition"},
    {Invariant::high_watermark_monotone, "9", "AppliedHWMonotone",
     "Inspector::check_partition, Oracle::saw_high_watermark"},
    {Invariant::offsets_dense, "15", "OffsetsDense", "Oracle::bind, Oracle::acked"},
    {Invariant::ack_durable, "16", "AckDurable", "Oracle::acked with DiskWatch, ImageProbe"},
    {Invariant::no_stale_frame, "17", "NoStaleFrame", "Oracle::read, ImageProbe"},
    {Invariant::recovery_prefix, "18", "RecoveryPrefix", "Inspector::check_start, ImageProbe"},
    {Invariant::no_truncate_on_corruption, "19", "NoTruncateOnCorruption",
     "Inspector::check_start"},
    {Invariant::no_delete_without_record, "21", "NoDeleteWithoutRecord",
     "DiskAudit::check_directories"},
    {Invariant::space_accounting, "22", "SpaceAccounting", "DiskAudit::check_leftovers"},
    {Invariant::index_consistent, "23", "IndexConsistent", "Oracle::time_lookup, Oracle::read"},
    {Invariant::exactly_once, "24", "ExactlyOnceIdempotent", "Oracle::bind, Oracle::acked"},
    {Invariant::sequence_no_gap, "25", "SequenceNoGap", "ReadRun::next, Producer::refused"},
    {Invariant::poll_contiguity, "29", "PollContiguity", "ReadRun::next"},
    {Invariant::bounds, "34", "Bounds", "Inspector::check_core"},
    {Invariant::never_wrong_bytes, "36", "NeverWrongBytes", "read_batch, Oracle::read"},
    {Invariant::never_ack_unstored, "37", "NeverAckUnstored", "Oracle::final_loss"},
    {Invariant::unavailability_reported, "38", "UnavailabilityReported",
     "Consumer::fetched, Producer::answered"},
    {Invariant::requests_complete, "39", "RequestsComplete", "Judge::request_not_answered"},
    {Invariant::produces_resolved, "43", "PendingProducesResolved", "Run::quiesce"},
    {Invariant::admission_order, "D1", "OrderOfAdmission", "Producer::acked"},
    {Invariant::duplicate_after_original, "D2", "DuplicateAfterOriginal", "Oracle::acked"},
    {Invariant::offset_once_per_epoch, "D3", "OffsetOncePerEpoch", "Oracle::bind"},
    {Invariant::nothing_durable_cut, "D4", "NothingDurableCut", "Inspector::check_start"},
    {Invariant::topics_apart, "D5", "TopicsApart", "Oracle::read"},
    {Invariant::answers_in_order, "D6", "AnswersInOrder", "WireClient::take_answer"},
    {Invariant::starts, "D7", "AlwaysStarts", "NodeDriver::started"},
}};

constexpr std::array<MetRow, kMetCount> kMets{{
    {Met::starts, "starts"},
    {Met::kills, "kills"},
    {Met::power_losses, "power losses"},
    {Met::clean_stops, "clean stops"},
    {Met::crashes_in_start, "crashes while starting"},
    {Met::crashes_at_operation, "crashes within a disk operation"},
    {Met::core_changes, "changes of the number of cores"},
    {Met::starts_refused, "starts refused"},
    {Met::journals_failed, "journals closed by a disk error"},
    {Met::pauses, "pauses"},
    {Met::clogs, "clogs"},
    {Met::cuts, "cuts"},
    {Met::resets, "resets"},
    {Met::wall_steps, "wall clock steps"},
    {Met::full_disks, "full disks"},
    {Met::rotten_bits, "rotten bits"},
    {Met::latent_sectors, "latent sectors"},
    {Met::disk_errors, "disk errors"},
    {Met::disk_torn, "torn writes"},
    {Met::disk_no_space, "refusals for space"},
    {Met::disk_short, "short reads and writes"},
    {Met::disk_lost, "lost writes"},
    {Met::disk_misdirected, "misdirected writes"},
    {Met::disk_corrupt, "corrupted reads and writes"},
    {Met::disk_hang, "hung operations"},
    {Met::disk_slow, "slow operations"},
    {Met::frames, "journal frames"},
    {Met::split_batches, "pieces of split batches"},
    {Met::rolls, "segment rolls"},
    {Met::checkpoints, "checkpoints"},
    {Met::recycled_files, "journal files begun"},
    {Met::tails, "tail blocks journaled"},
    {Met::rescues, "rescued bytes", false},
    {Met::recovered_frames, "frames replayed"},
    {Met::findings, "recovery findings"},
    {Met::damaged_partitions, "damaged partitions reported"},
    {Met::acked_records, "acked records"},
    {Met::acks_checked_on_disk, "acks looked up on disk"},
    {Met::duplicates_answered, "duplicates answered"},
    {Met::resends, "resent batches"},
    {Met::produce_errors, "produce errors"},
    {Met::lost_in_honesty, "acked batches lost to lying disks", false},
    {Met::records_read, "records read"},
    {Met::reads_from_start, "reads from the start"},
    {Met::time_lookups, "lookups by time"},
    {Met::sessions, "fetch sessions"},
    {Met::session_errors, "fetch session errors"},
    {Met::topics_deleted, "topics deleted"},
    {Met::topics_recreated, "topics made again"},
    {Met::images_probed, "images recovered"},
    {Met::quiesced, "worlds at rest"},
    {Met::audits, "partitions read whole and compared"},
}};

template <typename Rows>
constexpr bool in_order(const Rows& rows) {
    for (size_t i = 0; i < rows.size(); ++i) {
        if (static_cast<size_t>(rows[i].name) != i) {
            return false;
        }
    }
    return true;
}
static_assert(in_order(kInvariants) && in_order(kMets));

/// What a broker may take beyond the time that it was given.
constexpr int64_t kAnswerSlackNs = 100 * kMillisecondNs;

}  // namespace

std::span<const InvariantRow> invariant_rows() {
    return kInvariants;
}

std::span<const MetRow> met_rows() {
    return kMets;
}

void Judge::violate(Invariant invariant, const std::string& text) {
    const InvariantRow& row = kInvariants[static_cast<size_t>(invariant)];
    const std::string line = fmt::format("invariant {} {}: {}", row.number, row.text, text);
    tell(line);
    if (failure_.empty()) {
        failure_ = line;
    }
}

void Judge::request_not_answered(HostId client, std::string_view api, MonotonicNs sent) {
    if (!lenient_ && serving_ && disturbed_until_ + kAnswerSlackNs < sent) {
        violate(Invariant::requests_complete,
                fmt::format("{} of client {}, sent at {} ns, was not answered in its time", api,
                            client, sent));
    }
}

void Judge::tell(const std::string& line) const {
    if (sink_) {
        sink_(fmt::format("{:>12.3f} ms  {}", static_cast<double>(world_.now()) / 1e6, line));
    }
}

}  // namespace ringlog::simulation

// Metrics of the reactor and of the engine, from the counters that they keep. See broker/metrics.h.
#include "broker/metrics.h"

namespace ringlog::broker {

namespace {

constexpr MetricInfo kTurns = {"ringlog_reactor_turns_total", "Rounds of the event loop"};
constexpr MetricInfo kCompletions = {"ringlog_reactor_completions_total",
                                     "Completed kernel operations"};
constexpr MetricInfo kMessagesIn = {"ringlog_reactor_messages_received_total",
                                    "Messages from other cores"};
constexpr MetricInfo kMessagesOut = {"ringlog_reactor_messages_sent_total",
                                     "Messages to other cores"};
constexpr MetricInfo kWaits = {"ringlog_reactor_waits_total", "Waits in the kernel"};
constexpr MetricInfo kSpins = {"ringlog_reactor_spins_total", "Polls that did not wait"};
constexpr MetricInfo kLongTurns = {"ringlog_reactor_long_turns_total",
                                   "Rounds that ran too long before yielding"};

constexpr MetricInfo kFrames = {"ringlog_journal_frames_total", "Journal frames written"};
constexpr MetricInfo kFrameBytes = {"ringlog_journal_frame_bytes_total",
                                    "Bytes of journal frames, with padding"};
constexpr MetricInfo kPayload = {"ringlog_journal_payload_bytes_total",
                                 "Bytes of entries in journal frames"};
constexpr MetricInfo kEntries = {"ringlog_journal_entries_total", "Entries in journal frames"};
constexpr MetricInfo kWrites = {"ringlog_journal_writes_total", "Writes to journal files"};
constexpr MetricInfo kFlushes = {"ringlog_journal_flushes_total",
                                 "Completed flushes of the journal"};
constexpr MetricInfo kIdleFrames = {"ringlog_journal_idle_frames_total",
                                    "Empty frames that record what is durable"};
constexpr MetricInfo kSpaceWaits = {"ringlog_journal_space_waits_total",
                                    "Appends that waited for room"};
constexpr MetricInfo kFileWaits = {"ringlog_journal_file_waits_total",
                                   "Times that no journal file was ready"};
constexpr MetricInfo kWriteTime = {"ringlog_journal_write_duration_seconds",
                                   "From submission to completion of a journal write",
                                   MetricType::histogram, "", 1e-9};

constexpr MetricInfo kDestageWrites = {"ringlog_destage_writes_total", "Writes to segments"};
constexpr MetricInfo kDestageBytes = {"ringlog_destage_bytes_total", "Bytes written to segments"};
constexpr MetricInfo kTails = {"ringlog_destage_tails_total",
                               "Tail blocks journaled before they were rewritten"};
constexpr MetricInfo kRescued = {"ringlog_destage_rescued_bytes_total",
                                 "Bytes in rescue files, of segments that could not be written"};
constexpr MetricInfo kDiskWaits = {"ringlog_destage_disk_waits_total",
                                   "Times that a full disk was waited for"};

constexpr MetricInfo kCheckpoints = {"ringlog_checkpoints_total", "Checkpoints that became valid"};
constexpr MetricInfo kRecoveredFrames = {
    "ringlog_recovered_frames", "Journal frames replayed at the last start", MetricType::gauge};
constexpr MetricInfo kRecoveredBytes = {
    "ringlog_recovered_bytes", "Journal bytes replayed at the last start", MetricType::gauge};
constexpr MetricInfo kDamaged = {"ringlog_damaged_partitions",
                                 "Partitions that are read-only until repaired or accepted",
                                 MetricType::gauge};
constexpr MetricInfo kRecoveryTime = {"ringlog_recovery_duration_seconds",
                                      "How long the last start recovered", MetricType::gauge, "",
                                      1e-9};

double number(auto value) {
    return static_cast<double>(value);
}

}  // namespace

void collect(const io::ReactorCounters& counters, MetricSnapshot& to) {
    to.add(kTurns, number(counters.turns));
    to.add(kCompletions, number(counters.completions));
    to.add(kMessagesIn, number(counters.messages_in));
    to.add(kMessagesOut, number(counters.messages_out));
    to.add(kWaits, number(counters.waits));
    to.add(kSpins, number(counters.spins));
    to.add(kLongTurns, number(counters.long_turns));
}

void collect(const engine::JournalCounters& counters, MetricSnapshot& to) {
    to.add(kFrames, number(counters.frames));
    to.add(kFrameBytes, number(counters.frame_bytes));
    to.add(kPayload, number(counters.payload_bytes));
    to.add(kEntries, number(counters.entries));
    to.add(kWrites, number(counters.writes));
    to.add(kFlushes, number(counters.flushes));
    to.add(kIdleFrames, number(counters.idle_frames));
    to.add(kSpaceWaits, number(counters.waits_for_space));
    to.add(kFileWaits, number(counters.waits_for_files));
    to.add(kWriteTime, counters.write_ns);
}

void collect(const engine::DestagerCounters& counters, MetricSnapshot& to) {
    to.add(kDestageWrites, number(counters.writes));
    to.add(kDestageBytes, number(counters.bytes));
    to.add(kTails, number(counters.tails));
    to.add(kRescued, number(counters.rescued_bytes));
    to.add(kDiskWaits, number(counters.waits_for_disk));
}

void collect(const engine::ShardCounters& counters, MetricSnapshot& to) {
    to.add(kCheckpoints, number(counters.checkpoints));
    to.add(kRecoveredFrames, number(counters.recovered_frames));
    to.add(kRecoveredBytes, number(counters.recovered_bytes));
    to.add(kDamaged, number(counters.damaged_partitions));
    to.add(kRecoveryTime, number(counters.recovery_ns));
}

}  // namespace ringlog::broker

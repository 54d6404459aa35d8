// Metrics of the reactor and of the engine, from the counters that they keep. See broker/metrics.h.
#include "broker/metrics.h"

namespace ringlog::broker {

namespace {

/// A metric, and the member of the counters that it shows.
template <typename Counters, typename Member = uint64_t>
struct Row {
    MetricInfo info;
    Member Counters::* member;
};

using Reactor = io::ReactorCounters;
constexpr auto kReactorRows = std::to_array<Row<Reactor>>({
    {{"ringlog_reactor_turns_total", "Rounds of the event loop"}, &Reactor::turns},
    {{"ringlog_reactor_completions_total", "Completed kernel operations"}, &Reactor::completions},
    {{"ringlog_reactor_messages_received_total", "Messages from other cores"},
     &Reactor::messages_in},
    {{"ringlog_reactor_messages_sent_total", "Messages to other cores"}, &Reactor::messages_out},
    {{"ringlog_reactor_waits_total", "Waits in the kernel"}, &Reactor::waits},
    {{"ringlog_reactor_spins_total", "Polls that did not wait"}, &Reactor::spins},
    {{"ringlog_reactor_long_turns_total", "Rounds that ran too long before yielding"},
     &Reactor::long_turns},
});

using Journal = engine::JournalCounters;
constexpr auto kJournalRows = std::to_array<Row<Journal>>({
    {{"ringlog_journal_frames_total", "Journal frames written"}, &Journal::frames},
    {{"ringlog_journal_frame_bytes_total", "Bytes of journal frames, with padding"},
     &Journal::frame_bytes},
    {{"ringlog_journal_payload_bytes_total", "Bytes of entries in journal frames"},
     &Journal::payload_bytes},
    {{"ringlog_journal_entries_total", "Entries in journal frames"}, &Journal::entries},
    {{"ringlog_journal_writes_total", "Writes to journal files"}, &Journal::writes},
    {{"ringlog_journal_flushes_total", "Completed flushes of the journal"}, &Journal::flushes},
    {{"ringlog_journal_idle_frames_total", "Empty frames that record what is durable"},
     &Journal::idle_frames},
    {{"ringlog_journal_space_waits_total", "Appends that waited for room"},
     &Journal::waits_for_space},
    {{"ringlog_journal_file_waits_total", "Times that no journal file was ready"},
     &Journal::waits_for_files},
});
constexpr Row<Journal, Histogram> kJournalWriteTime = {
    {"ringlog_journal_write_duration_seconds", "From submission to completion of a journal write",
     MetricType::histogram, "", 1e-9},
    &Journal::write_ns};

using Destager = engine::DestagerCounters;
constexpr auto kDestagerRows = std::to_array<Row<Destager>>({
    {{"ringlog_destage_writes_total", "Writes to segments"}, &Destager::writes},
    {{"ringlog_destage_bytes_total", "Bytes written to segments"}, &Destager::bytes},
    {{"ringlog_destage_tails_total", "Tail blocks journaled before they were rewritten"},
     &Destager::tails},
    {{"ringlog_destage_rescued_bytes_total",
      "Bytes in rescue files, of segments that could not be written"},
     &Destager::rescued_bytes},
    {{"ringlog_destage_disk_waits_total", "Times that a full disk was waited for"},
     &Destager::waits_for_disk},
});

using Shard = engine::ShardCounters;
constexpr auto kShardRows = std::to_array<Row<Shard>>({
    {{"ringlog_checkpoints_total", "Checkpoints that became valid"}, &Shard::checkpoints},
    {{"ringlog_recovered_frames", "Journal frames replayed at the last start", MetricType::gauge},
     &Shard::recovered_frames},
    {{"ringlog_recovered_bytes", "Journal bytes replayed at the last start", MetricType::gauge},
     &Shard::recovered_bytes},
    {{"ringlog_damaged_partitions", "Partitions that are read-only until repaired or accepted",
      MetricType::gauge},
     &Shard::damaged_partitions},
});
constexpr Row<Shard, int64_t> kRecoveryTime = {
    {"ringlog_recovery_duration_seconds", "How long the last start recovered", MetricType::gauge,
     "", 1e-9},
    &Shard::recovery_ns};

/// The rows are static: samples point to their infos.
template <typename Counters, size_t Count>
void add_rows(const std::array<Row<Counters>, Count>& rows, const Counters& counters,
              MetricSnapshot& to) {
    for (const Row<Counters>& row : rows) {
        to.add(row.info, static_cast<double>(counters.*row.member));
    }
}

}  // namespace

void collect(const io::ReactorCounters& counters, MetricSnapshot& to) {
    add_rows(kReactorRows, counters, to);
}

void collect(const engine::JournalCounters& counters, MetricSnapshot& to) {
    add_rows(kJournalRows, counters, to);
    to.add(kJournalWriteTime.info, counters.*kJournalWriteTime.member);
}

void collect(const engine::DestagerCounters& counters, MetricSnapshot& to) {
    add_rows(kDestagerRows, counters, to);
}

void collect(const engine::ShardCounters& counters, MetricSnapshot& to) {
    add_rows(kShardRows, counters, to);
    to.add(kRecoveryTime.info, static_cast<double>(counters.*kRecoveryTime.member));
}

}  // namespace ringlog::broker

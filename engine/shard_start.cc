// How a shard begins: new, or from what a former life left. See engine/shard.h and docs/journal.md,
// "Recovery".
#include <algorithm>

#include "base/log.h"
#include "base/mutant.h"
#include "engine/journal_scan.h"
#include "engine/rebuild.h"
#include "engine/shard.h"

namespace ringlog::engine {

io::Task<Result<std::unique_ptr<Shard>>> Shard::create(io::Reactor& reactor, ShardOptions options,
                                                       std::vector<PartitionState> states) {
    std::unique_ptr<Shard> shard(new Shard(reactor, std::move(options)));
    auto slots = co_await shard->slots_.create();
    if (!slots) {
        co_return fail(slots.error());
    }
    for (PartitionState& state : states) {
        state.number = shard->take_number();
        state.stamp = Sequence(0);
        Partition& partition = shard->add(PartitionLog(state), PartitionConfig{});
        partition.destaged = partition.synced = {state.destaging_base_offset, state.destaged_bytes};
        partition.restored();
    }
    auto created = co_await shard->journal_->create();
    if (!created) {
        (void)co_await shard->close(false);  // the error that matters is returned
        co_return fail(created.error());
    }
    shard->start_tasks();
    // Twice, so that no slot is empty when the manifest names this journal.
    for (int i = 0; i < 2; ++i) {
        auto done = co_await shard->checkpoint();
        if (!done) {
            (void)co_await shard->close(false);  // the error that matters is returned
            co_return fail(done.error());
        }
    }
    co_return shard;
}

void Shard::report(const std::vector<RecoveryFinding>& findings) const {
    for (const RecoveryFinding& finding : findings) {
        const RecoveryRow& row = kRecoveryCases[static_cast<size_t>(finding.name)];
        const LogLevel level = row.action == RecoveryAction::accept ? LogLevel::info
                               : row.action == RecoveryAction::cut  ? LogLevel::warn
                                                                    : LogLevel::error;
        if (log_enabled(level)) {
            log_line(level, "recovery",
                     fmt::format("journal {}: {} ({}), file {} position {}, frame {}",
                                 options_.journal.value(), recovery_case_name(finding.name),
                                 row.meaning, finding.generation.value(), finding.position,
                                 finding.sequence.value()));
        }
    }
}

io::Task<Result<std::unique_ptr<Shard>>> Shard::recover(io::Reactor& reactor,
                                                        ShardOptions options) {
    std::unique_ptr<Shard> shard(new Shard(reactor, std::move(options)));
    const MonotonicNs started = reactor.exact_now();
    auto recovered = co_await shard->recover_journal();
    if (!recovered) {
        (void)co_await shard->close(false);  // the error that matters is returned
        co_return fail(recovered.error());
    }
    shard->counters_.recovery_ns = reactor.exact_now() - started;
    shard->start_tasks();
    co_return shard;
}

io::Task<Result<Checkpoint>> Shard::read_checkpoint(Generation& oldest) {
    auto slots = co_await slots_.read();
    if (!slots) {
        co_return fail(slots.error());
    }
    oldest = Generation(UINT64_MAX);
    for (const SlotReading& slot : *slots) {
        const bool judged = slot.checkpoint || slot.error->code == Errc::not_found ||
                            slot.error->code == Errc::corrupt_file;
        if (!judged) {
            // It may hold the newest checkpoint: going on from the other one would undo what that
            // one counts on.
            log_error("recovery", "journal {}: a checkpoint slot cannot be read: {}",
                      options_.journal.value(), describe(*slot.error));
            co_return fail(*slot.error);
        }
        if (slot.checkpoint) {
            oldest = std::min(oldest, slot.checkpoint->replay_generation);
        }
    }
    auto newest = choose_checkpoint(std::move(*slots), findings_);
    if (!newest) {
        report(findings_);
        co_return fail(Errc::corrupt_file);
    }
    checkpoint_number_ = newest->number;
    replay_after_ = newest->replay_after;
    replay_generation_ = newest->replay_generation;
    previous_replay_generation_ = oldest;
    co_return std::move(*newest);
}

io::Task<Result<std::vector<ScannedFile>>> Shard::scan_files(Generation from) {
    auto& files = reactor_.files();
    const std::string directory = journal_directory();
    co_return co_await reactor_.run_blocking(
        [&]() -> Result<std::vector<ScannedFile>> { return scan_journal(files, directory, from); });
}

Result<ReplayOutcome> Shard::replay_plan(const Checkpoint& checkpoint, const RecoveryPlan& plan) {
    findings_.insert(findings_.end(), plan.findings.begin(), plan.findings.end());
    report(findings_);
    if (plan.refused) {
        return fail(findings_.back().name == RecoveryCase::newer_version ? Errc::version_unknown
                                                                         : Errc::corrupt_file);
    }
    ReplayOutcome outcome = replay(checkpoint, plan, reactor_.wall_ms());
    report(outcome.findings);
    if (outcome.refused) {
        return fail(Errc::version_unknown);
    }
    if (outcome.unknown_entries > 0 && !options_.accept_loss) {
        log_error("recovery",
                  "journal {}: {} entries belong to partitions whose opening is lost; `ringlog log "
                  "accept` starts without them",
                  options_.journal.value(), outcome.unknown_entries);
        return fail(Errc::corrupt_file);
    }
    return outcome;
}

io::Task<Result<void>> Shard::recover_journal() {
    // What a killed predecessor still had on its way, to slots and segments too, lands before we
    // look or write.
    auto& files = reactor_.files();
    const std::string root = options_.directory;
    auto landed =
        co_await reactor_.run_blocking([&] { return options_.directory_sync->sync(files, root); });
    if (!landed) {
        co_return landed;
    }
    Generation oldest;
    auto checkpoint = co_await read_checkpoint(oldest);
    if (!checkpoint) {
        co_return fail(checkpoint.error());
    }
    auto scanned = co_await scan_files(checkpoint->replay_generation);
    if (!scanned) {
        co_return fail(scanned.error());
    }
    std::vector<FileView> views;
    views.reserve(scanned->size());
    for (const ScannedFile& file : *scanned) {
        views.push_back(file.view());
    }
    RecoveryPlan plan = plan_recovery(options_.journal, *checkpoint, views);
    auto outcome = replay_plan(*checkpoint, plan);
    if (!outcome) {
        co_return fail(outcome.error());
    }
    counters_.recovered_frames = plan.frames.size();
    const auto& open = outcome->partitions;
    const bool reuse = mutant(Mutant::partition_number_reused) && !open.empty();
    next_number_ = reuse ? open.rbegin()->first + 1 : outcome->next_number;
    auto adopted = co_await adopt(*outcome, *scanned);
    if (!adopted) {
        co_return adopted;
    }
    plan.resume.oldest = oldest;
    auto resumed = co_await journal_->resume(plan.resume);
    if (!resumed) {
        co_return resumed;
    }
    // Segments were begun anew behind a gap: the next start must find them so, whatever it finds of
    // the journal.
    for (int i = 0; plan.gap && i < 2; ++i) {
        auto kept = co_await this->checkpoint();
        if (!kept) {
            co_return kept;
        }
    }
    co_return Result<void>{};
}

io::Task<void> Shard::cut_at_whole_batch(Partition& partition) {
    const Partition::DestageProgress known = partition.destaged;
    std::string path =
        fmt::format("{}/{}/{}", options_.directory, partition_directory_name(partition.id()),
                    segment_file_name(known.segment_base, ".log"));
    const auto end =
        co_await whole_batches(reactor_, std::move(path), known.segment_base, known.bytes);
    if (end) {
        partition.cut_destaged(end->bytes, end->max_timestamp);
        co_return;
    }
    // Damage in the segment, too: where its last whole batch ends is not known.
    log_error("recovery", "{}: segment {} is kept as it is: {}",
              partition_directory_name(partition.id()), known.segment_base, describe(end.error()));
}

io::Task<Result<void>> Shard::adopt(ReplayOutcome& outcome, std::vector<ScannedFile>& files) {
    std::vector<Chunk*> chunks;
    chunks.reserve(files.size());
    for (ScannedFile& file : files) {
        chunks.push_back(&window_.adopt(file.data.release(), static_cast<uint32_t>(file.bytes)));
    }
    for (auto& [number, replayed] : outcome.partitions) {
        Partition& partition = add(std::move(replayed.log), PartitionConfig{});
        partition.destaged =
            partition.synced = {replayed.destaging_base_offset, replayed.destaged_bytes};
        if (replayed.tail) {
            const uint64_t bytes =
                replayed.destaged_bytes - round_down(replayed.destaged_bytes, kBlockBytes);
            const ByteView tail = replayed.tail->bytes.first(bytes);
            partition.tail.assign(tail.begin(), tail.end());
            auto repaired = co_await destager_.repair_tail(partition);
            if (!repaired) {
                co_return repaired;
            }
        }
        if (replayed.cut) {
            co_await cut_at_whole_batch(partition);
        }
        for (const ReplayedPiece& piece : replayed.pieces) {
            Chunk& chunk = *chunks[piece.file];
            if (chunk.partitions.empty() || chunk.partitions.back() != number) {
                chunk.partitions.push_back(number);
            }
            ++chunk.undestaged_pieces;
            counters_.recovered_bytes += piece.bytes.size();
            partition.restore_piece({.chunk = &chunk,
                                     .bytes = piece.bytes,
                                     .sequence = piece.sequence,
                                     .base_offset = piece.entry.base_offset,
                                     .last_offset = piece.entry.last_offset,
                                     .segment_base = piece.entry.segment_base,
                                     .segment_position = piece.entry.segment_position,
                                     .max_timestamp = piece.entry.timestamp,
                                     .first = piece.entry.piece == 0,
                                     .last = piece.entry.bytes_left == 0});
        }
        partition.restored();
        if (!replayed.pieces.empty()) {
            dirty_line_.push_back(partition);
        }
        if (partition.log().damage() != Damage::none) {
            ++counters_.damaged_partitions;
            log_error("recovery",
                      "{} is read-only: its log is not proven whole; `ringlog log "
                      "accept` makes it writable as it is",
                      partition_directory_name(partition.id()));
        }
    }
    for (Chunk* chunk : chunks) {
        window_.drop_if_unused(*chunk);
    }
    co_return Result<void>{};
}

}  // namespace ringlog::engine

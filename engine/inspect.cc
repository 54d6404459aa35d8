// Looking at damage. See engine/inspect.h.
#include "engine/inspect.h"

#include <algorithm>
#include <map>
#include <set>

#include "engine/journal_scan.h"
#include "engine/manifest.h"
#include "engine/replay.h"

namespace ringlog::engine {

namespace {

constexpr uint32_t kReadBytes = 1 << 20;

/// One walk over the log of a partition.
class LogWalk {
public:
    explicit LogWalk(Partition& partition)
        : partition_(partition),
          next_(partition.log_start_offset()),
          end_(partition.log_end_offset()) {}

    io::Task<std::vector<OffsetRange>> run();

private:
    [[nodiscard]] io::Task<bool> readable(int64_t offset);
    [[nodiscard]] io::Task<int64_t> first_readable();
    void count(const ReadData& data);
    void miss(int64_t until);

    Partition& partition_;
    int64_t next_;  ///< Everything below has been judged.
    int64_t end_;
    std::vector<OffsetRange> missing_;
};

void LogWalk::miss(int64_t until) {
    if (until > next_) {
        missing_.push_back({next_, until});
        next_ = until;
    }
}

void LogWalk::count(const ReadData& data) {
    const std::vector<std::byte> whole = data.to_bytes();
    for (ByteView left = whole; !left.empty();) {
        const auto header = decode_batch_header(left);
        if (!header || header->total_bytes > left.size()) {
            return;
        }
        miss(header->base_offset);
        next_ = std::max(next_, header->last_offset() + 1);
        left = left.subspan(header->total_bytes);
    }
}

io::Task<bool> LogWalk::readable(int64_t offset) {
    const auto data = co_await partition_.read(offset, 1, end_);
    co_return data && data->bytes > 0;
}

/// Behind next_, which is not; end_ if there is nothing more. Doubling steps, then halving ones: a
/// read may begin at each offset behind the next index entry that is whole.
io::Task<int64_t> LogWalk::first_readable() {
    int64_t bad = next_;
    int64_t good = end_;
    for (int64_t step = 1; bad + step < end_; step *= 2) {
        const bool found = co_await readable(bad + step);
        if (found) {
            good = bad + step;
            break;
        }
        bad += step;
    }
    while (good - bad > 1) {
        const int64_t middle = bad + (good - bad) / 2;
        const bool found = co_await readable(middle);
        (found ? good : bad) = middle;
    }
    co_return good;
}

io::Task<std::vector<OffsetRange>> LogWalk::run() {
    while (next_ < end_) {
        const int64_t begun = next_;
        auto data = co_await partition_.read(next_, kReadBytes, end_);
        if (!data) {
            const int64_t from = co_await first_readable();
            if (from < end_) {
                data = co_await partition_.read(from, kReadBytes, end_);
            }
        }
        if (data) {
            count(*data);
        }
        if (next_ == begun) {
            miss(end_);
        }
    }
    co_return std::move(missing_);
}

/// Batch entries of numbers that neither the checkpoint nor an `open` explains.
std::vector<UnexplainedBatches> unexplained(const Checkpoint& checkpoint,
                                            const RecoveryPlan& plan) {
    std::set<uint32_t> known;
    for (const PartitionState& state : checkpoint.partitions) {
        known.insert(state.number.value());
    }
    std::map<uint32_t, UnexplainedBatches> found;
    for (const AcceptedFrame& frame : plan.frames) {
        for (const FrameEntry& entry : frame.entries) {
            if (entry.kind == EntryKind::open && !frame.payload_damaged) {
                known.insert(entry.partition);
            }
            if (entry.kind != EntryKind::batch || entry.bytes_left > 0 ||
                known.contains(entry.partition)) {
                continue;
            }
            UnexplainedBatches& batches =
                found
                    .try_emplace(
                        entry.partition,
                        UnexplainedBatches{.number = PartitionNumber(entry.partition),
                                           .offsets = {entry.base_offset, entry.base_offset}})
                    .first->second;
            ++batches.batches;
            batches.offsets.end = std::max(batches.offsets.end, entry.last_offset + 1);
        }
    }
    std::vector<UnexplainedBatches> all;
    all.reserve(found.size());
    for (const auto& [number, batches] : found) {
        all.push_back(batches);
    }
    return all;
}

}  // namespace

io::Task<std::vector<OffsetRange>> find_missing_offsets(Partition& partition) {
    const Partition::Hold hold(partition);
    LogWalk walk(partition);
    co_return co_await walk.run();
}

io::Task<Result<JournalInspection>> inspect_journal(io::Reactor& here, std::string directory,
                                                    JournalId journal) {
    CheckpointSlots slots(here, directory, journal);
    auto readings = co_await slots.read();
    if (!readings) {
        co_return fail(readings.error());
    }
    JournalInspection inspection;
    const auto checkpoint = choose_checkpoint(std::move(*readings), inspection.findings);
    if (!checkpoint) {
        inspection.refused = inspection.replay_lost = true;
        co_return inspection;
    }
    auto& files = here.files();
    const std::string journal_directory = directory + "/" + journal_directory_name(journal);
    const Generation from = checkpoint->replay_generation;
    const auto scanned =
        co_await here.run_blocking([&] { return scan_journal(files, journal_directory, from); });
    if (!scanned) {
        co_return fail(scanned.error());
    }
    std::vector<FileView> views;
    views.reserve(scanned->size());
    for (const ScannedFile& file : *scanned) {
        views.push_back(file.view());
    }
    const RecoveryPlan plan = plan_recovery(journal, *checkpoint, views);
    std::ranges::copy(plan.findings, std::back_inserter(inspection.findings));
    inspection.refused = plan.refused;
    inspection.replay_lost = plan.refused && plan.findings.back().name == RecoveryCase::no_files;
    if (!plan.refused) {
        const ReplayOutcome outcome = replay(*checkpoint, plan, here.wall_ms());
        std::ranges::copy(outcome.findings, std::back_inserter(inspection.findings));
        inspection.refused = outcome.refused;
        inspection.unknown_entries = outcome.unknown_entries;
        if (outcome.unknown_entries > 0) {
            inspection.unexplained = unexplained(*checkpoint, plan);
        }
    }
    co_return inspection;
}

}  // namespace ringlog::engine

// Checkpoints of a shard, and its end. See engine/shard.h and docs/journal.md, "Checkpoint".
#include <algorithm>

#include "base/log.h"
#include "base/mutant.h"
#include "engine/shard.h"

namespace ringlog::engine {

namespace {

/// States copied before others may run: a few microseconds each.
constexpr size_t kStatesPerSlice = 64;
constexpr int64_t kRetryNs = 500 * kMillisecondNs;

}  // namespace

io::Task<void> Shard::checkpoint_loop() {
    while (!closing_ && !journal_->failure()) {
        // Space is freed behind the older slot: two checkpoints free what is behind the first.
        if (!journal_->wants_checkpoint()) {
            co_await checkpoint_work_.wait_until(reactor_.now() + kRetryNs);
            continue;
        }
        auto done = co_await checkpoint();
        if (!done && !closing_) {
            log_warn("shard", "journal {}: no checkpoint: {}; trying again",
                     options_.journal.value(), describe(done.error()));
            co_await closing_event_.wait_until(reactor_.now() + kRetryNs);
        }
        co_await reactor_.yield();
    }
}

io::Task<Result<void>> Shard::checkpoint() {
    co_await checkpoint_turn_.take(1);
    Result<void> done = fail(Errc::closed);
    if (journal_->failure()) {
        // The one before may have failed in its sync: what that lost, a later sync does not tell.
        done = fail(*journal_->failure());
    } else if (!closing_) {
        done = co_await write_checkpoint();
    }
    checkpoint_turn_.give(1);
    co_return done;
}

io::Task<std::vector<PartitionState>> Shard::snapshot_states(Sequence& last_stamp) {
    std::vector<PartitionState> states;
    std::vector<PartitionNumber> numbers;
    numbers.reserve(by_number_.size());
    for (const Partition* partition : partitions()) {
        numbers.push_back(partition->number());
    }
    Sequence stamp = journal_->cut();
    size_t in_slice = 0;
    for (const PartitionNumber number : numbers) {
        if (++in_slice > kStatesPerSlice) {
            co_await reactor_.yield();
            // Later entries get a higher sequence than this stamp, also those of the frame that is
            // being built now.
            stamp = journal_->cut();
            in_slice = 0;
        }
        const auto found = by_number_.find(number);
        if (found == by_number_.end() || found->second->deleted()) {
            continue;
        }
        const Partition& partition = *found->second;
        PartitionState state = partition.log().state(stamp);
        state.destaging_base_offset = partition.synced.segment_base;
        state.destaged_bytes = partition.synced.bytes;
        states.push_back(std::move(state));
    }
    last_stamp = stamp;
    co_return states;
}

Sequence Shard::stop_point() const {
    // No batch may stand on both sides: replay begins behind it and would miss the first pieces.
    Sequence stop = journal_->completed();
    for (bool lowered = true; lowered;) {
        lowered = false;
        for (const auto& [number, partition] : by_number_) {
            const Sequence limit = partition->pieces().whole_through(stop);
            if (limit < stop) {
                stop = limit;
                lowered = true;
            }
        }
    }
    return std::max(stop, replay_after_);
}

io::Task<Result<void>> Shard::write_checkpoint() {
    const Sequence stop = stop_point();
    auto flushed = co_await journal_->flushed(stop);
    if (!flushed) {
        co_return flushed;
    }
    auto destaged = co_await destager_.destage_through(stop);
    if (!destaged) {
        co_return destaged;
    }
    // What is written now is covered by the sync that follows; what is written meanwhile is not
    // counted.
    for (const auto& [number, partition] : by_number_) {
        partition->syncing = partition->destaged;
    }
    auto& files = reactor_.files();
    const std::string directory = options_.directory;
    if (mutant(Mutant::free_journal_before_sync)) {
        journal_->free_before(journal_->generation_behind(stop));
    }
    auto synced = co_await reactor_.run_blocking([&] {
        return mutant(Mutant::skip_sync_of_segments)
                   ? Result<void>{}
                   : options_.directory_sync->sync(files, directory);
    });
    if (!synced) {
        // Whatever write-back lost, only the journal has it: that journal must not go on as if it
        // could be freed.
        journal_->fail_with(synced.error());
        co_return synced;
    }
    for (const auto& [number, partition] : by_number_) {
        partition->synced = partition->syncing;
    }
    Checkpoint checkpoint;
    checkpoint.journal = options_.journal;
    checkpoint.number = checkpoint_number_ + 1;
    checkpoint.replay_after = stop;
    checkpoint.replay_generation = journal_->generation_behind(stop);
    checkpoint.partitions = co_await snapshot_states(checkpoint.last_stamp);
    checkpoint.next_number = next_number_;
    auto valid = co_await journal_->flushed(
        mutant(Mutant::checkpoint_of_unflushed) ? stop : checkpoint.last_stamp);
    if (!valid) {
        co_return valid;
    }
    checkpoint.durable_through = journal_->flushed_through();
    auto written = co_await slots_.write(checkpoint);
    if (!written) {
        co_return written;
    }
    ++checkpoint_number_;
    ++counters_.checkpoints;
    replay_after_ = stop;
    previous_replay_generation_ = replay_generation_;
    replay_generation_ = checkpoint.replay_generation;
    journal_->free_before(previous_replay_generation_);
    co_return Result<void>{};
}

io::Task<Result<uint64_t>> Shard::accept_damage() {
    uint64_t count = 0;
    for (Partition* partition : partitions()) {
        if (partition->log().damage() != Damage::none) {
            partition->accept_damage();
            ++count;
        }
    }
    // Both slots: neither may bring the damage back.
    for (int i = 0; i < 2; ++i) {
        auto done = co_await checkpoint();
        if (!done) {
            co_return fail(done.error());
        }
    }
    co_return count;
}

std::vector<PartitionState> Shard::states() {
    std::vector<PartitionState> all;
    all.reserve(by_number_.size());
    for (const Partition* partition : partitions()) {
        PartitionState state = partition->log().state(journal_->completed());
        state.destaging_base_offset = partition->synced.segment_base;
        state.destaged_bytes = partition->synced.bytes;
        all.push_back(std::move(state));
    }
    return all;
}

io::Task<void> Shard::cut_active_segments() {
    std::vector<PartitionNumber> numbers;
    for (const Partition* partition : partitions()) {
        numbers.push_back(partition->number());
    }
    for (const PartitionNumber number : numbers) {
        const auto found = by_number_.find(number);
        if (found == by_number_.end() || found->second->deleted()) {
            continue;  // removed while we waited
        }
        Partition* const partition = found->second;
        const Partition::Hold hold(*partition);
        const auto& segments = partition->log().segments();
        const Partition::DestageProgress& destaged = partition->destaged;
        const bool whole = !segments.empty() && segments.back().bytes > 0 &&
                           destaged.segment_base == segments.back().base_offset &&
                           destaged.bytes == segments.back().bytes;
        if (!whole || partition->destaging) {
            continue;
        }
        const SegmentState segment = segments.back();  // the list may grow while we wait
        auto sealed = co_await segments_.seal(partition->id(), segment);
        if (!sealed) {
            log_warn("shard", "{}: not cut to its length: {}",
                     partition_directory_name(partition->id()), describe(sealed.error()));
        }
    }
}

io::Task<Result<void>> Shard::close(bool clean) {
    Result<void> result{};
    journal_->expect_end();
    const bool in_order = clean && !journal_->failure();
    if (in_order) {
        result = co_await checkpoint();
    }
    closing_ = true;
    checkpoint_work_.notify_all();
    closing_event_.notify_all();
    // A checkpoint that is under way uses the journal's files.
    co_await checkpoint_turn_.take(1);
    destager_.stop();
    if (in_order && result) {
        // Nothing is destaged any more: what is appended meanwhile stays in the journal, and no
        // segment is cut under bytes that a checkpoint counts on.
        co_await cut_active_segments();
    }
    co_await journal_->close();
    checkpoint_turn_.give(1);
    co_await tasks_.close();
    // The journal has told them how they end. What comes later is refused, so the list stays.
    while (changes_ > 0) {
        co_await changed_.wait();
    }
    for (Partition* partition : partitions()) {
        partition->mark_deleted();
        co_await partition->quiesced();
    }
    co_await segments_.close();
    co_return result;
}

}  // namespace ringlog::engine

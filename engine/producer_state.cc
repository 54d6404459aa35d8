// The memory of idempotent producers. See engine/producer_state.h.
#include "engine/producer_state.h"

#include <algorithm>
#include <limits>

#include "base/mutant.h"

namespace ringlog::engine {

namespace {

bool follows(int32_t last_sequence, int32_t next_sequence) {
    return last_sequence == std::numeric_limits<int32_t>::max()
               ? next_sequence == 0
               : next_sequence == last_sequence + 1;
}

/// Batches of a client carry a sequence; what has none (control batches of a transaction) leaves no
/// trace here.
bool is_sequenced(const BatchHeader& batch) {
    return batch.has_producer() && batch.base_sequence >= 0;
}

}  // namespace

Result<ProducerStates::Verdict> ProducerStates::check(const BatchHeader& batch) const {
    if (!is_sequenced(batch)) {
        return Verdict{};
    }
    const auto found = entries_.find(batch.producer_id);
    if (found == entries_.end()) {
        return Verdict{};
    }
    const ProducerEntry& entry = *found->second;
    if (batch.producer_epoch < entry.producer_epoch) {
        return fail(Errc::invalid_producer_epoch);
    }
    if (batch.producer_epoch > entry.producer_epoch) {
        if (batch.base_sequence != 0) {
            return fail(Errc::out_of_order_sequence);
        }
        return Verdict{};
    }
    for (const ProducerBatch& known : entry.batches) {
        if (known.first_sequence == batch.base_sequence &&
            known.last_sequence == batch.last_sequence()) {
            return Verdict{.duplicate = known};
        }
    }
    if (!entry.batches.empty() && !mutant(Mutant::sequence_gap_accepted) &&
        !follows(entry.batches.back().last_sequence, batch.base_sequence)) {
        return fail(Errc::out_of_order_sequence);
    }
    return Verdict{};
}

void ProducerStates::append(const BatchHeader& batch, int64_t base_offset, WallMs now) {
    if (!is_sequenced(batch)) {
        return;
    }
    const auto found = entries_.find(batch.producer_id);
    if (found == entries_.end()) {
        if (entries_.size() >= kProducersPerPartitionMax) {
            entries_.erase(lru_.front().producer_id);
            lru_.pop_front();
        }
        lru_.push_back({.producer_id = batch.producer_id, .producer_epoch = batch.producer_epoch});
        entries_.emplace(batch.producer_id, std::prev(lru_.end()));
    } else {
        lru_.splice(lru_.end(), lru_, found->second);
    }
    ProducerEntry& entry = lru_.back();
    if (entry.producer_epoch != batch.producer_epoch) {
        entry.producer_epoch = batch.producer_epoch;
        entry.batches.clear();
    }
    if (entry.batches.size() >= ProducerEntry::kBatchesMax) {
        entry.batches.erase(entry.batches.begin());
    }
    entry.last_used_ms = now;
    entry.batches.push_back({.first_sequence = batch.base_sequence,
                             .last_sequence = batch.last_sequence(),
                             .base_offset = base_offset,
                             .last_offset = base_offset + batch.last_offset_delta,
                             .timestamp = batch.max_timestamp});
}

size_t ProducerStates::expire(WallMs now, int64_t expiration_ms) {
    // The whole list: the wall clock may step, so order of use is not order of time.
    return std::erase_if(entries_, [&](const auto& item) {
        const auto entry = item.second;
        if (now - entry->last_used_ms < expiration_ms) {
            return false;
        }
        lru_.erase(entry);
        return true;
    });
}

void ProducerStates::truncate(int64_t end_offset) {
    std::erase_if(entries_, [&](const auto& item) {
        const auto entry = item.second;
        std::erase_if(entry->batches,
                      [&](const ProducerBatch& batch) { return batch.last_offset >= end_offset; });
        if (!entry->batches.empty()) {
            return false;
        }
        lru_.erase(entry);
        return true;
    });
}

std::vector<ProducerEntry> ProducerStates::snapshot() const {
    std::vector<ProducerEntry> all(lru_.begin(), lru_.end());
    std::ranges::sort(all, {}, &ProducerEntry::producer_id);
    return all;
}

void ProducerStates::restore(const std::vector<ProducerEntry>& entries) {
    entries_.clear();
    lru_.assign(entries.begin(), entries.end());
    lru_.sort([](const ProducerEntry& a, const ProducerEntry& b) {
        return a.last_used_ms < b.last_used_ms;
    });
    for (auto entry = lru_.begin(); entry != lru_.end();) {
        const bool known = !entries_.emplace(entry->producer_id, entry).second;
        const bool usable = !known && entries_.size() <= kProducersPerPartitionMax;
        if (usable) {
            ++entry;
            continue;
        }
        if (!known) {
            entries_.erase(entry->producer_id);
        }
        entry = lru_.erase(entry);
    }
}

}  // namespace ringlog::engine

// What a partition remembers of idempotent producers: who may append which sequence next, and what
// was already appended. Pure: time comes as an argument. One core. Source: Kafka's
// ProducerAppendInfo and ProducerStateEntry.
#pragma once

#include <cstdint>
#include <list>
#include <optional>
#include <unordered_map>
#include <vector>

#include "base/clock.h"
#include "base/error.h"
#include "engine/record_batch.h"
#include "engine/types.h"

namespace ringlog::engine {

/// How many producers a partition remembers; the one that was idle longest is forgotten first.
constexpr size_t kProducersPerPartitionMax = 10'000;

class ProducerStates {
public:
    ProducerStates() = default;
    ProducerStates(ProducerStates&&) = default;
    ProducerStates& operator=(ProducerStates&&) = default;
    ProducerStates(const ProducerStates&) = delete;
    ProducerStates& operator=(const ProducerStates&) = delete;

    /// What to do with a batch of a producer.
    struct Verdict {
        /// Set if it was appended before: answer with this, once it is at the high watermark, and
        /// append nothing.
        std::optional<ProducerBatch> duplicate;
    };

    /// Judges a client's batch, changing nothing. Errors: invalid_producer_epoch (older than
    /// known), out_of_order_sequence (a gap, or a new epoch that does not begin at 0). An unknown
    /// producer may begin anywhere.
    [[nodiscard]] Result<Verdict> check(const BatchHeader& batch) const;

    /// Records that `batch` was appended at `base_offset` (from a client after check(), or in
    /// replay).
    void append(const BatchHeader& batch, int64_t base_offset, WallMs now);

    /// Forgets producers whose last append is `expiration_ms` or more before `now`; how many.
    size_t expire(WallMs now, int64_t expiration_ms);

    /// Forgets batches at or beyond `end_offset` (a truncation).
    void truncate(int64_t end_offset);

    [[nodiscard]] size_t size() const { return entries_.size(); }
    [[nodiscard]] std::vector<ProducerEntry> snapshot() const;  ///< Sorted by producer id.
    void restore(const std::vector<ProducerEntry>& entries);

private:
    using LruList = std::list<ProducerEntry>;  ///< Least recently used first.
    LruList lru_;
    std::unordered_map<int64_t, LruList::iterator> entries_;
};

}  // namespace ringlog::engine

// The words of the engine: numbers that name things on disk, and the states that checkpoint,
// recovery and partition share. No I/O. Explained in docs/journal.md.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/strong_int.h"
#include "base/uuid.h"

namespace ringlog::engine {

/// Names a partition on disk, broker-wide. Not reused while a live frame can hold it.
using PartitionNumber = StrongInt<struct PartitionNumberTag, uint32_t>;
/// Counts the frames of one journal, from 1.
using Sequence = StrongInt<struct SequenceTag, uint64_t>;
/// One use of one journal file. Never reused within a data directory.
using Generation = StrongInt<struct GenerationTag, uint64_t>;
using JournalId = StrongInt<struct JournalIdTag, uint16_t>;
/// Kafka's leader epoch of a partition; -1 is none.
using LeaderEpoch = StrongInt<struct LeaderEpochTag, int32_t>;

/// The unit of every direct write of ours, and of everything that is padded.
constexpr uint32_t kBlockBytes = 4096;

/// A partition as everything outside the journal names it.
struct TopicPartition {
    std::string topic;
    Uuid topic_id;
    int32_t partition = 0;

    friend bool operator==(const TopicPartition&, const TopicPartition&) = default;
};

/// An epoch of a leader and the first offset that was written in it.
struct EpochStart {
    LeaderEpoch epoch;
    int64_t start_offset = 0;

    friend bool operator==(const EpochStart&, const EpochStart&) = default;
};

/// A segment file `<20 digits of base_offset>.log`. The last of a partition is active, the others
/// are sealed.
struct SegmentState {
    int64_t base_offset = 0;
    uint64_t bytes =
        0;  ///< Bytes of batches that belong to it, in the file or still in the journal.
    WallMs max_timestamp = -1;  ///< The largest timestamp of its batches; -1 if it has none.
    WallMs created_ms = 0;      ///< When its first batch was appended.

    friend bool operator==(const SegmentState&, const SegmentState&) = default;
};

/// One of the last batches of a producer in a partition.
struct ProducerBatch {
    int32_t first_sequence = 0;
    int32_t last_sequence = 0;
    int64_t base_offset = 0;
    int64_t last_offset = 0;
    WallMs timestamp = -1;

    friend bool operator==(const ProducerBatch&, const ProducerBatch&) = default;
};

/// What a partition knows of one idempotent producer.
struct ProducerEntry {
    static constexpr size_t kBatchesMax =
        5;  ///< As in Kafka; why a producer has at most five requests in flight.

    int64_t producer_id = -1;
    int16_t producer_epoch = -1;
    WallMs last_used_ms = 0;  ///< Wall clock of its last append: expiry counts from here.
    std::vector<ProducerBatch> batches;  ///< Oldest first, at most kBatchesMax.

    friend bool operator==(const ProducerEntry&, const ProducerEntry&) = default;
};

/// Why a partition takes no writes. Kept in the checkpoint; the operator ends it (`ringlog log
/// accept`).
enum class Damage : uint8_t {
    none = 0,
    journal_gap = 1,     ///< Recovery could not prove that its log is continuous.
    segment_failed = 2,  ///< A segment of it could not be written; its bytes are in a rescue file.
};

/// Everything of a partition that a checkpoint holds. The stamp is the sequence of the last frame
/// whose effect it has.
struct PartitionState {
    PartitionNumber number;
    TopicPartition id;
    Sequence stamp;
    LeaderEpoch leader_epoch{-1};
    int64_t log_start_offset = 0;
    int64_t log_end_offset = 0;
    Damage damage = Damage::none;
    uint64_t destaged_bytes =
        0;  ///< Of the active segment: bytes that were in its file before the last sync.
    int64_t destaging_base_offset =
        0;  ///< The segment that destaged_bytes counts in; those before it are whole.
    std::vector<SegmentState>
        segments;                    ///< In order of base_offset; empty before the first append.
    std::vector<EpochStart> epochs;  ///< In order of epoch.
    std::vector<ProducerEntry> producers;

    friend bool operator==(const PartitionState&, const PartitionState&) = default;
};

}  // namespace ringlog::engine

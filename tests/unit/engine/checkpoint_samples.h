// Checkpoints with random content, for tests of their bytes and of their slots.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "base/random.h"
#include "engine/checkpoint.h"

namespace ringlog::engine::test {

inline ProducerEntry random_producer(Random& random) {
    ProducerEntry producer{.producer_id = static_cast<int64_t>(random.below(1'000'000)),
                           .producer_epoch = static_cast<int16_t>(random.below(100)),
                           .last_used_ms = static_cast<int64_t>(random.next() >> 20U)};
    const uint64_t batches = random.below(ProducerEntry::kBatchesMax + 1);
    for (uint64_t i = 0; i < batches; ++i) {
        producer.batches.push_back({.first_sequence = static_cast<int32_t>(random.next() >> 33U),
                                    .last_sequence = static_cast<int32_t>(random.next() >> 33U),
                                    .base_offset = static_cast<int64_t>(random.next() >> 1U),
                                    .last_offset = static_cast<int64_t>(random.next() >> 1U),
                                    .timestamp = static_cast<int64_t>(random.next() >> 1U)});
    }
    return producer;
}

inline PartitionState random_partition(Random& random) {
    PartitionState state{.number = PartitionNumber(static_cast<uint32_t>(random.below(10'000))),
                         .id = {.topic = std::string(random.below(250), 't'),
                                .topic_id = Uuid::random(random),
                                .partition = static_cast<int32_t>(random.below(1000))},
                         .stamp = Sequence(random.next()),
                         .leader_epoch = LeaderEpoch(static_cast<int32_t>(random.below(1000))),
                         .log_start_offset = static_cast<int64_t>(random.next() >> 1U),
                         .log_end_offset = static_cast<int64_t>(random.next() >> 1U),
                         .damage = static_cast<Damage>(random.below(3)),
                         .destaged_bytes = random.next(),
                         .destaging_base_offset = static_cast<int64_t>(random.next() >> 1U)};
    const uint64_t segments = random.below(4);
    for (uint64_t i = 0; i < segments; ++i) {
        state.segments.push_back({.base_offset = static_cast<int64_t>(random.next() >> 1U),
                                  .bytes = random.next(),
                                  .max_timestamp = static_cast<int64_t>(random.next() >> 1U),
                                  .created_ms = static_cast<int64_t>(random.next() >> 1U)});
    }
    const uint64_t epochs = random.below(4);
    for (uint64_t i = 0; i < epochs; ++i) {
        state.epochs.push_back({.epoch = LeaderEpoch(static_cast<int32_t>(i)),
                                .start_offset = static_cast<int64_t>(random.next() >> 1U)});
    }
    const uint64_t producers = random.below(4);
    for (uint64_t i = 0; i < producers; ++i) {
        state.producers.push_back(random_producer(random));
    }
    return state;
}

inline Checkpoint random_checkpoint(Random& random, JournalId journal, uint64_t number,
                                    size_t partitions) {
    Checkpoint checkpoint{.journal = journal,
                          .number = number,
                          .replay_generation = Generation(random.next()),
                          .replay_after = Sequence(random.next()),
                          .last_stamp = Sequence(random.next()),
                          .durable_through = Sequence(random.next()),
                          .next_number = PartitionNumber(10'000)};
    for (size_t i = 0; i < partitions; ++i) {
        checkpoint.partitions.push_back(random_partition(random));
    }
    return checkpoint;
}

}  // namespace ringlog::engine::test

// Frames and checkpoints for hand-made journals (tests/support/journal_image.h).
#pragma once

#include <string_view>
#include <vector>

#include "engine/checkpoint.h"
#include "engine/record_batch.h"
#include "tests/support/journal_image.h"
#include "tests/unit/engine/batch_builder.h"

namespace ringlog::engine {

/// A checkpoint of journal 3 that holds no partition: replay begins behind frame `replay_after`, in
/// the file of `generation`.
inline Checkpoint checkpoint_after(uint64_t replay_after, uint64_t generation = 1) {
    Checkpoint checkpoint;
    checkpoint.journal = JournalId(3);
    checkpoint.number = 1;
    checkpoint.replay_generation = Generation(generation);
    checkpoint.replay_after = Sequence(replay_after);
    checkpoint.last_stamp = Sequence(replay_after);
    checkpoint.durable_through = Sequence(replay_after);
    return checkpoint;
}

/// A frame with one entry, of the life of `salt`.
inline JournalImage::Spec frame_of(std::string_view payload, uint64_t durable_through,
                                   uint64_t salt = 11) {
    JournalImage::Spec spec;
    spec.salt = salt;
    spec.durable_through = durable_through;
    const ByteView bytes = as_bytes(payload);
    spec.payload.assign(bytes.begin(), bytes.end());
    FrameEntry entry;
    entry.kind = EntryKind::epoch;
    entry.length = static_cast<uint32_t>(bytes.size());
    spec.entries.push_back(entry);
    return spec;
}

/// The frame that begins the life of `salt`.
inline JournalImage::Spec fence_of(uint64_t salt, uint64_t durable_through) {
    JournalImage::Spec fence;
    fence.salt = salt;
    fence.flags = kFrameFence;
    fence.durable_through = durable_through;
    return fence;
}

/// A frame with a batch of one record, at `offset` and `position` of segment 0 of partition 7.
inline JournalImage::Spec batch_frame(int64_t offset, uint64_t position, uint64_t durable_through) {
    std::vector<std::byte> batch = test::BatchBuilder().record(1000, "value").build();
    stamp_batch(batch, offset, LeaderEpoch(0));
    JournalImage::Spec spec;
    spec.durable_through = durable_through;
    FrameEntry entry;
    entry.partition = 7;
    entry.kind = EntryKind::batch;
    entry.leader_epoch = 0;
    entry.base_offset = entry.last_offset = offset;
    entry.segment_base = 0;
    entry.segment_position = position;
    entry.length = static_cast<uint32_t>(batch.size());
    entry.timestamp = 1000;
    spec.entries.push_back(entry);
    spec.payload = std::move(batch);
    return spec;
}

/// Bytes of each batch of batch_frame().
inline uint64_t batch_frame_bytes() {
    return batch_frame(0, 0, 0).payload.size();
}

}  // namespace ringlog::engine

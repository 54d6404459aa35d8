// Cold reads and lookups by time. See engine/segment_store.h.
#include <algorithm>
#include <cstring>

#include "engine/segment_store_state.h"
#include "engine/whole_io.h"

namespace ringlog::engine {

namespace {

constexpr uint64_t kReadChunkBytesMax = 1 << 20;
/// Wrong entries that one lookup forgives before the whole index is thrown away.
constexpr int kWrongEntriesMax = 4;

bool is_corrupt(const Error& error) {
    return error.code == Errc::corrupt_batch;
}

/// Takes batches from the one that contains `offset` on.
io::Task<Result<SegmentRead>> collect(SegmentReader& reader, int64_t offset, uint32_t max_bytes) {
    SegmentRead read;
    while (read.bytes.size() < max_bytes || read.bytes.empty()) {
        const auto batch = co_await reader.next();
        if (!batch && (read.bytes.empty() || !is_corrupt(batch.error()))) {
            co_return fail(batch.error());
        }
        if (!batch || !batch->has_value()) {
            break;
        }
        const StoredBatch& stored = **batch;
        if (stored.header.last_offset() < offset) {
            continue;
        }
        const bool first = read.bytes.empty();
        if (!first && (!stored.crc_ok || read.bytes.size() + stored.bytes.size() > max_bytes)) {
            break;
        }
        if (!stored.crc_ok) {
            co_return fail(Errc::corrupt_batch, 0, stored.header.base_offset);
        }
        if (first) {
            read.bytes.reserve(
                std::max<uint64_t>(stored.bytes.size(), std::min<uint64_t>(max_bytes, 1 << 20)));
        }
        read.bytes.insert(read.bytes.end(), stored.bytes.begin(), stored.bytes.end());
    }
    if (read.bytes.empty()) {
        co_return fail(Errc::short_read, 0, offset);
    }
    read.batches_bytes = read.bytes.size();
    co_return read;
}

}  // namespace

io::Task<Result<void>> SegmentStore::State::seek_offset(CachedSegment& segment,
                                                        SegmentReader& reader, int64_t offset,
                                                        uint64_t valid_bytes) {
    for (int wrong = 0; segment.index; ++wrong) {
        const auto entry = segment.index->floor(offset, valid_bytes);
        if (!entry) {
            break;
        }
        reader.seek(entry->position, segment.base_offset);
        const auto batch = co_await reader.next();
        if (!batch && !is_corrupt(batch.error())) {
            co_return fail(batch.error());
        }
        if (batch && batch->has_value() && (*batch)->header.last_offset() == entry->last_offset) {
            reader.seek(entry->position, (*batch)->header.base_offset);
            co_return Result<void>{};
        }
        // Either the index is wrong or the segment is damaged there. Without the entry, reading
        // begins earlier and tells.
        if (!segment.index || segment.index_busy) {
            break;
        }
        segment.index->remove(*entry);
        segment.files_known = false;
        ++segment.index_changes;
        if (wrong == kWrongEntriesMax) {
            drop_index(segment);
            segment.files_wrong = true;
        }
    }
    reader.seek(0, segment.base_offset);
    co_return Result<void>{};
}

io::Task<Result<SegmentRead>> SegmentStore::read(const TopicPartition& id,
                                                 const SegmentState& segment, int64_t offset,
                                                 uint32_t max_bytes, uint64_t valid_bytes) {
    State& state = *state_;
    const uint64_t valid = std::min(valid_bytes, segment.bytes);
    if (valid < kBatchHeaderBytes) {
        co_return fail(Errc::short_read, 0, offset);
    }
    const State::Use partition(state, state.partition(id));
    CachedSegment& cached = State::segment(*partition, segment.base_offset);
    auto lease = co_await state.open_reader(cached);
    if (!lease) {
        co_return fail(lease.error());
    }
    const auto loaded = co_await state.load_index(
        cached, lease->file(), {.valid_bytes = valid, .max_timestamp = segment.max_timestamp});
    if (!loaded) {
        co_return fail(loaded.error());
    }
    // One read brings what is asked for, and what lies between it and the entry of the index in
    // front of it.
    const uint64_t wanted =
        uint64_t{max_bytes} + state.options.index_interval_bytes + uint64_t{2} * kBlockBytes;
    SegmentReader reader(lease->file(), state.read_budget,
                         {.segment_base = segment.base_offset,
                          .valid_bytes = valid,
                          .whole_bytes = segment.bytes,
                          .chunk_bytes = std::min(wanted, kReadChunkBytesMax)});
    const auto found = co_await state.seek_offset(cached, reader, offset, valid);
    if (!found) {
        co_return fail(found.error());
    }
    auto read = co_await collect(reader, offset, max_bytes);
    co_await state.drop_cold_indexes();
    co_return read;
}

io::Task<Result<bool>> SegmentStore::State::holds(CachedSegment& segment, SegmentReader& reader,
                                                  TimeEntry entry, uint64_t valid_bytes) {
    const auto found = co_await seek_offset(segment, reader, entry.last_offset, valid_bytes);
    if (!found) {
        co_return fail(found.error());
    }
    while (true) {
        const auto batch = co_await reader.next();
        if (!batch && !is_corrupt(batch.error())) {
            co_return fail(batch.error());
        }
        if (!batch || !batch->has_value()) {
            co_return false;
        }
        const BatchHeader& header = (*batch)->header;
        if (header.last_offset() >= entry.last_offset) {
            co_return header.base_offset <= entry.last_offset&& header.max_timestamp ==
                entry.timestamp;
        }
    }
}

io::Task<Result<std::optional<IndexedBatch>>> SegmentStore::State::search_time(
    CachedSegment& segment, SegmentReader& reader, WallMs timestamp, uint64_t valid_bytes) {
    using Answer = Result<std::optional<IndexedBatch>>;
    int64_t start = segment.base_offset;
    if (segment.index) {
        const auto range = segment.index->find_timestamp(timestamp, valid_bytes);
        start = range.start ? range.start->last_offset : start;
    }
    const auto found = co_await seek_offset(segment, reader, start, valid_bytes);
    if (!found) {
        co_return fail(found.error());
    }
    while (true) {
        const auto batch = co_await reader.next();
        if (!batch) {
            co_return fail(batch.error());
        }
        if (!batch->has_value()) {
            co_return Answer(std::nullopt);
        }
        const StoredBatch& stored = **batch;
        if (!stored.crc_ok) {
            co_return fail(Errc::corrupt_batch, 0, stored.header.base_offset);
        }
        if (stored.header.max_timestamp >= timestamp) {
            co_return Answer(IndexedBatch{.base_offset = stored.header.base_offset,
                                          .last_offset = stored.header.last_offset(),
                                          .position = stored.position,
                                          .max_timestamp = stored.header.max_timestamp});
        }
    }
}

io::Task<Result<IndexedBatch>> SegmentStore::find_timestamp(const TopicPartition& id,
                                                            const SegmentState& segment,
                                                            WallMs timestamp,
                                                            uint64_t valid_bytes) {
    State& state = *state_;
    const uint64_t valid = std::min(valid_bytes, segment.bytes);
    if (valid < kBatchHeaderBytes || segment.max_timestamp < timestamp) {
        co_return fail(Errc::not_found);
    }
    const State::Use partition(state, state.partition(id));
    CachedSegment& cached = State::segment(*partition, segment.base_offset);
    auto lease = co_await state.open_reader(cached);
    if (!lease) {
        co_return fail(lease.error());
    }
    SegmentReader reader(lease->file(), state.read_budget,
                         {.segment_base = segment.base_offset,
                          .valid_bytes = valid,
                          .whole_bytes = segment.bytes,
                          .chunk_bytes = uint64_t{4} * kBlockBytes});
    bool trusted = false;
    // The second time, the index was just built from the segment.
    for (int attempt = 0; attempt < 2 && !trusted; ++attempt) {
        const auto loaded = co_await state.load_index(
            cached, lease->file(),
            {.valid_bytes = valid, .times = true, .max_timestamp = segment.max_timestamp});
        if (!loaded) {
            co_return fail(loaded.error());
        }
        trusted = true;
        const auto range = cached.index ? cached.index->find_timestamp(timestamp, valid)
                                        : SegmentIndex::TimeRange{};
        for (const auto& entry : {range.below, range.reached}) {
            if (entry && trusted) {
                const auto held = co_await state.holds(cached, reader, *entry, valid);
                if (!held) {
                    co_return fail(held.error());
                }
                trusted = *held;
            }
        }
        if (!trusted && !cached.index_busy) {
            state.drop_index(cached);
            cached.files_wrong = true;
        }
    }
    const auto found = co_await state.search_time(cached, reader, timestamp, valid);
    co_await state.drop_cold_indexes();
    if (!found) {
        co_return fail(found.error());
    }
    if (!*found) {
        co_return fail(Errc::not_found);
    }
    co_return **found;
}

io::Task<Result<void>> SegmentStore::read_block(const TopicPartition& id, int64_t base_offset,
                                                uint64_t position, Bytes block) {
    RL_ASSERT(block.size() == kBlockBytes && position % kBlockBytes == 0);
    State& state = *state_;
    const State::Use partition(state, state.partition(id));
    CachedSegment& cached = State::segment(*partition, base_offset);
    auto lease = co_await state.open_reader(cached);
    if (!lease) {
        co_return fail(lease.error());
    }
    const AlignedBytes aligned(kBlockBytes);
    const auto count = co_await read_whole(lease->file(), aligned.bytes(), position);
    if (!count) {
        co_return fail(count.error());
    }
    std::ranges::fill(aligned.bytes().subspan(*count), std::byte{0});
    std::memcpy(block.data(), aligned.data(), kBlockBytes);
    co_return Result<void>{};
}

}  // namespace ringlog::engine

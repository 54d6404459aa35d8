// The bytes of a checkpoint. Pure. See engine/checkpoint.h; docs/on_disk_format.md, "Checkpoint
// slot", has the table.
#include <algorithm>
#include <limits>

#include "base/assert.h"
#include "base/checksum.h"
#include "engine/checkpoint.h"

namespace ringlog::engine {

namespace {

constexpr uint64_t kMagic = 0x31504b43474f4c52;  // "RLOGCKP1".
constexpr uint32_t kVersion = 1;

/// Positions in the header. Everything is little-endian.
namespace field {
constexpr size_t kMagicAt = 0;
constexpr size_t kVersionAt = 8;
constexpr size_t kHeaderBytesAt = 12;
constexpr size_t kSlotBytesAt = 16;
constexpr size_t kBodyBytesAt = 24;
constexpr size_t kJournalAt = 32;
constexpr size_t kNextNumberAt = 36;
constexpr size_t kNumberAt = 40;
constexpr size_t kReplayGenerationAt = 48;
constexpr size_t kReplayAfterAt = 56;
constexpr size_t kLastStampAt = 64;
constexpr size_t kDurableThroughAt = 72;
constexpr size_t kPartitionCountAt = 80;
constexpr size_t kBodyHashAt = 88;
constexpr size_t kHeaderHashAt = 120;
}  // namespace field
static_assert(field::kHeaderHashAt + 8 == kCheckpointHeaderBytes);

constexpr size_t kPartitionBytes = 96;  ///< Without its topic's name and its lists.
constexpr size_t kSegmentBytes = 32;
constexpr size_t kEpochBytes = 12;
constexpr size_t kProducerBytes = 24;
constexpr size_t kProducerBatchBytes = 32;
static_assert(sizeof(PartitionState) <= 2 * kPartitionBytes &&
                  sizeof(SegmentState) <= 2 * kSegmentBytes &&
                  sizeof(EpochStart) <= 2 * kEpochBytes &&
                  sizeof(ProducerEntry) <= 2 * kProducerBytes &&
                  sizeof(ProducerBatch) <= 2 * kProducerBatchBytes,
              "decoding allocates no more than twice the bytes");

/// Hashes are seeded so that the slot of another journal never passes for ours.
uint64_t seed_of(JournalId journal) {
    return kMagic ^ journal.value();
}

class Writer {
public:
    explicit Writer(std::vector<std::byte>& out) : out_(out) {}

    template <std::integral T>
    void put(T value) {
        out_.resize(out_.size() + sizeof(T));
        store_le(&out_[out_.size() - sizeof(T)], value);
    }
    void put_bytes(ByteView bytes) { out_.insert(out_.end(), bytes.begin(), bytes.end()); }
    void put_count(size_t count) {
        RL_ASSERT(count <= std::numeric_limits<uint32_t>::max());
        put(static_cast<uint32_t>(count));
    }

private:
    std::vector<std::byte>& out_;
};

/// Reads fields in order. A read beyond the end gives zeros and is remembered.
class Reader {
public:
    explicit Reader(ByteView bytes) : rest_(bytes) {}

    template <std::integral T>
    T take() {
        const ByteView bytes = take_bytes(sizeof(T));
        return bytes.empty() ? T{} : load_le<T>(bytes.data());
    }
    ByteView take_bytes(size_t count) {
        if (count > rest_.size()) {
            failed_ = true;
            rest_ = {};
            return {};
        }
        const ByteView bytes = rest_.first(count);
        rest_ = rest_.subspan(count);
        return bytes;
    }
    /// A count of items of at least `item_bytes` each, which must fit what is left.
    size_t take_count(size_t item_bytes) {
        const size_t count = take<uint32_t>();
        if (count > rest_.size() / item_bytes) {
            failed_ = true;
            return 0;
        }
        return count;
    }
    void refuse() { failed_ = true; }
    [[nodiscard]] bool failed() const { return failed_; }
    [[nodiscard]] bool at_end() const { return !failed_ && rest_.empty(); }

private:
    ByteView rest_;
    bool failed_ = false;
};

void put_producer(Writer& out, const ProducerEntry& producer) {
    RL_ASSERT(producer.batches.size() <= ProducerEntry::kBatchesMax);
    out.put(producer.producer_id);
    out.put(producer.last_used_ms);
    out.put(producer.producer_epoch);
    out.put(static_cast<uint16_t>(producer.batches.size()));
    out.put(uint32_t{0});
    for (const ProducerBatch& batch : producer.batches) {
        out.put(batch.first_sequence);
        out.put(batch.last_sequence);
        out.put(batch.base_offset);
        out.put(batch.last_offset);
        out.put(batch.timestamp);
    }
}

void put_partition(Writer& out, const PartitionState& state) {
    RL_ASSERT(state.id.topic.size() <= std::numeric_limits<uint16_t>::max());
    out.put(state.number.value());
    out.put(state.id.partition);
    out.put_bytes(state.id.topic_id.bytes);
    out.put(state.stamp.value());
    out.put(state.log_start_offset);
    out.put(state.log_end_offset);
    out.put(state.destaged_bytes);
    out.put(state.destaging_base_offset);
    out.put(state.leader_epoch.value());
    out.put(static_cast<uint8_t>(state.damage));
    out.put(uint8_t{0});
    out.put(static_cast<uint16_t>(state.id.topic.size()));
    out.put_count(state.segments.size());
    out.put_count(state.epochs.size());
    out.put_count(state.producers.size());
    out.put(uint32_t{0});
    out.put(uint64_t{0});
    out.put_bytes(as_bytes(state.id.topic));
    for (const SegmentState& segment : state.segments) {
        out.put(segment.base_offset);
        out.put(segment.bytes);
        out.put(segment.max_timestamp);
        out.put(segment.created_ms);
    }
    for (const EpochStart& epoch : state.epochs) {
        out.put(epoch.epoch.value());
        out.put(epoch.start_offset);
    }
    for (const ProducerEntry& producer : state.producers) {
        put_producer(out, producer);
    }
}

ProducerEntry take_producer(Reader& in) {
    ProducerEntry producer;
    producer.producer_id = in.take<int64_t>();
    producer.last_used_ms = in.take<int64_t>();
    producer.producer_epoch = in.take<int16_t>();
    const size_t batch_count = in.take<uint16_t>();
    if (in.take<uint32_t>() != 0 || batch_count > ProducerEntry::kBatchesMax) {
        in.refuse();
        return producer;
    }
    producer.batches.reserve(batch_count);
    for (size_t i = 0; i < batch_count && !in.failed(); ++i) {
        ProducerBatch& batch = producer.batches.emplace_back();
        batch.first_sequence = in.take<int32_t>();
        batch.last_sequence = in.take<int32_t>();
        batch.base_offset = in.take<int64_t>();
        batch.last_offset = in.take<int64_t>();
        batch.timestamp = in.take<int64_t>();
    }
    return producer;
}

/// The counts of a partition's lists, in their order.
struct Counts {
    size_t topic_bytes;
    size_t segments;
    size_t epochs;
    size_t producers;
};

Counts take_fixed(Reader& in, PartitionState& state) {
    state.number = PartitionNumber(in.take<uint32_t>());
    state.id.partition = in.take<int32_t>();
    const ByteView topic_id = in.take_bytes(state.id.topic_id.bytes.size());
    std::ranges::copy(topic_id, state.id.topic_id.bytes.begin());
    state.stamp = Sequence(in.take<uint64_t>());
    state.log_start_offset = in.take<int64_t>();
    state.log_end_offset = in.take<int64_t>();
    state.destaged_bytes = in.take<uint64_t>();
    state.destaging_base_offset = in.take<int64_t>();
    state.leader_epoch = LeaderEpoch(in.take<int32_t>());
    const auto damage = in.take<uint8_t>();
    state.damage = static_cast<Damage>(damage);
    const bool valid =
        damage <= static_cast<uint8_t>(Damage::segment_failed) && in.take<uint8_t>() == 0;
    const size_t topic_bytes = in.take<uint16_t>();
    const size_t segments = in.take_count(kSegmentBytes);
    const size_t epochs = in.take_count(kEpochBytes);
    const size_t producers = in.take_count(kProducerBytes);
    if (in.take<uint32_t>() != 0 || in.take<uint64_t>() != 0 || !valid) {
        in.refuse();
    }
    return {topic_bytes, segments, epochs, producers};
}

PartitionState take_partition(Reader& in) {
    PartitionState state;
    const Counts counts = take_fixed(in, state);
    state.id.topic = as_text(in.take_bytes(counts.topic_bytes));
    if (in.failed()) {
        return state;
    }
    state.segments.reserve(counts.segments);
    for (size_t i = 0; i < counts.segments && !in.failed(); ++i) {
        SegmentState& segment = state.segments.emplace_back();
        segment.base_offset = in.take<int64_t>();
        segment.bytes = in.take<uint64_t>();
        segment.max_timestamp = in.take<int64_t>();
        segment.created_ms = in.take<int64_t>();
    }
    state.epochs.reserve(counts.epochs);
    for (size_t i = 0; i < counts.epochs && !in.failed(); ++i) {
        const LeaderEpoch epoch(in.take<int32_t>());
        state.epochs.push_back({epoch, in.take<int64_t>()});
    }
    state.producers.reserve(counts.producers);
    for (size_t i = 0; i < counts.producers && !in.failed(); ++i) {
        state.producers.push_back(take_producer(in));
    }
    return state;
}

bool is_zero(ByteView bytes) {
    return std::ranges::all_of(bytes, [](std::byte b) { return b == std::byte{0}; });
}

void write_header(const Checkpoint& checkpoint, size_t body_bytes, Bytes slot) {
    std::byte* at = slot.data();
    const uint64_t seed = seed_of(checkpoint.journal);
    store_le<uint64_t>(at + field::kMagicAt, kMagic);
    store_le<uint32_t>(at + field::kVersionAt, kVersion);
    store_le<uint32_t>(at + field::kHeaderBytesAt, kCheckpointHeaderBytes);
    store_le<uint64_t>(at + field::kSlotBytesAt, slot.size());
    store_le<uint64_t>(at + field::kBodyBytesAt, body_bytes);
    store_le<uint16_t>(at + field::kJournalAt, checkpoint.journal.value());
    store_le<uint32_t>(at + field::kNextNumberAt, checkpoint.next_number.value());
    store_le<uint64_t>(at + field::kNumberAt, checkpoint.number);
    store_le<uint64_t>(at + field::kReplayGenerationAt, checkpoint.replay_generation.value());
    store_le<uint64_t>(at + field::kReplayAfterAt, checkpoint.replay_after.value());
    store_le<uint64_t>(at + field::kLastStampAt, checkpoint.last_stamp.value());
    store_le<uint64_t>(at + field::kDurableThroughAt, checkpoint.durable_through.value());
    store_le<uint32_t>(at + field::kPartitionCountAt,
                       static_cast<uint32_t>(checkpoint.partitions.size()));
    store_le<uint64_t>(at + field::kBodyHashAt, xxh3(slot.subspan(kCheckpointHeaderBytes), seed));
    store_le<uint64_t>(at + field::kHeaderHashAt, xxh3(slot.first(field::kHeaderHashAt), seed));
}

Checkpoint read_header(ByteView slot) {
    const std::byte* at = slot.data();
    return {.journal = JournalId(load_le<uint16_t>(at + field::kJournalAt)),
            .number = load_le<uint64_t>(at + field::kNumberAt),
            .replay_generation = Generation(load_le<uint64_t>(at + field::kReplayGenerationAt)),
            .replay_after = Sequence(load_le<uint64_t>(at + field::kReplayAfterAt)),
            .last_stamp = Sequence(load_le<uint64_t>(at + field::kLastStampAt)),
            .durable_through = Sequence(load_le<uint64_t>(at + field::kDurableThroughAt)),
            .next_number = PartitionNumber(load_le<uint32_t>(at + field::kNextNumberAt))};
}

}  // namespace

std::vector<std::byte> encode_checkpoint(const Checkpoint& checkpoint) {
    std::vector<std::byte> slot(kCheckpointHeaderBytes);
    Writer out(slot);
    RL_ASSERT(checkpoint.partitions.size() <= std::numeric_limits<uint32_t>::max());
    for (const PartitionState& state : checkpoint.partitions) {
        put_partition(out, state);
    }
    const size_t body_bytes = slot.size() - kCheckpointHeaderBytes;
    slot.resize(round_up(slot.size(), kBlockBytes));
    write_header(checkpoint, body_bytes, slot);
    return slot;
}

Result<uint64_t> checkpoint_bytes(ByteView first_block, JournalId journal) {
    if (first_block.size() < kCheckpointHeaderBytes) {
        return fail(Errc::corrupt_file);
    }
    const std::byte* at = first_block.data();
    if (is_zero(first_block.first(kCheckpointHeaderBytes))) {
        return fail(Errc::not_found);
    }
    // A newer version may have a longer header; its last eight bytes are the hash of those before
    // it.
    const size_t header_bytes = load_le<uint32_t>(at + field::kHeaderBytesAt);
    if (load_le<uint64_t>(at + field::kMagicAt) != kMagic ||
        header_bytes < kCheckpointHeaderBytes || header_bytes > first_block.size()) {
        return fail(Errc::corrupt_file);
    }
    const size_t hashed_bytes = header_bytes - sizeof(uint64_t);
    if (load_le<uint64_t>(at + hashed_bytes) !=
        xxh3(first_block.first(hashed_bytes), seed_of(journal))) {
        return fail(Errc::corrupt_file);
    }
    const auto version = load_le<uint32_t>(at + field::kVersionAt);
    if (version != kVersion) {
        return fail(version > kVersion ? Errc::version_unknown : Errc::corrupt_file, 0, version);
    }
    return load_le<uint64_t>(at + field::kSlotBytesAt);
}

Result<Checkpoint> decode_checkpoint(ByteView slot, JournalId journal) {
    const auto slot_bytes = checkpoint_bytes(slot, journal);
    if (!slot_bytes) {
        const bool zeros = slot_bytes.error().code == Errc::not_found;
        return zeros ? fail(Errc::corrupt_file) : fail(slot_bytes.error());
    }
    const auto body_bytes = load_le<uint64_t>(slot.data() + field::kBodyBytesAt);
    if (*slot_bytes > slot.size() || *slot_bytes < kCheckpointHeaderBytes ||
        body_bytes > *slot_bytes - kCheckpointHeaderBytes) {
        return fail(Errc::corrupt_file);
    }
    const ByteView hashed =
        slot.subspan(kCheckpointHeaderBytes, *slot_bytes - kCheckpointHeaderBytes);
    Checkpoint checkpoint = read_header(slot);
    if (load_le<uint64_t>(slot.data() + field::kBodyHashAt) != xxh3(hashed, seed_of(journal)) ||
        checkpoint.journal != journal) {
        return fail(Errc::corrupt_file);
    }
    Reader in(hashed.first(body_bytes));
    const auto count = load_le<uint32_t>(slot.data() + field::kPartitionCountAt);
    if (count > body_bytes / kPartitionBytes) {
        return fail(Errc::corrupt_file);
    }
    checkpoint.partitions.reserve(count);
    for (uint32_t i = 0; i < count && !in.failed(); ++i) {
        checkpoint.partitions.push_back(take_partition(in));
    }
    if (!in.at_end()) {
        return fail(Errc::corrupt_file);
    }
    return checkpoint;
}

}  // namespace ringlog::engine

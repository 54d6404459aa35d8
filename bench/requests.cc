#include "bench/requests.h"

#include <algorithm>
#include <cstring>

#include "base/assert.h"
#include "base/checksum.h"
#include "base/random.h"

namespace ringlog::bench {
namespace {

constexpr std::string_view kClientId = "ringlog-bench";
constexpr int32_t kTimeoutMs = 30'000;
constexpr size_t kCorrelationPosition = 8;

/// Appends big-endian fields; a request starts with its length, which finish() fills in.
class Writer {
public:
    template <std::integral T>
    void put(T value) {
        const size_t at = bytes_.size();
        bytes_.resize(at + sizeof(T));
        store_be(bytes_.data() + at, value);
    }
    void string(std::string_view text) {
        put(static_cast<int16_t>(text.size()));
        raw(as_bytes(text));
    }
    void raw(ByteView bytes) { bytes_.insert(bytes_.end(), bytes.begin(), bytes.end()); }
    /// A signed integer as Kafka's records carry it: zigzag, then seven bits a byte.
    void varint(int64_t value) {
        auto rest = (static_cast<uint64_t>(value) << 1) ^ static_cast<uint64_t>(value >> 63);
        while (rest >= 0x80) {
            put(static_cast<uint8_t>(rest | 0x80));
            rest >>= 7;
        }
        put(static_cast<uint8_t>(rest));
    }
    void header(int16_t api_key, int16_t version, int32_t correlation_id) {
        put<int32_t>(0);
        put(api_key);
        put(version);
        put(correlation_id);
        string(kClientId);
    }
    std::vector<std::byte> finish(size_t bytes_that_follow = 0) {
        store_be(bytes_.data(),
                 static_cast<int32_t>(bytes_.size() - sizeof(int32_t) + bytes_that_follow));
        return std::move(bytes_);
    }
    [[nodiscard]] size_t position() const { return bytes_.size(); }
    std::vector<std::byte>& bytes() { return bytes_; }

private:
    std::vector<std::byte> bytes_;
};

size_t varint_bytes(int64_t value) {
    Writer writer;
    writer.varint(value);
    return writer.position();
}

/// Of one record without key and headers, with the largest offset delta that `value_bytes` batches
/// reach.
size_t record_bytes(size_t value_bytes, int32_t offset_delta) {
    const size_t body = 1 + 1 + varint_bytes(offset_delta) + 1 +
                        varint_bytes(static_cast<int64_t>(value_bytes)) + value_bytes + 1;
    return varint_bytes(static_cast<int64_t>(body)) + body;
}

void write_value(Writer& writer, size_t value_bytes, Random& random) {
    std::vector<std::byte>& out = writer.bytes();
    const size_t from = out.size();
    out.resize(from + value_bytes, std::byte{'r'});
    for (size_t at = from; at + sizeof(uint64_t) <= from + value_bytes / 2;
         at += sizeof(uint64_t)) {
        store_le(out.data() + at, random.next());
    }
}

void write_crc(Bytes batch) {
    store_be(batch.data() + kBatchCrcPosition, crc32c(batch.subspan(kBatchCrcFromPosition)));
}

}  // namespace

Batch make_batch(const BatchSpec& spec) {
    RL_ASSERT(spec.record_count > 0);
    Writer writer;
    writer.put<int64_t>(0);  // base offset: the broker's to give
    writer.put<int32_t>(0);  // length, below
    writer.put<int32_t>(-1);
    writer.put<int8_t>(2);
    writer.put<uint32_t>(0);  // CRC, below
    writer.put<int16_t>(0);
    writer.put<int32_t>(spec.record_count - 1);
    writer.put<int64_t>(spec.timestamp_ms);
    writer.put<int64_t>(spec.timestamp_ms);
    writer.put<int64_t>(-1);
    writer.put<int16_t>(-1);
    writer.put<int32_t>(-1);
    writer.put<int32_t>(spec.record_count);
    RL_ASSERT(writer.position() == kBatchHeaderBytes);
    Random random(spec.seed);
    Batch batch{.record_count = spec.record_count};
    for (int32_t delta = 0; delta < spec.record_count; ++delta) {
        const auto value_bytes = static_cast<int64_t>(spec.value_bytes);
        const size_t body =
            1 + 1 + varint_bytes(delta) + 1 + varint_bytes(value_bytes) + spec.value_bytes + 1;
        writer.varint(static_cast<int64_t>(body));
        writer.put<int8_t>(0);
        writer.varint(0);
        writer.varint(delta);
        writer.varint(-1);
        writer.varint(value_bytes);
        if (delta == 0) {
            batch.value_position = writer.position();
        }
        write_value(writer, spec.value_bytes, random);
        writer.varint(0);
    }
    batch.bytes = std::move(writer.bytes());
    store_be(batch.bytes.data() + kBatchLengthPosition,
             static_cast<int32_t>(batch.bytes.size() - kBatchLengthPosition - sizeof(int32_t)));
    write_crc(batch.bytes);
    return batch;
}

int32_t records_that_fit(size_t batch_bytes, size_t value_bytes) {
    constexpr int32_t kLargestDelta = 1 << 20;
    const size_t each = record_bytes(value_bytes, kLargestDelta);
    if (batch_bytes < kBatchHeaderBytes + each) {
        return 1;
    }
    return static_cast<int32_t>(
        std::min<size_t>((batch_bytes - kBatchHeaderBytes) / each, kLargestDelta));
}

void stamp_batch(Bytes batch, size_t value_position, int64_t stamp_ns) {
    RL_ASSERT(value_position + sizeof(stamp_ns) <= batch.size());
    store_le(batch.data() + value_position, stamp_ns);
    write_crc(batch);
}

ProduceHeader::ProduceHeader(const Spec& spec) : batch_bytes_(spec.batch_bytes) {
    Writer writer;
    writer.header(kProduceKey, 7, 0);
    writer.put<int16_t>(-1);  // no transactional id
    writer.put(spec.acks);
    writer.put(kTimeoutMs);
    writer.put<int32_t>(1);
    writer.string(spec.topic);
    writer.put<int32_t>(1);
    partition_position_ = writer.position();
    writer.put<int32_t>(0);
    writer.put(static_cast<int32_t>(spec.batch_bytes));
    bytes_ = writer.finish(spec.batch_bytes);
}

void ProduceHeader::write(std::byte* to, int32_t correlation_id, int32_t partition) const {
    std::memcpy(to, bytes_.data(), bytes_.size());
    store_be(to + kCorrelationPosition, correlation_id);
    store_be(to + partition_position_, partition);
}

std::vector<std::byte> create_topic_request(const TopicSpec& topic, int32_t correlation_id) {
    Writer writer;
    writer.header(kCreateTopicsKey, 2, correlation_id);
    writer.put<int32_t>(1);
    writer.string(topic.name);
    writer.put(topic.partition_count);
    writer.put<int16_t>(1);  // replicas
    writer.put<int32_t>(0);  // no assignment of ours
    writer.put(static_cast<int32_t>(topic.configs.size()));
    for (const auto& [key, value] : topic.configs) {
        writer.string(key);
        writer.string(value);
    }
    writer.put(kTimeoutMs);
    writer.put<int8_t>(0);  // really create it
    return writer.finish();
}

std::vector<std::byte> metadata_request(std::string_view topic, int32_t correlation_id) {
    Writer writer;
    writer.header(kMetadataKey, 4, correlation_id);
    writer.put<int32_t>(1);
    writer.string(topic);
    writer.put<int8_t>(0);  // never create it by asking
    return writer.finish();
}

std::vector<std::byte> fetch_request(const FetchSpec& spec, const std::vector<FetchFrom>& from,
                                     int32_t correlation_id) {
    Writer writer;
    writer.header(kFetchKey, 4, correlation_id);
    writer.put<int32_t>(-1);  // a consumer
    writer.put(spec.max_wait_ms);
    writer.put<int32_t>(1);  // any byte will do
    writer.put(spec.max_bytes);
    writer.put<int8_t>(0);
    writer.put<int32_t>(1);
    writer.string(spec.topic);
    writer.put(static_cast<int32_t>(from.size()));
    for (const FetchFrom& each : from) {
        writer.put(each.partition);
        writer.put(each.offset);
        writer.put(spec.max_bytes);
    }
    return writer.finish();
}

}  // namespace ringlog::bench

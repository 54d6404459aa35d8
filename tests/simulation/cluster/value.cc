#include "tests/simulation/cluster/value.h"

#include <fmt/format.h>

#include <cstring>

#include "base/checksum.h"
#include "base/random.h"

namespace ringlog::simulation {
namespace {

constexpr uint32_t kValueMagic = 0x56415231;

struct ValueHeader {
    uint32_t magic = kValueMagic;
    uint32_t producer = 0;
    uint64_t number = 0;
    uint32_t bytes = 0;
    uint16_t topic = 0;
    uint16_t reserved = 0;
    int32_t partition = 0;
    uint32_t reserved2 = 0;
    uint64_t hash = 0;  ///< XXH3 of everything but this.
};
static_assert(sizeof(ValueHeader) == kValueBytesMin);

uint64_t hash_of(ByteView value) {
    return xxh3(value.first(offsetof(ValueHeader, hash)), xxh3(value.subspan(kValueBytesMin), 1));
}

std::unexpected<std::string> problem(std::string text) {
    return std::unexpected(std::move(text));
}

/// Reads varints and strings of records.
class RecordReader {
public:
    explicit RecordReader(ByteView bytes) : bytes_(bytes) {}

    int64_t varint() {
        uint64_t bits = 0;
        for (uint32_t shift = 0; shift < 64; shift += 7) {
            if (at_ >= bytes_.size()) {
                ok_ = false;
                return 0;
            }
            const auto byte = static_cast<uint64_t>(bytes_[at_++]);
            bits |= (byte & 0x7fU) << shift;
            if (byte < 0x80) {
                break;
            }
        }
        return static_cast<int64_t>(bits >> 1U) ^ -static_cast<int64_t>(bits & 1U);
    }
    ByteView take(int64_t count) {
        if (count < 0 || static_cast<uint64_t>(count) > bytes_.size() - at_) {
            ok_ = false;
            return {};
        }
        const ByteView taken = bytes_.subspan(at_, static_cast<size_t>(count));
        at_ += static_cast<size_t>(count);
        return taken;
    }
    [[nodiscard]] bool ok() const { return ok_; }
    [[nodiscard]] bool at_end() const { return at_ == bytes_.size(); }

private:
    ByteView bytes_;
    size_t at_ = 0;
    bool ok_ = true;
};

}  // namespace

std::string encode_value(const Value& value, size_t bytes) {
    std::string text(std::max(bytes, kValueBytesMin), '\0');
    Random filler(value.id.number * 0x9e3779b97f4a7c15 ^ value.id.producer);
    for (size_t at = kValueBytesMin; at < text.size(); at += sizeof(uint64_t)) {
        const uint64_t word = filler.next();
        std::memcpy(text.data() + at, &word, std::min(sizeof(word), text.size() - at));
    }
    ValueHeader header;
    header.producer = value.id.producer;
    header.number = value.id.number;
    header.bytes = static_cast<uint32_t>(text.size());
    header.topic = value.topic;
    header.partition = value.partition;
    std::memcpy(text.data(), &header, sizeof(header));
    header.hash = hash_of(as_bytes(text));
    std::memcpy(text.data(), &header, sizeof(header));
    return text;
}

std::expected<Value, std::string> decode_value(ByteView bytes) {
    ValueHeader header;
    if (bytes.size() < sizeof(header)) {
        return problem(fmt::format("a value of {} bytes", bytes.size()));
    }
    std::memcpy(&header, bytes.data(), sizeof(header));
    if (header.magic != kValueMagic || header.bytes != bytes.size()) {
        return problem(fmt::format("a value that nobody wrote, of {} bytes", bytes.size()));
    }
    if (header.hash != hash_of(bytes)) {
        return problem(
            fmt::format("value {} of producer {} was changed", header.number, header.producer));
    }
    return Value{.id = {.producer = header.producer, .number = header.number},
                 .topic = header.topic,
                 .partition = header.partition};
}

uint32_t content_crc(ByteView batch) {
    return crc32c(batch.subspan(engine::kBatchHeaderBytes));
}

std::expected<ReadBatch, std::string> read_batch(ByteView bytes) {
    const auto header = engine::verify_stored_batch(bytes);
    if (!header) {
        return problem("a batch that does not match its CRC: " + describe(header.error()));
    }
    ReadBatch batch{.header = *header, .values = {}, .timestamps = {}, .content_crc = 0};
    const ByteView whole = bytes.first(header->total_bytes);
    batch.content_crc = content_crc(whole);
    RecordReader records(whole.subspan(engine::kBatchHeaderBytes));
    for (int32_t i = 0; i < header->records_count; ++i) {
        RecordReader record(records.take(records.varint()));
        (void)record.take(1);  // attributes
        const int64_t timestamp_delta = record.varint();
        const int64_t offset_delta = record.varint();
        if (const int64_t key_bytes = record.varint(); key_bytes > 0) {
            (void)record.take(key_bytes);
        }
        const ByteView text = record.take(record.varint());
        if (!records.ok() || !record.ok() || offset_delta != i) {
            return problem(fmt::format("record {} of the batch at offset {} is malformed", i,
                                       header->base_offset));
        }
        const auto value = decode_value(text);
        if (!value) {
            return problem(value.error());
        }
        batch.values.push_back(*value);
        batch.timestamps.push_back(header->log_append_time()
                                       ? header->max_timestamp
                                       : header->base_timestamp + timestamp_delta);
    }
    if (!records.at_end()) {
        return problem(fmt::format("bytes behind the records at offset {}", header->base_offset));
    }
    return batch;
}

}  // namespace ringlog::simulation

// The exact record of a time lookup inside one batch. Pure. See engine/segment_store.h.
#include "engine/record_batch.h"
#include "engine/segment_store.h"

namespace ringlog::engine {

namespace {

/// Reads zigzag varints; a malformed one is remembered and gives zero.
class VarintReader {
public:
    explicit VarintReader(ByteView bytes) : rest_(bytes) {}

    int64_t take() {
        uint64_t bits = 0;
        for (unsigned shift = 0; shift < 70; shift += 7) {
            if (rest_.empty() || (shift == 63 && rest_[0] > std::byte{1})) {
                break;
            }
            const auto byte = static_cast<uint64_t>(rest_[0]);
            rest_ = rest_.subspan(1);
            bits |= (byte & 0x7fU) << shift;
            if ((byte & 0x80U) == 0) {
                return static_cast<int64_t>(bits >> 1U) ^ -static_cast<int64_t>(bits & 1U);
            }
        }
        failed_ = true;
        rest_ = {};
        return 0;
    }
    ByteView take_bytes(int64_t count) {
        if (count < 0 || static_cast<uint64_t>(count) > rest_.size()) {
            failed_ = true;
            rest_ = {};
            return {};
        }
        const ByteView bytes = rest_.first(static_cast<size_t>(count));
        rest_ = rest_.subspan(static_cast<size_t>(count));
        return bytes;
    }
    [[nodiscard]] bool failed() const { return failed_; }

private:
    ByteView rest_;
    bool failed_ = false;
};

}  // namespace

TimestampOffset find_timestamp_in_batch(ByteView batch, WallMs timestamp) {
    const auto header = decode_batch_header(batch);
    if (!header || header->max_timestamp < timestamp) {
        return {};
    }
    const TimestampOffset whole{.offset = header->base_offset, .timestamp = header->max_timestamp};
    const bool compressed = (header->attributes & batch_attribute::kCompressionMask) != 0;
    if (compressed || header->log_append_time() || header->total_bytes > batch.size()) {
        return whole;
    }
    VarintReader records(batch.first(header->total_bytes).subspan(batch_field::kRecords));
    for (int32_t i = 0; i < header->records_count; ++i) {
        VarintReader record(records.take_bytes(records.take()));
        record.take_bytes(1);  // Attributes of a record: unused.
        const int64_t timestamp_delta = record.take();
        const int64_t offset_delta = record.take();
        const bool wrong = records.failed() || record.failed() || offset_delta < 0 ||
                           offset_delta > header->last_offset_delta;
        int64_t time = 0;
        if (wrong || __builtin_add_overflow(header->base_timestamp, timestamp_delta, &time)) {
            return whole;
        }
        if (time >= timestamp) {
            return {.offset = header->base_offset + offset_delta, .timestamp = time};
        }
    }
    // The header promises a record that the records do not have.
    return whole;
}

}  // namespace ringlog::engine

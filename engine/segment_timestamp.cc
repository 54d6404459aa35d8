// The exact record of a time lookup inside one batch. Pure. See engine/segment_store.h.
#include "engine/record_batch.h"
#include "engine/segment_store.h"
#include "engine/varint.h"

namespace ringlog::engine {

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

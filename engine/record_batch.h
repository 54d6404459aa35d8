// Kafka's record batch v2, the engine's format: what its header says, and whether it may be
// appended. No I/O. Source: the record batch format of Apache Kafka (DefaultRecordBatch);
// docs/on_disk_format.md.
#pragma once

#include <cstdint>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/error.h"
#include "engine/types.h"

namespace ringlog::engine {

/// Byte positions in the header of a batch. Everything is big-endian.
namespace batch_field {
constexpr size_t kBaseOffset = 0;
constexpr size_t kBatchLength = 8;  ///< Counts the bytes behind itself.
constexpr size_t kLeaderEpoch = 12;
constexpr size_t kMagic = 16;
constexpr size_t kCrc = 17;  ///< CRC-32C of [kAttributes, end).
constexpr size_t kAttributes = 21;
constexpr size_t kLastOffsetDelta = 23;
constexpr size_t kBaseTimestamp = 27;
constexpr size_t kMaxTimestamp = 35;
constexpr size_t kProducerId = 43;
constexpr size_t kProducerEpoch = 51;
constexpr size_t kBaseSequence = 53;
constexpr size_t kRecordsCount = 57;
constexpr size_t kRecords = 61;
}  // namespace batch_field

constexpr size_t kBatchHeaderBytes = batch_field::kRecords;
/// Bytes in front of what batch_length counts.
constexpr size_t kBatchPrefixBytes = 12;

namespace batch_attribute {
constexpr int16_t kCompressionMask = 0x07;
constexpr int16_t kLogAppendTime = 0x08;
constexpr int16_t kTransactional = 0x10;
constexpr int16_t kControl = 0x20;
}  // namespace batch_attribute

/// The header of a batch, decoded.
struct BatchHeader {
    int64_t base_offset = 0;
    uint32_t total_bytes = 0;  ///< Of the whole batch, header included.
    LeaderEpoch leader_epoch{-1};
    int8_t magic = 2;
    uint32_t crc = 0;
    int16_t attributes = 0;
    int32_t last_offset_delta = 0;
    WallMs base_timestamp = -1;
    WallMs max_timestamp = -1;
    int64_t producer_id = -1;
    int16_t producer_epoch = -1;
    int32_t base_sequence = -1;
    int32_t records_count = 0;

    [[nodiscard]] int64_t last_offset() const { return base_offset + last_offset_delta; }
    [[nodiscard]] int32_t last_sequence() const;  ///< Wraps from 2^31-1 to 0, as Kafka's.
    [[nodiscard]] bool has_producer() const { return producer_id >= 0; }
    [[nodiscard]] bool log_append_time() const {
        return (attributes & batch_attribute::kLogAppendTime) != 0;
    }
};

/// Decodes the header at the start of `bytes`, without judging it but for its length field.
/// Errors: short_read if there are fewer than kBatchHeaderBytes, corrupt_batch if batch_length is
/// impossible.
Result<BatchHeader> decode_batch_header(ByteView bytes);

/// What an append must satisfy beside being well formed.
struct BatchLimits {
    uint32_t max_bytes = 1'048'588;  ///< `max.message.bytes`.
    bool zstd_allowed = true;        ///< Produce before version 7 must not carry zstd.
};

/// Whether `bytes` is exactly one batch of a client that may be appended: one batch of magic 2, CRC
/// right, count and offset delta agree and are positive, no control batch, no transactional bit
/// (until transactions exist), sequence and producer fields consistent, no append time (that is the
/// broker's to set). Errors, as Kafka answers them: corrupt_batch, unsupported_format (an older
/// magic), unsupported (a compression that the request must not use), invalid_timestamp,
/// invalid_record, message_too_large.
Result<BatchHeader> validate_client_batch(ByteView bytes, const BatchLimits& limits);

/// Whether `bytes` begins with a whole batch whose CRC holds (a read from disk). Errors:
/// short_read, corrupt_batch; both `at` the base offset that the header names, where it could be
/// decoded.
Result<BatchHeader> verify_stored_batch(ByteView bytes);

/// Writes the base offset and leader epoch into the header of a batch. They are outside the CRC.
void stamp_batch(Bytes batch, int64_t base_offset, LeaderEpoch epoch);

/// Makes a whole batch carry `now` as its append time: attributes, max timestamp and the CRC over
/// them.
void stamp_log_append_time(Bytes batch, WallMs now);

}  // namespace ringlog::engine

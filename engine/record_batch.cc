// Decoding and judging record batches. See engine/record_batch.h.
#include "engine/record_batch.h"

#include <limits>

#include "base/assert.h"
#include "base/checksum.h"

namespace ringlog::engine {

namespace {

constexpr int8_t kMagic2 = 2;
constexpr int16_t kCodecZstd = 4;
/// Length, attributes, timestamp delta, offset delta, key length, value length and header count
/// take a byte each.
constexpr int64_t kSmallestRecordBytes = 7;
constexpr uint32_t kSmallestBatchLength = kBatchHeaderBytes - kBatchPrefixBytes;
constexpr uint32_t kLargestBatchLength =
    std::numeric_limits<int32_t>::max() - static_cast<uint32_t>(kBatchPrefixBytes);

static_assert(kBatchHeaderBytes == 61, "Kafka's record batch header");
static_assert(batch_field::kLeaderEpoch == kBatchPrefixBytes);

bool crc_holds(ByteView batch, uint32_t crc) {
    return crc32c(batch.subspan(batch_field::kAttributes)) == crc;
}

/// What a client may not say in a batch whose bytes arrived intact.
Result<void> judge_client_header(const BatchHeader& header, const BatchLimits& limits) {
    constexpr int16_t kForbidden = batch_attribute::kTransactional | batch_attribute::kControl;
    if ((header.attributes & kForbidden) != 0) {
        return fail(Errc::invalid_record);
    }
    if (header.log_append_time()) {
        return fail(Errc::invalid_timestamp);
    }
    const int16_t codec = header.attributes & batch_attribute::kCompressionMask;
    if (codec > kCodecZstd) {
        return fail(Errc::invalid_record);
    }
    if (codec == kCodecZstd && !limits.zstd_allowed) {
        return fail(Errc::unsupported);
    }
    if (header.records_count <= 0 || header.last_offset_delta != header.records_count - 1) {
        return fail(Errc::invalid_record);
    }
    const int64_t records_bytes = int64_t{header.total_bytes} - int64_t{kBatchHeaderBytes};
    if (codec == 0 && header.records_count * kSmallestRecordBytes > records_bytes) {
        return fail(Errc::invalid_record);
    }
    if (header.has_producer() && (header.producer_epoch < 0 || header.base_sequence < 0)) {
        return fail(Errc::invalid_record);
    }
    return {};
}

}  // namespace

int32_t BatchHeader::last_sequence() const {
    if (base_sequence < 0) {
        return base_sequence;
    }
    constexpr int64_t kSequences = int64_t{std::numeric_limits<int32_t>::max()} + 1;
    return static_cast<int32_t>((int64_t{base_sequence} + last_offset_delta) % kSequences);
}

Result<BatchHeader> decode_batch_header(ByteView bytes) {
    if (bytes.size() < kBatchHeaderBytes) {
        return fail(Errc::short_read);
    }
    const std::byte* at = bytes.data();
    const auto batch_length = load_be<uint32_t>(at + batch_field::kBatchLength);
    if (batch_length < kSmallestBatchLength || batch_length > kLargestBatchLength) {
        return fail(Errc::corrupt_batch);
    }
    return BatchHeader{
        .base_offset = load_be<int64_t>(at + batch_field::kBaseOffset),
        .total_bytes = batch_length + static_cast<uint32_t>(kBatchPrefixBytes),
        .leader_epoch = LeaderEpoch(load_be<int32_t>(at + batch_field::kLeaderEpoch)),
        .magic = load_be<int8_t>(at + batch_field::kMagic),
        .crc = load_be<uint32_t>(at + batch_field::kCrc),
        .attributes = load_be<int16_t>(at + batch_field::kAttributes),
        .last_offset_delta = load_be<int32_t>(at + batch_field::kLastOffsetDelta),
        .base_timestamp = load_be<int64_t>(at + batch_field::kBaseTimestamp),
        .max_timestamp = load_be<int64_t>(at + batch_field::kMaxTimestamp),
        .producer_id = load_be<int64_t>(at + batch_field::kProducerId),
        .producer_epoch = load_be<int16_t>(at + batch_field::kProducerEpoch),
        .base_sequence = load_be<int32_t>(at + batch_field::kBaseSequence),
        .records_count = load_be<int32_t>(at + batch_field::kRecordsCount),
    };
}

Result<BatchHeader> validate_client_batch(ByteView bytes, const BatchLimits& limits) {
    if (bytes.empty()) {
        return fail(Errc::invalid_record);
    }
    // An older message set has its magic at the same place and may be shorter than a header of
    // ours.
    if (bytes.size() > batch_field::kMagic) {
        const auto magic = load_be<int8_t>(bytes.data() + batch_field::kMagic);
        if (magic == 0 || magic == 1) {
            return fail(Errc::unsupported_format);
        }
        if (magic != kMagic2) {
            return fail(Errc::corrupt_batch);
        }
    }
    const auto header = decode_batch_header(bytes);
    if (!header) {
        return fail(Errc::corrupt_batch);
    }
    if (header->total_bytes > limits.max_bytes) {
        return fail(Errc::message_too_large);
    }
    if (header->total_bytes > bytes.size()) {
        return fail(Errc::corrupt_batch);
    }
    if (header->total_bytes < bytes.size()) {
        return fail(Errc::invalid_record);
    }
    if (!crc_holds(bytes, header->crc)) {
        return fail(Errc::corrupt_batch);
    }
    const auto allowed = judge_client_header(*header, limits);
    if (!allowed) {
        return fail(allowed.error());
    }
    return *header;
}

Result<BatchHeader> verify_stored_batch(ByteView bytes) {
    const auto header = decode_batch_header(bytes);
    if (!header) {
        return fail(header.error());
    }
    if (header->magic != kMagic2 || header->base_offset < 0 || header->last_offset_delta < 0) {
        return fail(Errc::corrupt_batch, 0, header->base_offset);
    }
    if (header->total_bytes > bytes.size()) {
        return fail(Errc::short_read, 0, header->base_offset);
    }
    if (!crc_holds(bytes.first(header->total_bytes), header->crc)) {
        return fail(Errc::corrupt_batch, 0, header->base_offset);
    }
    return *header;
}

void stamp_batch(Bytes batch, int64_t base_offset, LeaderEpoch epoch) {
    RL_ASSERT(batch.size() >= kBatchHeaderBytes);
    store_be<int64_t>(batch.data() + batch_field::kBaseOffset, base_offset);
    store_be<int32_t>(batch.data() + batch_field::kLeaderEpoch, epoch.value());
}

void stamp_log_append_time(Bytes batch, WallMs now) {
    RL_ASSERT(batch.size() >= kBatchHeaderBytes);
    std::byte* at = batch.data();
    const auto attributes = load_be<int16_t>(at + batch_field::kAttributes);
    store_be<int16_t>(at + batch_field::kAttributes,
                      static_cast<int16_t>(attributes | batch_attribute::kLogAppendTime));
    store_be<int64_t>(at + batch_field::kMaxTimestamp, now);
    store_be<uint32_t>(at + batch_field::kCrc, crc32c(batch.subspan(batch_field::kAttributes)));
}

}  // namespace ringlog::engine

// See engine/records.h.
#include "engine/records.h"

#include <algorithm>

#include "base/assert.h"
#include "base/checksum.h"
#include "engine/record_batch.h"
#include "engine/varint.h"

namespace ringlog::engine {

namespace {

constexpr int64_t kNull = -1;

void put(std::vector<std::byte>& to, const std::optional<ByteView>& bytes) {
    put_varint(to, bytes ? static_cast<int64_t>(bytes->size()) : kNull);
    if (bytes) {
        to.insert(to.end(), bytes->begin(), bytes->end());
    }
}

std::optional<ByteView> take(VarintReader& from) {
    const int64_t bytes = from.take();
    return bytes == kNull ? std::nullopt : std::optional(from.take_bytes(bytes));
}

/// False if the records are not what the header promises.
bool decode_batch(const BatchHeader& header, ByteView batch, std::vector<Record>& to) {
    VarintReader records(batch.subspan(batch_field::kRecords));
    for (int32_t i = 0; i < header.records_count; ++i) {
        VarintReader one(records.take_bytes(records.take()));
        one.take_bytes(1);  // attributes, unused
        Record record;
        record.timestamp = header.log_append_time()
                               ? (one.take(), header.max_timestamp)
                               : static_cast<WallMs>(static_cast<uint64_t>(header.base_timestamp) +
                                                     static_cast<uint64_t>(one.take()));
        const int64_t delta = one.take();
        record.key = take(one);
        record.value = take(one);
        if (records.failed() || one.failed() || delta < 0 || delta > header.last_offset_delta) {
            return false;
        }
        record.offset = header.base_offset + delta;  // cannot overflow: delta is judged
        to.push_back(record);
    }
    return true;
}

}  // namespace

RecordBatchBuilder& RecordBatchBuilder::add(const Record& record) {
    if (count_ == 0) {
        base_timestamp_ = max_timestamp_ = record.timestamp;
    }
    max_timestamp_ = std::max(max_timestamp_, record.timestamp);
    one_.assign(1, std::byte{0});  // attributes
    put_varint(one_, record.timestamp - base_timestamp_);
    put_varint(one_, count_++);
    put(one_, record.key);
    put(one_, record.value);
    put_varint(one_, 0);  // headers
    put_varint(records_, static_cast<int64_t>(one_.size()));
    records_.insert(records_.end(), one_.begin(), one_.end());
    return *this;
}

size_t RecordBatchBuilder::bytes() const {
    return kBatchHeaderBytes + records_.size();
}

std::vector<std::byte> RecordBatchBuilder::build() {
    RL_ASSERT(count_ > 0);
    std::vector<std::byte> batch(bytes());
    const auto set = [&batch]<typename T>(size_t at, T number) { store_be(&batch[at], number); };
    set(batch_field::kBatchLength, static_cast<int32_t>(batch.size() - kBatchPrefixBytes));
    set(batch_field::kLeaderEpoch, int32_t{-1});
    set(batch_field::kMagic, int8_t{2});
    set(batch_field::kLastOffsetDelta, count_ - 1);
    set(batch_field::kBaseTimestamp, base_timestamp_);
    set(batch_field::kMaxTimestamp, max_timestamp_);
    set(batch_field::kProducerId, int64_t{-1});
    set(batch_field::kProducerEpoch, int16_t{-1});
    set(batch_field::kBaseSequence, int32_t{-1});
    set(batch_field::kRecordsCount, count_);
    std::ranges::copy(records_, batch.begin() + kBatchHeaderBytes);
    set(batch_field::kCrc, crc32c(ByteView(batch).subspan(batch_field::kAttributes)));
    records_.clear();
    count_ = 0;
    return batch;
}

Result<std::vector<Record>> decode_records(ByteView batches) {
    std::vector<Record> records;
    while (!batches.empty()) {
        const auto header = verify_stored_batch(batches);
        if (!header) {
            return fail(header.error());
        }
        if ((header->attributes & batch_attribute::kCompressionMask) != 0) {
            return fail(Errc::unsupported, 0, header->base_offset);
        }
        if (!decode_batch(*header, batches.first(header->total_bytes), records)) {
            return fail(Errc::corrupt_batch, 0, header->base_offset);
        }
        batches = batches.subspan(header->total_bytes);
    }
    return records;
}

}  // namespace ringlog::engine

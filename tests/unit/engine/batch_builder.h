// Record batches for tests, built byte by byte from Kafka's description of the format, beside the
// product's own code.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/checksum.h"

namespace ringlog::engine::test {

struct TestRecord {
    int64_t timestamp = 0;
    std::string key;
    std::string value;
};

class BatchBuilder {
public:
    BatchBuilder& base_offset(int64_t offset) {
        base_offset_ = offset;
        return *this;
    }
    BatchBuilder& leader_epoch(int32_t epoch) {
        leader_epoch_ = epoch;
        return *this;
    }
    BatchBuilder& attributes(int16_t attributes) {
        attributes_ = attributes;
        return *this;
    }
    BatchBuilder& producer(int64_t id, int16_t epoch, int32_t base_sequence) {
        producer_id_ = id;
        producer_epoch_ = epoch;
        base_sequence_ = base_sequence;
        return *this;
    }
    BatchBuilder& record(int64_t timestamp, std::string value, std::string key = {}) {
        records_.push_back({timestamp, std::move(key), std::move(value)});
        return *this;
    }
    /// What the header claims, when it shall differ from the truth.
    BatchBuilder& claim(int32_t records_count, int32_t last_offset_delta) {
        claimed_count_ = records_count;
        claimed_delta_ = last_offset_delta;
        return *this;
    }

    [[nodiscard]] std::vector<std::byte> build() const {
        const int64_t base_timestamp = records_.empty() ? -1 : records_.front().timestamp;
        int64_t max_timestamp = base_timestamp;
        std::vector<std::byte> body;
        for (size_t i = 0; i < records_.size(); ++i) {
            max_timestamp = std::max(max_timestamp, records_[i].timestamp);
            append_record(body, records_[i], records_[i].timestamp - base_timestamp,
                          static_cast<int64_t>(i));
        }
        const auto count = static_cast<int32_t>(records_.size());
        std::vector<std::byte> out;
        put<int64_t>(out, base_offset_);
        put<int32_t>(out, static_cast<int32_t>(49 + body.size()));
        put<int32_t>(out, leader_epoch_);
        put<int8_t>(out, 2);
        put<uint32_t>(out, 0);
        put<int16_t>(out, attributes_);
        put<int32_t>(out, claimed_delta_ == kTruth ? count - 1 : claimed_delta_);
        put<int64_t>(out, base_timestamp);
        put<int64_t>(out, max_timestamp);
        put<int64_t>(out, producer_id_);
        put<int16_t>(out, producer_epoch_);
        put<int32_t>(out, base_sequence_);
        put<int32_t>(out, claimed_count_ == kTruth ? count : claimed_count_);
        out.insert(out.end(), body.begin(), body.end());
        fix_crc(out);
        return out;
    }

    /// Makes the CRC of `batch` right again after a change.
    static void fix_crc(std::vector<std::byte>& batch) {
        store_be<uint32_t>(&batch[17], crc32c(ByteView(batch).subspan(21)));
    }

private:
    static constexpr int32_t kTruth = INT32_MIN;

    template <typename T>
    static void put(std::vector<std::byte>& out, T value) {
        out.resize(out.size() + sizeof(T));
        store_be<T>(&out[out.size() - sizeof(T)], value);
    }
    static void put_varint(std::vector<std::byte>& out, int64_t value) {
        uint64_t bits = (static_cast<uint64_t>(value) << 1U) ^ static_cast<uint64_t>(value >> 63);
        while (bits >= 0x80) {
            out.push_back(static_cast<std::byte>((bits & 0x7fU) | 0x80U));
            bits >>= 7U;
        }
        out.push_back(static_cast<std::byte>(bits));
    }
    static void put_text(std::vector<std::byte>& out, const std::string& text) {
        put_varint(out, static_cast<int64_t>(text.size()));
        const ByteView bytes = as_bytes(text);
        out.insert(out.end(), bytes.begin(), bytes.end());
    }
    static void append_record(std::vector<std::byte>& out, const TestRecord& record,
                              int64_t timestamp_delta, int64_t offset_delta) {
        std::vector<std::byte> inner;
        inner.push_back(std::byte{0});
        put_varint(inner, timestamp_delta);
        put_varint(inner, offset_delta);
        if (record.key.empty()) {
            put_varint(inner, -1);
        } else {
            put_text(inner, record.key);
        }
        put_text(inner, record.value);
        put_varint(inner, 0);
        put_varint(out, static_cast<int64_t>(inner.size()));
        out.insert(out.end(), inner.begin(), inner.end());
    }

    int64_t base_offset_ = 0;
    int32_t leader_epoch_ = -1;
    int16_t attributes_ = 0;
    int64_t producer_id_ = -1;
    int16_t producer_epoch_ = -1;
    int32_t base_sequence_ = -1;
    int32_t claimed_count_ = kTruth;
    int32_t claimed_delta_ = kTruth;
    std::vector<TestRecord> records_;
};

}  // namespace ringlog::engine::test

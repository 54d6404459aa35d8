// What may be appended, and what is told of a batch that may not.
#include "engine/record_batch.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <limits>
#include <vector>

#include "tests/unit/engine/batch_builder.h"

namespace ringlog::engine {
namespace {

using test::BatchBuilder;

BatchBuilder three_records() {
    BatchBuilder builder;
    builder.record(1000, "alpha").record(1005, "beta").record(1002, "gamma", "key");
    return builder;
}

Errc code_of(const Result<BatchHeader>& result) {
    return result ? Errc{} : result.error().code;
}

Errc validate(const BatchBuilder& builder, const BatchLimits& limits = {}) {
    const auto bytes = builder.build();
    return code_of(validate_client_batch(bytes, limits));
}

TEST(RecordBatch, HeaderSaysWhatWasWritten) {
    const auto bytes = three_records().base_offset(77).leader_epoch(5).producer(9, 2, 40).build();
    const auto header = decode_batch_header(bytes);
    ASSERT_TRUE(header);
    EXPECT_EQ(header->base_offset, 77);
    EXPECT_EQ(header->total_bytes, bytes.size());
    EXPECT_EQ(header->leader_epoch, LeaderEpoch(5));
    EXPECT_EQ(header->magic, 2);
    EXPECT_EQ(header->attributes, 0);
    EXPECT_EQ(header->last_offset_delta, 2);
    EXPECT_EQ(header->last_offset(), 79);
    EXPECT_EQ(header->base_timestamp, 1000);
    EXPECT_EQ(header->max_timestamp, 1005);
    EXPECT_EQ(header->producer_id, 9);
    EXPECT_EQ(header->producer_epoch, 2);
    EXPECT_EQ(header->base_sequence, 40);
    EXPECT_EQ(header->last_sequence(), 42);
    EXPECT_EQ(header->records_count, 3);
}

TEST(RecordBatch, ASequenceWrapsToZero) {
    constexpr int32_t kMax = std::numeric_limits<int32_t>::max();
    EXPECT_EQ((BatchHeader{.last_offset_delta = 0, .base_sequence = kMax}).last_sequence(), kMax);
    EXPECT_EQ((BatchHeader{.last_offset_delta = 1, .base_sequence = kMax}).last_sequence(), 0);
    EXPECT_EQ((BatchHeader{.last_offset_delta = 9, .base_sequence = kMax - 4}).last_sequence(), 4);
    EXPECT_EQ((BatchHeader{.last_offset_delta = 9, .base_sequence = -1}).last_sequence(), -1);
}

TEST(RecordBatch, AGoodClientBatchIsAccepted) {
    EXPECT_EQ(validate(three_records()), Errc{});
    EXPECT_EQ(validate(three_records().producer(1, 0, 0)), Errc{});
    // Some clients without a producer id leave zeros in the epoch and sequence.
    EXPECT_EQ(validate(three_records().producer(-1, 0, 0)), Errc{});
    EXPECT_EQ(validate(three_records().attributes(4)), Errc{});
}

TEST(RecordBatch, EveryFlippedBitBehindTheCrcIsFound) {
    const auto good = three_records().build();
    for (size_t at = batch_field::kAttributes; at < good.size(); ++at) {
        for (unsigned bit = 0; bit < 8; ++bit) {
            auto bad = good;
            bad[at] ^= static_cast<std::byte>(1U << bit);
            EXPECT_EQ(code_of(validate_client_batch(bad, {})), Errc::corrupt_batch) << at;
            EXPECT_EQ(code_of(verify_stored_batch(bad)), Errc::corrupt_batch) << at;
        }
    }
}

TEST(RecordBatch, EveryTruncationIsRefused) {
    const auto good = three_records().build();
    for (size_t size = 0; size < good.size(); ++size) {
        const ByteView part = ByteView(good).first(size);
        EXPECT_EQ(code_of(validate_client_batch(part, {})),
                  size == 0 ? Errc::invalid_record : Errc::corrupt_batch);
        EXPECT_EQ(code_of(verify_stored_batch(part)), Errc::short_read);
    }
}

TEST(RecordBatch, AnImpossibleLengthIsCorrupt) {
    for (const int32_t length :
         {-1, 0, 48, std::numeric_limits<int32_t>::min(), std::numeric_limits<int32_t>::max()}) {
        auto bytes = three_records().build();
        store_be<int32_t>(&bytes[batch_field::kBatchLength], length);
        EXPECT_EQ(code_of(decode_batch_header(bytes)), Errc::corrupt_batch) << length;
        EXPECT_EQ(code_of(validate_client_batch(bytes, {})), Errc::corrupt_batch) << length;
    }
}

TEST(RecordBatch, TwoBatchesInOneRequestAreInvalid) {
    auto bytes = three_records().build();
    const auto second = three_records().build();
    bytes.insert(bytes.end(), second.begin(), second.end());
    EXPECT_EQ(code_of(validate_client_batch(bytes, {})), Errc::invalid_record);
    EXPECT_EQ(verify_stored_batch(bytes)->total_bytes, second.size());
}

TEST(RecordBatch, AnOlderMagicIsToldApartEvenWhenShort) {
    for (const int magic : {0, 1}) {
        std::vector<std::byte> old_message(34);
        old_message[batch_field::kMagic] = static_cast<std::byte>(magic);
        EXPECT_EQ(code_of(validate_client_batch(old_message, {})), Errc::unsupported_format);
    }
    auto bytes = three_records().build();
    bytes[batch_field::kMagic] = std::byte{3};
    EXPECT_EQ(code_of(validate_client_batch(bytes, {})), Errc::corrupt_batch);
    EXPECT_EQ(code_of(verify_stored_batch(bytes)), Errc::corrupt_batch);
}

TEST(RecordBatch, SizeIsJudgedByTheLimit) {
    const auto size = static_cast<uint32_t>(three_records().build().size());
    EXPECT_EQ(validate(three_records(), {.max_bytes = size}), Errc{});
    EXPECT_EQ(validate(three_records(), {.max_bytes = size - 1}), Errc::message_too_large);
}

TEST(RecordBatch, WhatAClientMustNotSayIsInvalid) {
    EXPECT_EQ(validate(three_records().attributes(batch_attribute::kControl)),
              Errc::invalid_record);
    EXPECT_EQ(validate(three_records().attributes(batch_attribute::kTransactional)),
              Errc::invalid_record);
    EXPECT_EQ(validate(three_records().attributes(batch_attribute::kLogAppendTime)),
              Errc::invalid_timestamp);
    EXPECT_EQ(validate(three_records().attributes(5)), Errc::invalid_record);
    EXPECT_EQ(validate(three_records().attributes(4), {.zstd_allowed = false}), Errc::unsupported);
    EXPECT_EQ(validate(three_records().producer(1, -1, 0)), Errc::invalid_record);
    EXPECT_EQ(validate(three_records().producer(1, 0, -1)), Errc::invalid_record);
}

TEST(RecordBatch, CountAndDeltaMustAgreeAndFitTheBytes) {
    EXPECT_EQ(validate(BatchBuilder()), Errc::invalid_record);
    EXPECT_EQ(validate(three_records().claim(3, 3)), Errc::invalid_record);
    EXPECT_EQ(validate(three_records().claim(0, -1)), Errc::invalid_record);
    EXPECT_EQ(validate(three_records().claim(-5, -6)), Errc::invalid_record);
    constexpr int32_t kMax = std::numeric_limits<int32_t>::max();
    EXPECT_EQ(validate(three_records().claim(kMax, kMax - 1)), Errc::invalid_record);
}

TEST(RecordBatch, StampingLeavesTheCrcRight) {
    auto bytes = three_records().build();
    stamp_batch(bytes, 123'456'789'012, LeaderEpoch(42));
    const auto header = verify_stored_batch(bytes);
    ASSERT_TRUE(header);
    EXPECT_EQ(header->base_offset, 123'456'789'012);
    EXPECT_EQ(header->leader_epoch, LeaderEpoch(42));
}

TEST(RecordBatch, LogAppendTimeMakesTheCrcRightAgain) {
    auto bytes = three_records().attributes(2).build();
    stamp_log_append_time(bytes, 999'999);
    const auto header = verify_stored_batch(bytes);
    ASSERT_TRUE(header);
    EXPECT_TRUE(header->log_append_time());
    EXPECT_EQ(header->attributes, 2 | batch_attribute::kLogAppendTime);
    EXPECT_EQ(header->max_timestamp, 999'999);
    EXPECT_EQ(header->base_timestamp, 1000);
}

TEST(RecordBatch, AStoredBatchWithAnImpossibleOffsetIsCorrupt) {
    auto bytes = three_records().base_offset(-3).build();
    EXPECT_EQ(code_of(verify_stored_batch(bytes)), Errc::corrupt_batch);
    bytes = three_records().claim(3, -2).build();
    EXPECT_EQ(code_of(verify_stored_batch(bytes)), Errc::corrupt_batch);
}

}  // namespace
}  // namespace ringlog::engine

// Records put together and taken apart: see engine/records.h.
#include "engine/records.h"

#include <gtest/gtest.h>

#include "base/random.h"
#include "engine/record_batch.h"
#include "tests/unit/engine/batch_builder.h"

namespace ringlog::engine {
namespace {

std::string hex(ByteView bytes) {
    std::string text;
    for (const std::byte byte : bytes) {
        constexpr std::string_view kDigits = "0123456789abcdef";
        text += kDigits[static_cast<size_t>(byte) >> 4U];
        text += kDigits[static_cast<size_t>(byte) & 15U];
    }
    return text;
}

// The batch of the worked example in docs/journal.md, before its leader epoch is stamped.
TEST(Records, ABatchIsTheBytesOfTheWorkedExample) {
    RecordBatchBuilder builder;
    const std::vector<std::byte> batch =
        builder.add({.timestamp = 1'700'000'000'000, .value = as_bytes("hello")}).build();
    EXPECT_EQ(hex(batch),
              "0000000000000000"  // base offset
              "0000003d"          // 61 bytes follow
              "ffffffff"          // leader epoch
              "02e641a44b"        // magic 2, CRC
              "000000000000"      // attributes, last offset delta
              "0000018bcfe56800"  // base timestamp
              "0000018bcfe56800"  // max timestamp
              "ffffffffffffffff"  // no producer
              "ffffffffffff"
              "00000001"                    // 1 record
              "16000000010a68656c6c6f00");  // no key, "hello", no headers
}

// Method: random records, against the builder of the tests, which was written from the description
// of the format beside the product.
TEST(Records, WhatIsBuiltIsValidAndComesBack) {
    Random random(7);
    RecordBatchBuilder builder;
    for (int round = 0; round < 200; ++round) {
        test::BatchBuilder reference;
        std::vector<test::TestRecord> records;
        const uint64_t count = 1 + random.below(20);
        for (uint64_t i = 0; i < count; ++i) {
            const int64_t timestamp = static_cast<int64_t>(random.below(1U << 30U));
            std::string key(random.below(3) == 0 ? 0 : random.below(200), 'k');
            std::string value(random.below(300), 'v');
            reference.record(timestamp, value, key);
            records.push_back({timestamp, std::move(key), std::move(value)});
        }
        for (const test::TestRecord& record : records) {
            const auto key =
                record.key.empty() ? std::nullopt : std::optional<ByteView>(as_bytes(record.key));
            builder.add(
                {.timestamp = record.timestamp, .key = key, .value = as_bytes(record.value)});
        }
        const size_t bytes = builder.bytes();
        std::vector<std::byte> batch = builder.build();
        ASSERT_EQ(batch.size(), bytes);
        ASSERT_EQ(builder.count(), 0);
        ASSERT_EQ(hex(batch), hex(reference.build()));
        ASSERT_TRUE(validate_client_batch(batch, {}).has_value());
        stamp_batch(batch, 1000, LeaderEpoch(4));
        const auto decoded = decode_records(batch);
        ASSERT_TRUE(decoded.has_value());
        ASSERT_EQ(decoded->size(), records.size());
        for (size_t i = 0; i < records.size(); ++i) {
            const Record& record = (*decoded)[i];
            ASSERT_EQ(record.offset, 1000 + static_cast<int64_t>(i));
            ASSERT_EQ(record.timestamp, records[i].timestamp);
            ASSERT_EQ(record.key.has_value(), !records[i].key.empty());
            ASSERT_EQ(as_text(record.key.value_or(ByteView())), records[i].key);
            ASSERT_EQ(as_text(*record.value), records[i].value);
        }
    }
}

TEST(Records, SeveralBatchesAndNullValues) {
    RecordBatchBuilder builder;
    std::vector<std::byte> both = builder.add({.timestamp = 5, .key = as_bytes("a")}).build();
    std::vector<std::byte> second = builder.add({.timestamp = 3, .value = as_bytes("")}).build();
    stamp_batch(second, 1, LeaderEpoch(0));
    both.insert(both.end(), second.begin(), second.end());
    const auto records = decode_records(both);
    ASSERT_TRUE(records.has_value());
    ASSERT_EQ(records->size(), 2U);
    EXPECT_FALSE((*records)[0].value.has_value());
    EXPECT_TRUE((*records)[1].value.has_value());
    EXPECT_EQ((*records)[1].offset, 1);
    EXPECT_TRUE(decode_records({})->empty());
}

TEST(Records, WhatIsNotWholeIsAnError) {
    RecordBatchBuilder builder;
    std::vector<std::byte> batch = builder.add({.timestamp = 1, .value = as_bytes("x")}).build();
    EXPECT_EQ(decode_records(ByteView(batch).first(batch.size() - 1)).error().code,
              Errc::short_read);
    batch.back() ^= std::byte{1};
    EXPECT_EQ(decode_records(batch).error().code, Errc::corrupt_batch);
    test::BatchBuilder compressed;
    compressed.attributes(1).record(1, "x");
    EXPECT_EQ(decode_records(compressed.build()).error().code, Errc::unsupported);
    test::BatchBuilder lying;
    lying.record(1, "x").claim(2, 1);
    EXPECT_EQ(decode_records(lying.build()).error().code, Errc::corrupt_batch);
}

}  // namespace
}  // namespace ringlog::engine

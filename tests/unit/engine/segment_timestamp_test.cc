// The record of a time lookup inside one batch, and batches that lie about their records.
#include <gtest/gtest.h>

#include <array>
#include <cstdint>
#include <vector>

#include "engine/record_batch.h"
#include "engine/segment_store.h"
#include "tests/unit/engine/batch_builder.h"

namespace ringlog::engine {
namespace {

using test::BatchBuilder;

BatchBuilder four_records() {
    BatchBuilder builder;
    builder.base_offset(500).record(1000, "a").record(1010, "b").record(990, "c");
    builder.record(70'000'000, "d", "key");
    return builder;
}

TEST(TimestampInBatch, IsThatOfTheFirstRecordThatReachesIt) {
    const auto batch = four_records().build();
    for (const auto& [wanted, offset, timestamp] :
         std::vector<std::array<int64_t, 3>>{{0, 500, 1000},
                                             {1000, 500, 1000},
                                             {1001, 501, 1010},
                                             {1010, 501, 1010},
                                             {1011, 503, 70'000'000},
                                             {70'000'000, 503, 70'000'000}}) {
        const auto found = find_timestamp_in_batch(batch, wanted);
        EXPECT_EQ(found.offset, offset) << wanted;
        EXPECT_EQ(found.timestamp, timestamp) << wanted;
    }
    EXPECT_EQ(find_timestamp_in_batch(batch, 70'000'001).offset, -1);
}

TEST(TimestampInBatch, WhatCannotBeReadIsAnsweredByItsHeader) {
    const auto compressed = four_records().attributes(3).build();
    EXPECT_EQ(find_timestamp_in_batch(compressed, 1005).offset, 500);
    EXPECT_EQ(find_timestamp_in_batch(compressed, 1005).timestamp, 70'000'000);
    auto appended = four_records().build();
    stamp_log_append_time(appended, 80'000'000);
    EXPECT_EQ(find_timestamp_in_batch(appended, 75'000'000).offset, 500);
    EXPECT_EQ(find_timestamp_in_batch(appended, 75'000'000).timestamp, 80'000'000);
}

TEST(TimestampInBatch, RecordsThatLieAreNeverReadBeyondTheBatch) {
    const auto good = four_records().build();
    for (size_t at = kBatchHeaderBytes; at < good.size(); ++at) {
        for (const unsigned value : {0x00U, 0x7fU, 0x80U, 0xffU}) {
            // Exactly sized, so that a sanitizer sees a read behind the end.
            std::vector<std::byte> bad(good.begin(), good.end());
            bad[at] = static_cast<std::byte>(value);
            const auto found = find_timestamp_in_batch(bad, 69'000'000);
            EXPECT_GE(found.offset, 500);
            EXPECT_LE(found.offset, 503);
            EXPECT_GE(found.timestamp, 69'000'000);
        }
    }
    EXPECT_EQ(find_timestamp_in_batch(ByteView(good).first(60), 0).offset, -1);
}

}  // namespace
}  // namespace ringlog::engine

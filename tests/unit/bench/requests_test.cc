#include "bench/requests.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "base/checksum.h"
#include "bench/answers.h"

namespace ringlog::bench {
namespace {

std::string hex(ByteView bytes) {
    std::string text;
    for (const std::byte each : bytes) {
        text += fmt::format("{:02x}", static_cast<unsigned>(each));
    }
    return text;
}

bool crc_holds(ByteView batch) {
    return load_be<uint32_t>(batch.data() + kBatchCrcPosition) ==
           crc32c(batch.subspan(kBatchCrcFromPosition));
}

TEST(Requests, ABatchIsOneWholeBatchOfItsRecordsWithATrueCrc) {
    for (const size_t value_bytes : {size_t{0}, size_t{1}, size_t{63}, size_t{64}, size_t{1024}}) {
        const Batch batch = make_batch({.record_count = 70, .value_bytes = value_bytes});
        ByteView rest = batch.bytes;
        const auto taken = take_batch(rest);
        ASSERT_TRUE(taken);
        EXPECT_EQ(taken->record_count, 70);
        EXPECT_TRUE(rest.empty());
        EXPECT_TRUE(crc_holds(batch.bytes));
    }
}

TEST(Requests, ARecordOfOneByteHasTheBytesOfTheFormat) {
    const Batch batch = make_batch({.record_count = 1, .value_bytes = 1, .timestamp_ms = 0});
    // Length 7 (zigzag 0e), attributes, timestamp and offset deltas 0, no key (01), a value of 1
    // byte (02), no headers.
    EXPECT_EQ(hex(ByteView(batch.bytes).subspan(kBatchHeaderBytes)), "0e00000001027200");
    EXPECT_EQ(batch.bytes[batch.value_position], std::byte{'r'});
}

TEST(Requests, AsManyRecordsAsFitMakeABatchWithinTheLimitAndNearIt) {
    constexpr size_t kLimit = 1 << 20;
    for (const size_t value_bytes : {size_t{10}, size_t{100}, size_t{1024}}) {
        const int32_t count = records_that_fit(kLimit, value_bytes);
        const Batch batch = make_batch({.record_count = count, .value_bytes = value_bytes});
        EXPECT_LE(batch.bytes.size(), kLimit);
        EXPECT_GT(batch.bytes.size(), kLimit * 7 / 10);
    }
    EXPECT_EQ(records_that_fit(100, 1024), 1);
}

TEST(Requests, AStampChangesTheValueAndKeepsTheCrcTrue) {
    Batch batch = make_batch({.record_count = 2, .value_bytes = 64});
    stamp_batch(batch.bytes, batch.value_position, 0x1122334455667788);
    EXPECT_EQ(load_le<int64_t>(batch.bytes.data() + batch.value_position), 0x1122334455667788);
    EXPECT_TRUE(crc_holds(batch.bytes));
}

TEST(Requests, AProduceHeaderIsVersionSevenAndCountsItsBatch) {
    const ProduceHeader header({.topic = "t", .acks = -1, .batch_bytes = 100});
    std::vector<std::byte> bytes(header.bytes());
    header.write(bytes.data(), 0x01020304, 5);
    EXPECT_EQ(hex(bytes),
              "00000096"  // 50 bytes of fields and 100 that follow
              "0000"
              "0007"
              "01020304"  // Produce 7, correlation id
              "000d"
              "72696e676c6f672d62656e6368"  // client "ringlog-bench"
              "ffff"
              "ffff"
              "00007530"  // no transaction, acks all, 30 s
              "00000001"
              "0001"
              "74"  // one topic, "t"
              "00000001"
              "00000005"
              "00000064");  // one partition, 5; 100 bytes of records
    EXPECT_EQ(header.request_bytes(), bytes.size() + 100);
}

TEST(Requests, EveryRequestStatesItsOwnLength) {
    const std::vector<std::vector<std::byte>> requests{
        create_topic_request({.name = "t", .configs = {{"flush.messages", "1"}}}, 1),
        metadata_request("t", 2),
        fetch_request({.topic = "t"}, {{.partition = 0, .offset = 7}}, 3),
    };
    for (const auto& request : requests) {
        EXPECT_EQ(load_be<int32_t>(request.data()), static_cast<int32_t>(request.size()) - 4);
    }
}

}  // namespace
}  // namespace ringlog::bench

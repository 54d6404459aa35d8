// What brokers answer to the requests of bench/requests.h, parsed with bounds: a broken answer is
// an error, never a crash. Answers are given without their four bytes of length. Any thread; no
// I/O.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/error.h"
#include "bench/net.h"

namespace ringlog::bench {

/// The answer to a Produce of one batch.
struct ProduceAnswer {
    int32_t correlation_id = 0;
    int32_t partition = 0;
    int16_t error_code = 0;
    int64_t base_offset = -1;
};
Result<ProduceAnswer> parse_produce_answer(ByteView answer);

/// The error code of the one topic that was to be created.
Result<int16_t> parse_create_topic_answer(ByteView answer);

struct TopicMetadata {
    int16_t error_code = 0;
    std::vector<Address> leaders;  ///< By partition; port 0 where there is no leader (yet).
};
Result<TopicMetadata> parse_metadata_answer(ByteView answer);

/// One partition's part of a Fetch answer; `records` points into the answer and may end within a
/// batch.
struct FetchedPartition {
    int32_t partition = 0;
    int16_t error_code = 0;
    int64_t high_watermark = -1;
    ByteView records;
};
Result<std::vector<FetchedPartition>> parse_fetch_answer(ByteView answer);

/// One whole batch at the start of fetched records.
struct FetchedBatch {
    ByteView bytes;
    int64_t base_offset = 0;
    int32_t record_count = 0;
};
/// Takes the first whole batch off `records`. Errors: short_read (the rest is not a whole batch),
/// malformed.
Result<FetchedBatch> take_batch(ByteView& records);

}  // namespace ringlog::bench

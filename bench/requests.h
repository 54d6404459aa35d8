// The few Kafka requests that a load client sends, ready-made in non-flexible versions that Kafka 4
// and Ringlog both take: Produce 7, Fetch 4, Metadata 4, CreateTopics 2; and a record batch (magic
// 2) whose CRC is computed once. Any thread; no I/O.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/clock.h"

namespace ringlog::bench {

constexpr int16_t kProduceKey = 0;
constexpr int16_t kFetchKey = 1;
constexpr int16_t kMetadataKey = 3;
constexpr int16_t kCreateTopicsKey = 19;

/// Positions in a record batch, as Kafka's format lays them out.
constexpr size_t kBatchHeaderBytes = 61;
constexpr size_t kBatchLengthPosition = 8;
constexpr size_t kBatchCrcPosition = 17;
constexpr size_t kBatchCrcFromPosition = 21;
constexpr size_t kBatchLastDeltaPosition = 23;

struct BatchSpec {
    int32_t record_count = 1;
    size_t value_bytes = 1024;  ///< Of each record; keys and headers are absent.
    uint64_t seed = 1;  ///< Of the values: half random, half one repeated byte, so that they
                        ///< compress like data.
    WallMs timestamp_ms = 0;
};

/// A record batch, and where the value of its first record lies.
struct Batch {
    std::vector<std::byte> bytes;
    size_t value_position = 0;
    int32_t record_count = 0;
};

Batch make_batch(const BatchSpec& spec);

/// How many records of `value_bytes` fit into a batch of at most `batch_bytes`; at least 1.
int32_t records_that_fit(size_t batch_bytes, size_t value_bytes);

/// Writes `stamp_ns` into the first eight bytes of the first value and makes the CRC right again.
/// The value has eight bytes.
void stamp_batch(Bytes batch, size_t value_position, int64_t stamp_ns);

/// The fields of a Produce request before its record batch; the same for all requests of a run but
/// for two numbers.
class ProduceHeader {
public:
    struct Spec {
        std::string_view topic;
        int16_t acks = -1;
        size_t batch_bytes = 0;
    };
    explicit ProduceHeader(const Spec& spec);

    [[nodiscard]] size_t bytes() const { return bytes_.size(); }
    /// Size of the whole request on the wire: length field, header and batch.
    [[nodiscard]] size_t request_bytes() const { return bytes_.size() + batch_bytes_; }
    /// Writes the header for one request; `to` has bytes() bytes.
    void write(std::byte* to, int32_t correlation_id, int32_t partition) const;

private:
    std::vector<std::byte> bytes_;
    size_t partition_position_ = 0;
    size_t batch_bytes_ = 0;
};

struct TopicSpec {
    std::string name;
    int32_t partition_count = 1;
    std::vector<std::pair<std::string, std::string>> configs;
};

std::vector<std::byte> create_topic_request(const TopicSpec& topic, int32_t correlation_id);
std::vector<std::byte> metadata_request(std::string_view topic, int32_t correlation_id);

struct FetchSpec {
    std::string_view topic;
    int32_t max_wait_ms = 500;
    int32_t max_bytes = 8 << 20;
};
/// One partition and the offset from which it is wanted.
struct FetchFrom {
    int32_t partition = 0;
    int64_t offset = 0;
};
std::vector<std::byte> fetch_request(const FetchSpec& spec, const std::vector<FetchFrom>& from,
                                     int32_t correlation_id);

}  // namespace ringlog::bench

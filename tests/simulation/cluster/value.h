// What the clients of a simulation write: records that say who wrote them, as which number, for
// which partition, with a checksum of their own, so that any byte at a wrong place is seen. Pure.
#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/clock.h"
#include "engine/record_batch.h"

namespace ringlog::simulation {

/// One record. `number` counts the records of a producer.
struct ValueId {
    uint32_t producer = 0;
    uint64_t number = 0;
    friend auto operator<=>(const ValueId&, const ValueId&) = default;
};

/// What stands in a value.
struct Value {
    ValueId id;
    uint16_t topic = 0;  ///< Position of the topic in the swarm's list.
    int32_t partition = 0;
};

/// The smallest value there can be.
constexpr size_t kValueBytesMin = 40;
/// `bytes` long (at least kValueBytesMin): the header, and what a generator seeded by it gives.
std::string encode_value(const Value& value, size_t bytes);
/// Nothing if it is not one, or a byte of it is another.
std::expected<Value, std::string> decode_value(ByteView bytes);

/// A batch as a reader got it.
struct ReadBatch {
    engine::BatchHeader header;
    std::vector<Value> values;       ///< In order of offset.
    std::vector<WallMs> timestamps;  ///< The same; the append time where the topic has that.
    uint32_t content_crc = 0;        ///< Of everything behind the header, which no broker changes.
};
/// Checks the CRC, walks the records, decodes each value. What is wrong, in words, otherwise.
std::expected<ReadBatch, std::string> read_batch(ByteView bytes);
/// CRC of what a broker never changes of a batch: the records.
uint32_t content_crc(ByteView batch);

}  // namespace ringlog::simulation

// See broker/named_partitions.h.
#include "broker/named_partitions.h"

#include <bit>

#include "base/assert.h"
#include "base/checksum.h"

namespace ringlog::broker {

NamedPartitions::NamedPartitions(size_t count, uint64_t seed)
    : seed_(seed), entries_(std::bit_ceil(count + count / 2 + 1)) {}

uint32_t& NamedPartitions::place_of(std::string_view topic, int32_t partition, uint32_t place) {
    RL_ASSERT(place != kFree);
    if (topic.data() != topic_.data() || topic.size() != topic_.size()) {
        topic_ = topic;
        topic_hash_ = xxh3(as_bytes(topic), seed_);
    }
    const uint64_t hash = xxh3(std::as_bytes(std::span(&partition, 1)), topic_hash_);
    for (size_t at = hash & (entries_.size() - 1);; at = (at + 1) & (entries_.size() - 1)) {
        Entry& entry = entries_[at];
        if (entry.place == kFree) {
            entry = {.topic = topic, .partition = partition, .place = place};
            return entry.place;
        }
        if (entry.partition == partition && entry.topic == topic) {
            return entry.place;
        }
    }
}

}  // namespace ringlog::broker

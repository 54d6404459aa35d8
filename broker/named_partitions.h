// The partitions that one request names: what they cost, and which of them are named again. Any
// core. Explained in docs/data_path.md, "What requests name".
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "base/bytes.h"

namespace ringlog::broker {

/// Memory that the requests of one core may use for the partitions that they name, beside their own
/// bytes. Beyond, requests wait in line; one that needs more than all of it ends its connection.
constexpr int64_t kNamedBytesPerCore = 256 << 20;

/// Topics and partitions of a request, each of which costs memory until its answer was sent.
template <typename Topics>
int64_t count_names(const Topics& topics) {
    size_t count = topics.size();
    for (const auto& topic : topics) {
        count += topic.partitions.size();
    }
    return static_cast<int64_t>(count);
}

/// Which partition was named at which place. Places count the partitions of a request from 0.
class NamedPartitions {
public:
    /// Room for `count` partitions. `seed`: not for the client to know, so that it cannot choose
    /// names that collide.
    NamedPartitions(size_t count, uint64_t seed);

    /// The place that the partition has; `place` if it is new. `topic` stays valid as long as this.
    uint32_t& place_of(std::string_view topic, int32_t partition, uint32_t place);

private:
    static constexpr uint32_t kFree = UINT32_MAX;
    struct Entry {
        std::string_view topic;
        int32_t partition = 0;
        uint32_t place = kFree;
    };

    uint64_t seed_;
    std::vector<Entry> entries_;  ///< Probed linearly; a power of two, a third free at least.
    std::string_view topic_;      ///< The last that was looked up.
    uint64_t topic_hash_ = 0;
};

}  // namespace ringlog::broker

// Creates the topic of a run and waits until the broker names a leader for each partition.
// Blocking; any thread.
#pragma once

#include "base/clock.h"
#include "base/error.h"
#include "bench/answers.h"
#include "bench/net.h"
#include "bench/requests.h"

namespace ringlog::bench {

struct SetupSpec {
    Address address;
    TopicSpec topic;
    bool create = true;  ///< False: the topic is there and its partitions are taken as they are.
    MonotonicNs deadline_ns = 0;
};

/// The topic's leaders, by partition. A broker that is not there yet, or not ready, is asked again
/// every millisecond until the deadline; a topic that exists already is taken. Errors: timed_out,
/// or what the last try met; a refusal of the broker's that will not change is invalid_argument
/// with its error code in `at`.
Result<TopicMetadata> prepare_topic(const SetupSpec& spec);

}  // namespace ringlog::bench

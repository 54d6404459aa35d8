// The two runs of the load client that need no worker: how long until a broker that is being
// started acks, and how fast one connection drains a topic. Blocking; any thread.
#pragma once

#include <sys/types.h>

#include <cstdint>

#include "base/clock.h"
#include "base/error.h"
#include "bench/produce_run.h"

namespace ringlog::bench {

/// Waits for the broker (asking every millisecond), creates the topic, produces one record with
/// acks=all and returns the moment of its ack on CLOCK_MONOTONIC. Errors: timed_out, io_failed, ...
/// ; invalid_argument with Kafka's error code in `at`.
Result<MonotonicNs> run_first_ack(const ProduceOptions& options);

struct DrainOptions {
    Address target;
    std::string topic;
    int32_t fetch_bytes = 8 << 20;
    double seconds_max = 60;
    bool check_crc = false;
    pid_t broker_pid = 0;  ///< 0: not sampled.
};

struct DrainReport {
    double seconds = 0;
    uint64_t records = 0;
    uint64_t bytes = 0;  ///< Of whole record batches.
    uint64_t gaps = 0;
    bool at_end = false;  ///< Everything was read; else the time ran out.
    int64_t broker_cpu_ns = -1;
};

/// Reads all partitions of a topic from offset 0 to their high watermarks over one connection, one
/// Fetch at a time. Errors: as above; corrupt_batch if a CRC does not hold.
Result<DrainReport> run_drain(const DrainOptions& options);

}  // namespace ringlog::bench

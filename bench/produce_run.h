// One measured run of the load client: creates the topic, connects, runs its workers, samples the
// broker, and adds up. Blocking; the calling thread only waits.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/histogram.h"
#include "bench/net.h"
#include "bench/pacer.h"

namespace ringlog::bench {

struct ProduceOptions {
    Address target;
    std::string topic;
    int32_t partition_count = 1;
    std::vector<std::pair<std::string, std::string>> configs;
    bool create = true;
    int connections = 1;
    int threads = 1;
    int in_flight = 1;  ///< Closed loop.
    double per_second =
        0;  ///< Open loop: requests per second over all connections; 0 is a closed loop.
    Spacing spacing = Spacing::poisson;
    size_t record_bytes = 1024;  ///< Of each record's value.
    int32_t records_per_batch = 1;
    int16_t acks = -1;
    double warmup_seconds = 1;
    double seconds = 5;
    uint64_t requests_max = 0;  ///< Ends after that many answered requests; 0: by time alone.
    double setup_seconds = 30;  ///< How long a broker may take until the topic has its leaders.
    pid_t broker_pid = 0;       ///< 0: not sampled.
    bool end_to_end = false;    ///< A tail consumer on the same thread, stamps in the records.
    uint64_t seed = 1;
};

struct ProduceReport {
    double seconds = 0;  ///< Length of the window that was measured.
    Histogram ack_ns;
    Histogram service_ns;
    Histogram late_ns;
    Histogram end_to_end_ns;
    uint64_t requests = 0;  ///< Answered without error within the window.
    uint64_t records = 0;
    uint64_t bytes = 0;     ///< Of the requests, as they went over the wire.
    uint64_t intended = 0;  ///< Open loop: that fell due within the window.
    uint64_t unanswered = 0;
    uint64_t refused = 0;
    uint64_t disordered = 0;
    uint64_t consumed = 0;
    uint64_t consumer_gaps = 0;
    uint64_t undense = 0;  ///< Partitions whose acked offsets are not one row without gaps: foreign
                           ///< producers, or loss.
    std::map<int16_t, uint64_t> errors;
    int64_t client_cpu_ns = 0;
    int64_t broker_cpu_ns = -1;  ///< -1: not sampled.
    int64_t broker_resident_bytes = -1;
    std::vector<double> cpu_busy_percent;

    /// True if every request was answered without error and with an offset of its own.
    [[nodiscard]] bool sound() const {
        return errors.empty() && unanswered == 0 && disordered == 0 && undense == 0 &&
               consumer_gaps == 0;
    }
    /// True if an open loop got through at its rate (99.5 %); always for a closed loop.
    [[nodiscard]] bool kept_up() const {
        return intended == 0 ||
               static_cast<double>(requests) >= 0.995 * static_cast<double>(intended);
    }
};

/// Errors: those of prepare_topic and connect_to; closed, io_failed or malformed if a connection
/// broke during the run; invalid_argument if options exclude each other.
Result<ProduceReport> run_produce(const ProduceOptions& options);

}  // namespace ringlog::bench

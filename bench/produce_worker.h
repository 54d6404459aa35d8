// One thread of the load client: an epoll loop over its connections that sends by a closed loop (a
// number of requests open on each connection) or by an open loop (a schedule), and counts what
// comes back. It waits in the kernel, never spins. Explained in docs/benchmarks.md.
#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "base/clock.h"
#include "base/error.h"
#include "base/histogram.h"
#include "bench/consumer.h"
#include "bench/fd.h"
#include "bench/pacer.h"
#include "bench/producer_connection.h"

namespace ringlog::bench {

/// The times of a run, the same for all its workers. Only what falls into [measure_ns, end_ns)
/// counts.
struct Schedule {
    MonotonicNs start_ns = 0;
    MonotonicNs measure_ns = 0;
    MonotonicNs end_ns = 0;
    MonotonicNs give_up_ns = 0;  ///< Requests that are still open then count as unanswered.
};

struct WorkerSpec {
    Schedule schedule;
    int in_flight = 1;      ///< Closed loop: requests open on each connection.
    double per_second = 0;  ///< Open loop: requests of this worker; 0 is a closed loop.
    Spacing spacing = Spacing::poisson;
    uint64_t seed = 1;
    uint64_t requests_max = 0;  ///< Ends after this many counted answers; 0: by time alone.
    size_t open_requests_max =
        100'000;  ///< Open loop: more than this means that the broker does not keep up.
    const std::atomic<bool>* stop = nullptr;  ///< Set by another worker's failure.
};

/// What one partition's answers said, to prove that each acked record has an offset of its own.
struct PartitionCount {
    int64_t first_offset = INT64_MAX;
    int64_t end_offset = -1;
    int64_t record_count = 0;
};

struct WorkerResult {
    Histogram ack_ns;  ///< Open loop: from the intended time; closed loop: from queueing, which is
                       ///< at once.
    Histogram service_ns;             ///< From the moment the first byte was handed to the kernel.
    Histogram late_ns;                ///< Open loop: how late the generator sent. Its own error.
    Histogram end_to_end_ns;          ///< From the intended time to the tail consumer.
    uint64_t requests_in_window = 0;  ///< Answered without error within the window.
    uint64_t intended_in_window = 0;  ///< Open loop: sends that fell due within the window.
    uint64_t unanswered = 0;
    uint64_t refused = 0;  ///< Open loop: not sent because open_requests_max was reached.
    uint64_t disordered =
        0;  ///< A base offset at or below one acked earlier on the same connection and partition.
    uint64_t consumed = 0;  ///< Records that the tail consumer saw.
    uint64_t consumer_gaps = 0;
    std::map<int16_t, uint64_t> errors;  ///< By Kafka's error code.
    std::map<int32_t, PartitionCount> partitions;
    int64_t cpu_ns = 0;            ///< Of this thread, within the window.
    MonotonicNs ended_ns = 0;      ///< When the window of this worker ended.
    std::optional<Error> failure;  ///< A broken connection or answer; the run is void.
};

class ProduceWorker {
public:
    ProduceWorker(WorkerSpec spec, const ProduceContent& content,
                  std::vector<std::unique_ptr<ProducerConnection>> connections,
                  std::unique_ptr<Consumer> tail);

    /// Runs the whole schedule on the calling thread. What went wrong is in the result.
    WorkerResult run();

private:
    enum class Phase : uint8_t { warming, measuring, draining, done };

    Result<void> loop();
    Result<void> turn();
    void move_phase(MonotonicNs now);
    void send_due(MonotonicNs now);
    void touch(ProducerConnection& connection);
    Result<void> flush_touched();
    Result<void> flush(ProducerConnection& connection);
    Result<void> tail_readable();
    void answered(ProducerConnection& connection, const ProducerConnection::Request& request,
                  const ProduceAnswer& answer);
    void count_offset(ProducerConnection& connection, const ProduceAnswer& answer);
    [[nodiscard]] bool open_loop() const { return spec_.per_second > 0; }
    [[nodiscard]] MonotonicNs wake_at(MonotonicNs now) const;
    void watch(int fd, uint32_t events, void* tag, bool first);

    WorkerSpec spec_;
    const ProduceContent& content_;
    std::vector<std::unique_ptr<ProducerConnection>> connections_;
    std::unique_ptr<Consumer> tail_;
    Fd epoll_;
    ProducerConnection::OnAnswer on_answer_;
    std::optional<Pacer> pacer_;
    size_t next_connection_ = 0;
    std::vector<ProducerConnection*> touched_;
    std::map<std::pair<const ProducerConnection*, int32_t>, int64_t> last_offsets_;
    size_t open_requests_ = 0;
    uint64_t counted_ = 0;        ///< Requests of the window that were answered.
    uint64_t acked_records_ = 0;  ///< Of the whole run.
    Phase phase_ = Phase::warming;
    int64_t cpu_start_ns_ = 0;
    WorkerResult result_;
};

}  // namespace ringlog::bench

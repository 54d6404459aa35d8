// The floor under an ack: a loopback round trip of a record's size and a small answer, alone, and
// with a flushed write of the received frame in between (the least that any durable server does).
// Blocking sockets, two threads, nobody spins.
#pragma once

#include <cstddef>

#include "base/error.h"
#include "base/histogram.h"
#include "bench/device_loop.h"

namespace ringlog::bench {

struct RoundTripSpec {
    size_t request_bytes = 1024;
    size_t answer_bytes = 64;
    double seconds = 1;
    DeviceFile* file = nullptr;  ///< Null: answered without a write.
    Rung rung = Rung::power;
};

/// Latencies of one client in a closed loop, after a tenth of the time unmeasured. Errors:
/// io_failed, closed.
Result<Histogram> run_round_trip(const RoundTripSpec& spec);

}  // namespace ringlog::bench

// Time as a seam: production reads the kernel's clocks, the simulation moves its own. Any core.
#pragma once

#include <cstdint>

namespace ringlog {

/// Nanoseconds of a clock that only goes forward. Deadlines, lags and latencies use nothing else.
using MonotonicNs = int64_t;

/// Milliseconds since 1970, as Kafka's timestamps. It may step in either direction: nothing safe
/// depends on it.
using WallMs = int64_t;

constexpr int64_t kMicrosecondNs = 1'000;
constexpr int64_t kMillisecondNs = 1'000'000;
constexpr int64_t kSecondNs = 1'000'000'000;

/// Where time comes from. One object may serve all cores: its calls are safe from any thread.
class Clock {
public:
    virtual ~Clock() = default;
    [[nodiscard]] virtual MonotonicNs monotonic_ns() const = 0;
    [[nodiscard]] virtual WallMs wall_ms() const = 0;
};

/// CLOCK_MONOTONIC and CLOCK_REALTIME.
class SystemClock final : public Clock {
public:
    [[nodiscard]] MonotonicNs monotonic_ns() const override;
    [[nodiscard]] WallMs wall_ms() const override;
};

}  // namespace ringlog

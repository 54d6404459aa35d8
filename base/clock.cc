// The kernel's clocks. See base/clock.h.
#include "base/clock.h"

#include <ctime>

namespace ringlog {

MonotonicNs SystemClock::monotonic_ns() const {
    timespec now{};
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * kSecondNs + now.tv_nsec;
}

WallMs SystemClock::wall_ms() const {
    timespec now{};
    clock_gettime(CLOCK_REALTIME, &now);
    return static_cast<WallMs>(now.tv_sec) * 1000 + now.tv_nsec / kMillisecondNs;
}

}  // namespace ringlog

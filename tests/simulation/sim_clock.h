// Virtual time: one for the world, and the clocks of its nodes, which are set differently and may
// be stepped. One thread.
#pragma once

#include <cstdint>

#include "base/clock.h"

namespace ringlog::simulation {

/// The time of a run. It starts at 0 and moves when nothing is left to do at its instant.
struct WorldTime {
    MonotonicNs now = 0;
};

/// What one node reads. The monotonic clock begins anew with each boot; the wall clock may be wrong
/// by any amount.
class SimClock final : public Clock {
public:
    /// `boot_offset_ns`: what the monotonic clock shows at world time 0. `wall_ms`: what the wall
    /// clock shows then.
    SimClock(const WorldTime& world, int64_t boot_offset_ns, WallMs wall_ms)
        : world_(world), boot_offset_ns_(boot_offset_ns), wall_base_ms_(wall_ms) {}

    [[nodiscard]] MonotonicNs monotonic_ns() const override { return world_.now + boot_offset_ns_; }
    [[nodiscard]] WallMs wall_ms() const override {
        const auto drifted = static_cast<double>(world_.now) * drift_ppm_ / 1e6;
        return wall_base_ms_ + (world_.now + static_cast<int64_t>(drifted)) / kMillisecondNs;
    }

    /// The world's time at which this clock shows `deadline`.
    [[nodiscard]] MonotonicNs to_world(MonotonicNs deadline) const {
        return deadline == INT64_MAX ? INT64_MAX : deadline - boot_offset_ns_;
    }
    /// What the wall clock would have shown at world time 0.
    [[nodiscard]] WallMs wall_base_ms() const { return wall_base_ms_; }
    /// As an operator or a time server does: forward or back.
    void step_wall(int64_t by_ms) { wall_base_ms_ += by_ms; }
    /// How much too fast the wall clock runs, in millionths; less than 0: too slow.
    void set_drift(double ppm) { drift_ppm_ = ppm; }

private:
    const WorldTime& world_;
    int64_t boot_offset_ns_;
    WallMs wall_base_ms_;
    double drift_ppm_ = 0;
};

}  // namespace ringlog::simulation

// When an open loop means to send: a schedule that does not know whether the broker keeps up. One
// thread.
#pragma once

#include <cmath>
#include <cstdint>

#include "base/clock.h"
#include "base/random.h"

namespace ringlog::bench {

enum class Spacing : uint8_t { fixed, poisson };

class Pacer {
public:
    struct Spec {
        double per_second = 1;
        Spacing spacing = Spacing::poisson;
        uint64_t seed = 1;
        MonotonicNs start_ns = 0;
    };
    explicit Pacer(const Spec& spec)
        : mean_ns_(static_cast<double>(kSecondNs) / spec.per_second),
          spacing_(spec.spacing),
          random_(spec.seed),
          start_ns_(spec.start_ns) {
        advance();
    }

    /// The next intended time.
    [[nodiscard]] MonotonicNs next() const { return start_ns_ + static_cast<int64_t>(elapsed_ns_); }

    /// Moves on to the one behind it: one mean interval later, or an exponentially distributed one
    /// with that mean.
    void advance() {
        if (spacing_ == Spacing::fixed) {
            elapsed_ns_ += mean_ns_;
            return;
        }
        constexpr double kScale = 0x1p-53;  // 53 uniform bits, in (0, 1]
        const double uniform = (static_cast<double>(random_.next() >> 11) + 1) * kScale;
        elapsed_ns_ -= mean_ns_ * std::log(uniform);
    }

private:
    double mean_ns_;
    Spacing spacing_;
    Random random_;
    MonotonicNs start_ns_;
    double elapsed_ns_ = 0;
};

}  // namespace ringlog::bench

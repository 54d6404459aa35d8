// How long each CPU does not run us: interrupts, kernel threads, the hypervisor. What ends on such
// a CPU (an interrupt of the disk, a wake-up) waits as long.
#pragma once

#include <cstdint>
#include <vector>

namespace ringlog::bench {

/// What a loop that does nothing but read the clock missed on one CPU.
struct CpuAway {
    int cpu = 0;
    double share = 0;        ///< Of the time, in gaps of at least kCpuAwayNs.
    uint64_t gaps = 0;       ///< How many.
    int64_t longest_ns = 0;  ///< Of all gaps.
};

constexpr int64_t kCpuAwayNs = 200'000;

/// Spins on every CPU that this process may use, all at once, for `seconds`.
std::vector<CpuAway> run_cpu_away(double seconds);

}  // namespace ringlog::bench

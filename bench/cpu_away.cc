// The loops of bench/cpu_away.h.
#include "bench/cpu_away.h"

#include <pthread.h>
#include <sched.h>

#include <algorithm>
#include <thread>

#include "base/clock.h"

namespace ringlog::bench {

namespace {

void spin(double seconds, CpuAway& away) {
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(static_cast<unsigned>(away.cpu), &one);
    ::pthread_setaffinity_np(::pthread_self(), sizeof(one), &one);
    const SystemClock clock;
    const MonotonicNs begun = clock.monotonic_ns();
    const auto duration = static_cast<int64_t>(seconds * static_cast<double>(kSecondNs));
    int64_t in_gaps = 0;
    for (MonotonicNs last = begun; last < begun + duration;) {
        const MonotonicNs now = clock.monotonic_ns();
        const int64_t gap = now - last;
        last = now;
        away.longest_ns = std::max(away.longest_ns, gap);
        if (gap >= kCpuAwayNs) {
            ++away.gaps;
            in_gaps += gap;
        }
    }
    away.share = static_cast<double>(in_gaps) / static_cast<double>(duration);
}

}  // namespace

std::vector<CpuAway> run_cpu_away(double seconds) {
    cpu_set_t allowed;
    CPU_ZERO(&allowed);
    ::sched_getaffinity(0, sizeof(allowed), &allowed);
    std::vector<CpuAway> all;
    for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
        if (CPU_ISSET(static_cast<unsigned>(cpu), &allowed)) {
            all.push_back({.cpu = cpu});
        }
    }
    std::vector<std::thread> threads;
    threads.reserve(all.size());
    for (CpuAway& away : all) {
        threads.emplace_back([seconds, &away] { spin(seconds, away); });
    }
    for (std::thread& thread : threads) {
        thread.join();
    }
    return all;
}

}  // namespace ringlog::bench

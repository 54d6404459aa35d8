// What a process and the machine have used so far, from /proc: CPU of all threads of a process
// (also those that ended and its io_uring workers; not the kernel's own threads), resident memory,
// and how busy each CPU was. Any thread.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <vector>

#include "base/error.h"

namespace ringlog::bench {

struct ProcessUsage {
    int64_t cpu_ns = 0;  ///< User and system time; the kernel counts it in steps of 10 ms.
    int64_t resident_bytes = 0;
};

/// Errors: not_found (no such process), malformed.
Result<ProcessUsage> process_usage(pid_t pid);

/// Ticks of one CPU since boot.
struct CpuTicks {
    uint64_t busy = 0;
    uint64_t total = 0;
};
std::vector<CpuTicks> cpu_ticks();

/// Percent busy of each CPU between two samples.
std::vector<double> busy_percent(const std::vector<CpuTicks>& from,
                                 const std::vector<CpuTicks>& to);

}  // namespace ringlog::bench

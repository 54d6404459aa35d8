// Runs seeds in child processes: a seed that aborts ends its child and not the run, and what dead
// brokers leave in memory goes with the child. One thread.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "tests/simulation/cluster/run.h"

namespace ringlog::simulation {

/// What many seeds came to. Plain bytes: it goes through a pipe.
struct Totals {
    uint64_t seeds = 0;
    uint64_t events = 0;
    uint64_t honesty = 0;
    uint64_t gave_up = 0;
    uint64_t failed = 0;
    int64_t virtual_ns = 0;
    double busy_seconds = 0;
    std::array<uint64_t, kMetCount> marks{};

    void add(const Totals& other);
};

struct ManySeeds {
    RunOptions run;
    uint64_t first = 1;
    uint64_t count = 50;
    double minutes = 0;  ///< Goes on with further seeds for so long, instead of `count`.
    uint32_t jobs = 1;
    bool twice = true;        ///< Each seed, and both runs must end in the same trace.
    bool keep_going = false;  ///< After a failure.
};

/// How a failure is printed: seed and what did not hold.
using OnFailure = std::function<void(uint64_t seed, const std::string& what)>;

/// Runs them. `on_failure` may be called in a child.
Totals run_many(const ManySeeds& many, const OnFailure& on_failure);

/// Runs one seed in a child. What failed, or how the child ended; empty if all held.
std::string run_apart(const RunOptions& options);

}  // namespace ringlog::simulation

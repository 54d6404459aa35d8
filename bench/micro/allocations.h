// Counts this program's heap allocations, so that a benchmark can show how many an operation costs.
#pragma once

#include <benchmark/benchmark.h>

#include <cstdint>

namespace ringlog {

/// Calls of operator new on this thread so far.
uint64_t allocation_count();

/// From its construction to the end of the benchmark; reports "allocations" per iteration.
class CountAllocations {
public:
    explicit CountAllocations(benchmark::State& state) : state_(state), from_(allocation_count()) {}
    ~CountAllocations() {
        state_.counters["allocations"] = benchmark::Counter(
            static_cast<double>(allocation_count() - from_), benchmark::Counter::kAvgIterations);
    }
    CountAllocations(const CountAllocations&) = delete;
    CountAllocations& operator=(const CountAllocations&) = delete;

private:
    benchmark::State& state_;
    uint64_t from_;
};

}  // namespace ringlog

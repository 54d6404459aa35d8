// Question: what does judging a client's batch cost (header, CRC, nothing per record), and stamping
// it? Non-goal: appending it.
#include "engine/record_batch.h"

#include <benchmark/benchmark.h>

#include "bench/micro/allocations.h"
#include "bench/requests.h"

namespace ringlog::engine {
namespace {

void validate_batch(benchmark::State& state) {
    const auto batch = bench::make_batch({.record_count = static_cast<int32_t>(state.range(0))});
    const CountAllocations allocations(state);
    for (auto _ : state) {
        auto header = validate_client_batch(batch.bytes, {});
        if (!header) {
            state.SkipWithError("the batch was refused");
            break;
        }
        benchmark::DoNotOptimize(header->crc);
    }
    state.SetBytesProcessed(state.iterations() * static_cast<int64_t>(batch.bytes.size()));
}
BENCHMARK(validate_batch)->Arg(1)->Arg(64)->Arg(1000);

void stamp_offset_and_epoch(benchmark::State& state) {
    auto batch = bench::make_batch({});
    const CountAllocations allocations(state);
    int64_t offset = 0;
    for (auto _ : state) {
        stamp_batch(batch.bytes, ++offset, LeaderEpoch{3});
        benchmark::ClobberMemory();
    }
}
BENCHMARK(stamp_offset_and_epoch);

}  // namespace
}  // namespace ringlog::engine

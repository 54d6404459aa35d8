// Question: what does a checksum cost per size, hot and cold? Non-goal: the sum with a copy, which
// the journal's own benchmark shows.
#include <benchmark/benchmark.h>

#include <cstring>
#include <vector>

#include "base/checksum.h"

namespace ringlog {
namespace {

/// Walks through `set_bytes` of memory in steps of one block, so that a large set is cold.
template <typename Function>
void over_blocks(benchmark::State& state, size_t set_bytes, Function function) {
    const auto block_bytes = static_cast<size_t>(state.range(0));
    std::vector<std::byte> memory(std::max(set_bytes, block_bytes), std::byte{0x5a});
    size_t position = 0;
    for (auto _ : state) {
        function(Bytes(memory).subspan(position, block_bytes));
        position += block_bytes;
        position = position + block_bytes > memory.size() ? 0 : position;
    }
    state.SetBytesProcessed(state.iterations() * state.range(0));
}

constexpr size_t kHotBytes = size_t{128} << 10;
constexpr size_t kColdBytes = size_t{128} << 20;

void crc32c_hot(benchmark::State& state) {
    over_blocks(state, kHotBytes, [](Bytes block) { benchmark::DoNotOptimize(crc32c(block)); });
}
void crc32c_cold(benchmark::State& state) {
    over_blocks(state, kColdBytes, [](Bytes block) { benchmark::DoNotOptimize(crc32c(block)); });
}
void xxh3_hot(benchmark::State& state) {
    over_blocks(state, kHotBytes, [](Bytes block) { benchmark::DoNotOptimize(xxh3(block, 7)); });
}
void xxh3_cold(benchmark::State& state) {
    over_blocks(state, kColdBytes, [](Bytes block) { benchmark::DoNotOptimize(xxh3(block, 7)); });
}
void memcpy_hot(benchmark::State& state) {
    std::vector<std::byte> target(static_cast<size_t>(state.range(0)));
    over_blocks(state, kHotBytes, [&](Bytes block) {
        std::memcpy(target.data(), block.data(), block.size());
        benchmark::ClobberMemory();
    });
}

void sizes(benchmark::internal::Benchmark* each) {
    each->Arg(64)->Arg(1024)->Arg(4096)->Arg(65536);
}
BENCHMARK(crc32c_hot)->Apply(sizes);
BENCHMARK(crc32c_cold)->Arg(4096)->Arg(65536);
BENCHMARK(xxh3_hot)->Apply(sizes);
BENCHMARK(xxh3_cold)->Arg(4096)->Arg(65536);
BENCHMARK(memcpy_hot)->Apply(sizes);

}  // namespace
}  // namespace ringlog

// Question: what does counting one latency cost, and reading a quantile? Non-goal: accuracy, which
// the unit tests prove.
#include <benchmark/benchmark.h>

#include <memory>

#include "base/histogram.h"
#include "base/random.h"

namespace ringlog {
namespace {

void histogram_record(benchmark::State& state) {
    const auto histogram = std::make_unique<Histogram>();
    uint64_t value = 1;
    for (auto _ : state) {
        histogram->record(value);
        value = (value * 6364136223846793005ULL + 1442695040888963407ULL) >> 40;
    }
    benchmark::DoNotOptimize(histogram->count());
}
BENCHMARK(histogram_record);

void histogram_quantile(benchmark::State& state) {
    const auto histogram = std::make_unique<Histogram>();
    Random random(1);
    for (int each = 0; each < 100'000; ++each) {
        histogram->record(random.below(10'000'000));
    }
    for (auto _ : state) {
        benchmark::DoNotOptimize(histogram->value_at(0.99));
    }
}
BENCHMARK(histogram_quantile);

}  // namespace
}  // namespace ringlog

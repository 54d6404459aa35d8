// Question: what does a hand-over between cores cost, within one thread and as a round trip of two
// that spin? Non-goal: waking a core that sleeps, which costs a system call and is the reactor's to
// measure.
#include <benchmark/benchmark.h>

#include <atomic>
#include <thread>

#include "base/spsc_queue.h"

namespace ringlog {
namespace {

void spsc_push_pop_one_thread(benchmark::State& state) {
    SpscQueue<uint64_t> queue(64);
    uint64_t next = 0;
    for (auto _ : state) {
        benchmark::DoNotOptimize(queue.try_push(next++));
        benchmark::DoNotOptimize(*queue.front());
        queue.pop();
    }
}
BENCHMARK(spsc_push_pop_one_thread);

/// Both ends yield while they wait, so that it also ends on one CPU.
void spsc_round_trip_two_threads(benchmark::State& state) {
    SpscQueue<uint64_t> there(64);
    SpscQueue<uint64_t> back(64);
    std::atomic<bool> stop{false};
    std::thread echo([&] {
        while (!stop.load(std::memory_order_relaxed)) {
            if (const uint64_t* item = there.front(); item != nullptr) {
                back.try_push(*item);
                there.pop();
            } else {
                std::this_thread::yield();
            }
        }
    });
    uint64_t next = 0;
    for (auto _ : state) {
        there.try_push(next++);
        while (back.front() == nullptr) {
            std::this_thread::yield();
        }
        back.pop();
    }
    stop.store(true, std::memory_order_relaxed);
    echo.join();
}
BENCHMARK(spsc_round_trip_two_threads)->UseRealTime();

}  // namespace
}  // namespace ringlog

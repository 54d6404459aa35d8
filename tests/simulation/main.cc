// ringlog_sim: runs seeds of the simulation and says what held. Each seed runs twice, and both runs
// must end in the same trace hash. `--seed N` replays one, byte for byte; `--trace` prints its
// events.
#include <fmt/format.h>

#include <CLI/CLI.hpp>

#include <chrono>
#include <cstdio>

#include "base/log.h"
#include "tests/support/shard_harness.h"

namespace ringlog::simulation {
namespace {

struct Outcome {
    uint64_t trace_hash = 0;
    uint64_t steps = 0;
    uint64_t acked = 0;
    uint64_t crashes = 0;
    int64_t virtual_ns = 0;
    std::string failure;
};

/// What the seed decides before the run begins.
struct Swarm {
    explicit Swarm(uint64_t seed) : random(seed ^ 0x73696d) {
        options.seed = seed;
        options.durability =
            random.chance(1, 2) ? engine::Durability::power : engine::Durability::crash;
        options.partitions = 1 + static_cast<int32_t>(random.below(5));
        options.batch_bytes_max = 200 + static_cast<uint32_t>(random.below(4000));
        options.large_bytes = 17'000 + static_cast<uint32_t>(random.below(45'000));
        power_losses = options.durability == engine::Durability::power && random.chance(1, 2);
        rates.short_io = random.chance(1, 3) ? 20'000 : 0;
        rates.slow = random.chance(1, 3) ? 5'000 : 0;
        rates.no_space = random.chance(1, 6) ? 2'000 : 0;
        rates.write_error = random.chance(1, 6) ? 300 : 0;
    }

    Random random;
    engine::test::HarnessOptions options;
    bool power_losses = false;
    DiskRates rates;
};

Outcome run_seed(uint64_t seed, uint32_t lives, bool trace) {
    Swarm swarm(seed);
    engine::test::ShardHarness harness(swarm.options);
    Outcome outcome;
    if (trace) {
        harness.world().trace().set_sink([](const std::string& line) { std::puts(line.c_str()); });
    }
    const auto fail_with = [&outcome](std::string what) { outcome.failure = std::move(what); };
    if (!harness.create()) {
        fail_with("no shard could be made");
    }
    for (uint32_t life = 0; life < lives && outcome.failure.empty(); ++life) {
        harness.node().disk().set_rates(swarm.rates);
        const bool power = swarm.power_losses && swarm.random.chance(1, 2);
        harness.produce_and_crash(swarm.random.below(300),
                                  power ? CrashKind::power_loss : CrashKind::kill);
        ++outcome.crashes;
        harness.node().disk().set_rates({});
        harness.restart();
        Error error{Errc::io_failed};
        if (!harness.recover(&error)) {
            fail_with("the start failed: " + describe(error));
        } else if (std::string problem = harness.verify(); !problem.empty()) {
            fail_with(std::move(problem));
        }
    }
    if (outcome.failure.empty() && !harness.close(true)) {
        fail_with("the clean stop failed");
    }
    outcome.trace_hash = harness.world().trace().hash();
    outcome.steps = harness.world().steps();
    outcome.acked = harness.acked_count();
    outcome.virtual_ns = harness.world().now();
    return outcome;
}

struct Totals {
    uint64_t seeds = 0;
    uint64_t steps = 0;
    uint64_t acked = 0;
    uint64_t crashes = 0;
    int64_t virtual_ns = 0;
};

bool run_twice(uint64_t seed, uint32_t lives, bool trace, Totals& totals) {
    const Outcome first = run_seed(seed, lives, trace);
    const Outcome second = run_seed(seed, lives, false);
    totals.seeds += 1;
    totals.steps += first.steps;
    totals.acked += first.acked;
    totals.crashes += first.crashes;
    totals.virtual_ns += first.virtual_ns;
    if (!first.failure.empty()) {
        fmt::print("FAILED seed {}: {}\n  replay: ringlog_sim --seed {} --lives {} --trace\n", seed,
                   first.failure, seed, lives);
        return false;
    }
    if (first.trace_hash != second.trace_hash) {
        fmt::print("FAILED seed {}: two runs differ: trace {:016x} and {:016x}\n", seed,
                   first.trace_hash, second.trace_hash);
        return false;
    }
    return true;
}

}  // namespace
}  // namespace ringlog::simulation

int main(int argc, char** argv) {
    using namespace ringlog::simulation;
    CLI::App app(
        "Runs the log engine under a seed: real code, simulated disk, crashes and power cuts.");
    std::optional<uint64_t> seed;
    uint64_t first = 1;
    uint64_t count = 50;
    double minutes = 0;
    uint32_t lives = 8;
    bool trace = false;
    app.add_option("--seed", seed, "run this seed alone (twice) and print its trace hash");
    app.add_option("--first", first, "the first of many seeds");
    app.add_option("--count", count, "how many seeds (50)");
    app.add_option("--minutes", minutes, "go on with further seeds for so long instead of --count");
    app.add_option("--lives", lives, "crashes and starts per seed (8)");
    app.add_flag("--trace", trace, "print every event of the first run");
    CLI11_PARSE(app, argc, argv);

    ringlog::set_log_level(trace ? ringlog::LogLevel::info : ringlog::LogLevel::off);
    Totals totals;
    if (seed) {
        const bool held = run_twice(*seed, lives, trace, totals);
        fmt::print("seed {} trace {:016x} steps {} acked {} crashes {}\n", *seed,
                   run_seed(*seed, lives, false).trace_hash, totals.steps, totals.acked,
                   totals.crashes);
        return held ? 0 : 1;
    }
    const auto started = std::chrono::steady_clock::now();
    const auto elapsed = [started] {
        return std::chrono::duration<double>(std::chrono::steady_clock::now() - started).count();
    };
    bool held = true;
    for (uint64_t i = 0; held && (minutes > 0 ? elapsed() < minutes * 60 : i < count); ++i) {
        held = run_twice(first + i, lives, trace, totals);
    }
    fmt::print(
        "{} seeds, each twice with equal traces: {} events, {} crashes, {} acked batches, {} lost; "
        "{:.1f} simulated minutes in {:.1f} s\n",
        totals.seeds, totals.steps, totals.crashes, totals.acked, held ? 0 : 1,
        static_cast<double>(totals.virtual_ns) / 60e9, elapsed());
    return held ? 0 : 1;
}

// ringlog_crash: records lives of a log (the product's code on the kernel's own file system, or on
// a simulated disk), builds the images that crashes could leave of them, recovers each, and says
// what held. Explained in tests/crash/README.md.
#include <fmt/format.h>
#include <malloc.h>

#include <CLI/CLI.hpp>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "base/log.h"
#include "tests/crash/enumerator.h"
#include "tests/crash/scenarios.h"
#include "tests/support/temporary_directory.h"

namespace ringlog::crash {
namespace {

struct Options {
    uint64_t seed = 1;
    double minutes = 0;
    double seconds = 0;
    uint64_t rounds = 1;
    std::string only;
    std::string io = "all";
    std::string rung = "both";
    uint64_t images_max = 200;
    uint64_t images_per_life = 20'000;
    uint64_t second_life_every = 3000;
    std::string lie;
    std::string keep;
    bool verbose = false;
};

using Time = std::chrono::steady_clock::time_point;

/// What one life is recorded on.
std::unique_ptr<Machine> make_machine(const std::string& io, Life& life, const LogShape& shape,
                                      simulation::SimDisk& disk, const std::string& root,
                                      uint64_t seed) {
    if (io == "simulated") {
        return std::make_unique<ImageMachine>(disk, ImageOptions{.cores = shape.cores,
                                                                 .seed = seed,
                                                                 .trace = &life.trace,
                                                                 .refusals = &life.refusals});
    }
    write_out(*life.base, root);
    return std::make_unique<RealMachine>(
        RealOptions{.io = io == "epoll" ? io::IoChoice::epoll : io::IoChoice::automatic,
                    .cores = shape.cores,
                    .root = root},
        life.trace, life.refusals);
}

/// Records the lives of one scenario, each from a crash of the one before, and enumerates each.
bool run_scenario(const Options& options, const Scenario& scenario, const std::string& rung,
                  const std::string& io, uint64_t seed, Time deadline, Totals& totals) {
    Crash from{.disk = std::make_unique<simulation::SimDisk>(1, simulation::DiskOptions{})};
    const std::string name = fmt::format("{}-{}-{}-{}", scenario.name, rung, io, seed);
    for (size_t number = 0; number < scenario.lives.size(); ++number) {
        const LifePlan& plan = scenario.lives[number];
        Life life;
        life.number = static_cast<uint32_t>(number + 1);
        life.base = std::move(from.disk);
        life.before = std::move(from.knowledge);
        const std::unique_ptr<simulation::SimDisk> disk = life.base->copy(1);
        const test::TemporaryDirectory root;
        std::string problem;
        {
            const std::unique_ptr<Machine> machine =
                make_machine(io, life, plan.shape, *disk, root.path(), seed * 31 + number);
            problem = life.run(*machine, plan, seed * 31 + number);
        }
        const std::string title = fmt::format("{}-life{}", name, life.number);
        if (!problem.empty()) {
            ++totals.failures;
            fmt::print("FAILED {}: {}\n", title, problem);
            return false;
        }
        Totals of_life;
        EnumerateOptions enumerate{
            .limits = {.images_max = options.images_max, .seed = seed},
            .images_per_life = options.images_per_life,
            .second_life_every = options.second_life_every,
            .lies = {.writes = options.lie == "writes",
                     .syncs = options.lie == "syncs",
                     .names = options.lie == "names"},
            .keep = options.keep,
        };
        if (deadline != Time{}) {
            enumerate.deadline = deadline;
        }
        const bool held = Enumerator(life, enumerate, of_life).run(title);
        totals.add(of_life);
        if (options.verbose) {
            fmt::print("{}: {} events, {} moments, {} images, {} distinct, {:.0f}/s\n", title,
                       of_life.events, of_life.boundaries, of_life.images, of_life.distinct,
                       static_cast<double>(of_life.images) / of_life.seconds);
        }
        if (!held) {
            return false;
        }
        if (number + 1 < scenario.lives.size()) {
            Totals unused;
            // A clean stop is gone on from at its very end.
            from = Enumerator(life, enumerate, unused)
                       .crash_at(plan.clean_stop ? 999 : 300, 1000, seed * 131 + number);
        }
        if (deadline != Time{} && std::chrono::steady_clock::now() >= deadline) {
            break;
        }
    }
    return true;
}

void print(const Totals& totals, const Options& options, uint64_t scenarios) {
    const char* const commit = std::getenv("RINGLOG_COMMIT");  // ./dev tells
    fmt::print(
        "{} runs of scenarios, {} lives: {} events, {} writes, {} flushes, {} names and their "
        "syncs\n"
        "{} moments, {} images ({} of kills), {} distinct and recovered; {} lives after a crash "
        "with {} images among them\n"
        "{} batches acked; {} acked batches compared; {} lost, {} stale frames accepted, {} "
        "failures\n"
        "{:.0f} images and {:.0f} distinct ones per second of one core; seed {}, commit {}\n",
        scenarios, totals.lives, totals.events, totals.writes, totals.flushes, totals.names,
        totals.boundaries, totals.images, totals.kills, totals.distinct, totals.second_lives,
        totals.second_images, totals.acked, totals.acked_checked, totals.lost, totals.stale,
        totals.failures, static_cast<double>(totals.images) / totals.seconds,
        static_cast<double>(totals.distinct) / totals.seconds, options.seed,
        commit != nullptr ? commit : "unknown");
    fmt::print("what recoveries met:");
    for (const engine::RecoveryRow& row : engine::kRecoveryCases) {
        const uint64_t count = totals.cases[static_cast<size_t>(row.name)];
        if (count > 0) {
            fmt::print(" {} {}", engine::recovery_case_name(row.name), count);
        }
    }
    fmt::print("\n");
}

/// The files below `directory`, as a disk.
std::unique_ptr<simulation::SimDisk> read_in(const std::string& directory) {
    auto disk = std::make_unique<simulation::SimDisk>(1, simulation::DiskOptions{});
    simulation::Descriptors descriptors;
    simulation::SimFileSystem files(*disk, descriptors,
                                    [](std::string_view, uint64_t, uint64_t, uint64_t, int64_t) {});
    for (const auto& entry : std::filesystem::recursive_directory_iterator(directory)) {
        const std::string path = entry.path().string().substr(directory.size());
        if (entry.is_directory()) {
            (void)files.make_directory(path);
            continue;
        }
        std::ifstream file(entry.path(), std::ios::binary);
        const std::string bytes{std::istreambuf_iterator<char>(file), {}};
        auto opened = files.open(path, {.create = true, .write = true, .direct = false});
        if (opened) {
            (void)files.write(opened->descriptor, as_bytes(bytes), 0);
            files.close(opened->descriptor);
        }
    }
    disk->lose_power({.data = simulation::Fate::kept, .names = simulation::Fate::kept});
    return disk;
}

io::Task<void> look_at(io::Reactor& here, Log& log, bool& held) {
    const std::string problem = co_await log.open(here);
    if (!problem.empty()) {
        fmt::print("{}\n", problem);
        held = false;
        co_return;
    }
    for (const auto& shard : log.shards()) {
        for (engine::Partition* partition : shard->partitions()) {
            auto read = co_await Log::read(*partition);
            fmt::print("{}-{}: offsets {} to {}: {}\n", partition->id().topic,
                       partition->id().partition, partition->log_start_offset(),
                       partition->high_watermark(),
                       read ? fmt::format("{} batches", read->size()) : describe(read.error()));
            held = held && read.has_value();
        }
    }
    co_await log.close(here, false);
}

/// Recovers an image that a failure left, with the log's own lines.
int recover_directory(const std::string& directory, uint16_t journals) {
    set_log_level(LogLevel::info);
    const std::unique_ptr<simulation::SimDisk> disk = read_in(directory);
    ImageMachine machine(*disk, ImageOptions{});
    Log log({.journals = journals}, machine.directory(), nullptr, 0);
    bool held = true;
    (void)machine.run([&](io::Reactor& here) { return look_at(here, log, held); });
    return held ? 0 : 1;
}

bool matches(const std::string& wanted, const std::string& all, const std::string& value) {
    return wanted == all || wanted == value;
}

int run(const Options& options) {
    const auto started = std::chrono::steady_clock::now();
    const double limit = options.minutes * 60 + options.seconds;
    const Time deadline =
        limit > 0 ? started + std::chrono::milliseconds(static_cast<int64_t>(limit * 1000))
                  : Time{};
    const auto out_of_time = [deadline] {
        return deadline != Time{} && std::chrono::steady_clock::now() >= deadline;
    };
    Totals totals;
    uint64_t scenarios = 0;
    bool held = true;
    const std::vector<std::string> kinds = {"uring", "simulated", "epoll"};
    for (uint64_t round = 0; held && (limit > 0 ? !out_of_time() : round < options.rounds);
         ++round) {
        const auto power = all_scenarios(engine::Durability::power);
        const auto crash = all_scenarios(engine::Durability::crash);
        for (size_t i = 0; i < 2 * power.size() && held && !out_of_time(); ++i) {
            const bool is_power = i % 2 == 0;
            const Scenario& scenario = is_power ? power[i / 2] : crash[i / 2];
            const std::string rung = is_power ? "power" : "crash";
            if (!matches(options.rung, "both", rung) ||
                (!options.only.empty() && scenario.name != options.only)) {
                continue;
            }
            const std::string& io =
                options.io == "all" ? kinds[(i + round) % kinds.size()] : options.io;
            held =
                run_scenario(options, scenario, rung, io, options.seed + round, deadline, totals);
            ++scenarios;
        }
    }
    print(totals, options, scenarios);
    return held && totals.failures == 0 ? 0 : 1;
}

}  // namespace
}  // namespace ringlog::crash

int main(int argc, char** argv) {
    using ringlog::crash::Options;
    using ringlog::crash::recover_directory;
    using ringlog::crash::run;
    // Images come and go by the thousand: their memory is kept.
    mallopt(M_MMAP_THRESHOLD, 1 << 30);
    mallopt(M_TRIM_THRESHOLD, 1 << 30);
    CLI::App app(
        "Builds every image that a crash could leave of recorded lives of a log, and recovers "
        "each.");
    Options options;
    options.keep = (std::filesystem::path(argv[0]).parent_path() / "crash-failures").string();
    app.add_option("--seed", options.seed, "of everything that is drawn (1)");
    app.add_option("--minutes", options.minutes, "go on for so long with further seeds");
    app.add_option("--seconds", options.seconds, "or for so many seconds");
    app.add_option("--rounds", options.rounds, "else: how many seeds (1)");
    app.add_option("--scenario", options.only, "this one alone");
    app.add_option("--io", options.io, "uring, epoll, simulated or all in turn (all)");
    app.add_option("--durability", options.rung, "power, crash or both (both)");
    app.add_option("--images", options.images_max, "of one moment at most (200)");
    app.add_option("--images-per-life", options.images_per_life,
                   "over all its moments, about so many (20000; 0: --images of each)");
    app.add_option("--second", options.second_life_every,
                   "record a further life on every nth image (3000; 0: none)");
    app.add_option("--lie", options.lie,
                   "what does not become durable: writes, syncs or names; the run must fail");
    app.add_option("--keep", options.keep,
                   "where a failure's image and story go (crash-failures beside the program)");
    app.add_flag("--verbose", options.verbose, "a line per life");
    std::string recover;
    uint16_t journals = 1;
    app.add_option("--recover", recover, "only recover this image, which a failure left");
    app.add_option("--journals", journals, "with so many journals (1)");
    CLI11_PARSE(app, argc, argv);
    ringlog::set_log_level(ringlog::LogLevel::off);
    return recover.empty() ? run(options) : recover_directory(recover, journals);
}

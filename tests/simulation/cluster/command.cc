#include "tests/simulation/cluster/command.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <string>
#include <vector>

#include "base/log.h"
#include "tests/simulation/cluster/worker.h"

namespace ringlog::simulation {
namespace {

struct Command {
    std::optional<uint64_t> seed;
    uint64_t first = 1;
    uint64_t count = 50;
    double minutes = 0;
    uint32_t jobs = 1;
    RunLength length;
    std::vector<std::string> forced;
    std::vector<std::string> excluded;
    bool trace = false;
    bool events = false;
    std::string partition;
    bool reduce = false;
    bool once = false;
    bool keep_going = false;
    bool all_marks = false;
    bool list_switches = false;
    bool list_invariants = false;
};

std::string commit() {
    const char* const given = std::getenv("RINGLOG_COMMIT");
    return given == nullptr ? "unknown" : given;
}

std::string names_of(const SwitchSet& set) {
    std::string names;
    for (const SwitchRow& row : switch_rows()) {
        if (set.has(row.name)) {
            names += (names.empty() ? "" : " ") + std::string(row.text);
        }
    }
    return names;
}

/// The command that runs the same again.
std::string command_line(const RunOptions& run) {
    std::string line = fmt::format("./dev sim --seed {} --lives {} --life-ms {}", run.seed,
                                   run.length.lives, run.length.life_ms);
    if (run.length.nodes != 1) {
        line += fmt::format(" --nodes {}", run.length.nodes);
    }
    for (const SwitchRow& row : switch_rows()) {
        if (run.orders.excluded.has(row.name)) {
            line += fmt::format(" --no-switch {}", row.text);
        } else if (run.orders.forced.has(row.name)) {
            line += fmt::format(" --switch {}", row.text);
        }
    }
    return line;
}

void print_failure(const RunOptions& run, const std::string& what) {
    const Swarm swarm(run.seed, run.orders, run.length);
    fmt::print(
        "FAILED seed {}: {}\n  commit {}; on: {}\n  replay: {} --trace\n  reduce: {} --reduce\n",
        run.seed, what, commit(), names_of(swarm.switches), command_line(run), command_line(run));
    std::fflush(stdout);
}

bool read_switches(const std::vector<std::string>& names, SwitchSet& set) {
    for (const std::string& name : names) {
        const auto found = find_switch(name);
        if (!found) {
            fmt::print(stderr, "no switch {}; --list-switches names them\n", name);
            return false;
        }
        set.set(*found, true);
    }
    return true;
}

void print_tables(const Command& command) {
    if (command.list_switches) {
        for (const SwitchRow& row : switch_rows()) {
            fmt::print("{:<20} {:>3} %  {}{}\n", row.text, row.percent, row.about,
                       row.lies ? " (honesty only)" : "");
        }
    }
    if (command.list_invariants) {
        for (const InvariantRow& row : invariant_rows()) {
            fmt::print("{:<4} {:<26} {}\n", row.number, row.text, row.where);
        }
    }
}

/// "invariant 16 AckDurable" of "invariant 16 AckDurable: ...": two failures of one kind.
std::string kind_of(const std::string& failure) {
    return failure.substr(0, failure.find(':'));
}

/// Leaves out one class of faults after the other, then lives, as long as it fails in the same way.
int reduce(RunOptions run) {
    const std::string first = run_apart(run);
    if (first.empty()) {
        fmt::print("seed {} holds: nothing to reduce\n", run.seed);
        return 1;
    }
    const auto fails = [&](const RunOptions& with) {
        return kind_of(run_apart(with)) == kind_of(first);
    };
    const Swarm swarm(run.seed, run.orders, run.length);
    for (const SwitchRow& row : switch_rows()) {
        RunOptions without = run;
        without.orders.excluded.set(row.name, true);
        if (!swarm.on(row.name) || fails(without)) {
            run = without;
        }
    }
    for (bool smaller = true; smaller && run.length.lives > 1;) {
        smaller = false;
        for (const uint32_t lives : {run.length.lives / 2, run.length.lives - 1}) {
            RunOptions with = run;
            with.length.lives = lives;
            if (lives > 0 && fails(with)) {
                run = with;
                smaller = true;
                break;
            }
        }
    }
    RunOptions said = run;
    for (const SwitchRow& row : switch_rows()) {
        // What the seed has off need not be said.
        said.orders.excluded.set(row.name, run.orders.excluded.has(row.name) && swarm.on(row.name));
    }
    fmt::print("reduced: {}\n  {}\n  commit {}; on: {}\n", run_apart(run), command_line(said),
               commit(), names_of(Swarm(run.seed, run.orders, run.length).switches));
    return 1;
}

int replay(const Command& command, RunOptions run) {
    run.seed = *command.seed;
    const auto print = [](const std::string& line) { fmt::print("{}\n", line); };
    if (command.trace) {
        run.story = print;
        run.events = command.events;
    }
    const size_t dash = command.partition.rfind('-');
    if (!command.partition.empty() && dash != std::string::npos && command.partition[0] == 't') {
        run.story_topic = std::atoi(command.partition.substr(1, dash - 1).c_str());
        run.story_partition = std::atoi(command.partition.substr(dash + 1).c_str());
    }
    const RunOutcome outcome = run_seed(run);
    fmt::print("seed {} trace {:016x} events {} acked records {} simulated {:.3f} s{}\n  on: {}\n",
               run.seed, outcome.trace_hash, outcome.events,
               outcome.marks[static_cast<size_t>(Met::acked_records)],
               static_cast<double>(outcome.virtual_ns) / 1e9,
               outcome.gave_up ? ", the broker refused to go on and said why" : "",
               names_of(outcome.switches));
    if (!outcome.failure.empty()) {
        print_failure(run, outcome.failure);
        return 1;
    }
    if (!command.once) {
        run.story = nullptr;
        const RunOutcome again = run_seed(run);
        if (again.trace_hash != outcome.trace_hash) {
            print_failure(run, fmt::format("two runs differ: trace {:016x} and {:016x}",
                                           outcome.trace_hash, again.trace_hash));
            return 1;
        }
    }
    return 0;
}

uint64_t of(const Totals& totals, Met mark) {
    return totals.marks[static_cast<size_t>(mark)];
}

int print_totals(const Command& command, const Totals& totals, double seconds) {
    const double hours = static_cast<double>(totals.virtual_ns) / 3600e9;
    fmt::print(
        "{} seeds ({} that ask for honesty only, {} of them gave up and said so){}; {} failed\n"
        "{} events, {:.0f} events/s on one core; {:.3f} simulated hours in {:.3f} h of wall time\n"
        "{} acked records, none lost in the {} seeds that held; {} acks looked up on disk; {} "
        "records "
        "read\n",
        totals.seeds, totals.honesty, totals.gave_up,
        command.once ? "" : ", each twice with equal traces", totals.failed, totals.events,
        static_cast<double>(totals.events) * (command.once ? 1 : 2) /
            std::max(totals.busy_seconds, 1e-9),
        hours, seconds / 3600, of(totals, Met::acked_records), totals.seeds - totals.failed,
        of(totals, Met::acks_checked_on_disk), of(totals, Met::records_read));
    std::string missing;
    for (const MetRow& row : met_rows()) {
        fmt::print("  {:<40} {:>14}\n", row.text, of(totals, row.name));
        if (row.required && of(totals, row.name) == 0) {
            missing += (missing.empty() ? "" : ", ") + std::string(row.text);
        }
    }
    if (command.all_marks && !missing.empty()) {
        fmt::print("FAILED: never seen: {}\n", missing);
        return 1;
    }
    return totals.failed == 0 ? 0 : 1;
}

int run_parsed(const Command& command) {
    RunOptions run;
    run.length = command.length;
    if (!read_switches(command.forced, run.orders.forced) ||
        !read_switches(command.excluded, run.orders.excluded)) {
        return 2;
    }
    if (command.list_switches || command.list_invariants) {
        print_tables(command);
        return 0;
    }
    if (command.seed) {
        run.seed = *command.seed;
        return command.reduce ? reduce(run) : replay(command, run);
    }
    const ManySeeds many{.run = run,
                         .first = command.first,
                         .count = command.count,
                         .minutes = command.minutes,
                         .jobs = command.jobs,
                         .twice = !command.once,
                         .keep_going = command.keep_going};
    const auto begun = std::chrono::steady_clock::now();
    const Totals totals = run_many(many, [&run](uint64_t seed, const std::string& what) {
        RunOptions failed = run;
        failed.seed = seed;
        print_failure(failed, what);
    });
    const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - begun;
    fmt::print("commit {}; seeds from {}\n", commit(), command.first);
    return print_totals(command, totals, elapsed.count());
}

}  // namespace

int run_command(int argc, char** argv) {
    Command command;
    CLI::App app(
        "Runs brokers and clients under a seed: real code from socket to disk, simulated "
        "disks, networks and clocks, and everything that can go wrong with them.");
    app.add_option("--seed", command.seed, "run this seed alone (twice)");
    app.add_option("--first", command.first, "the first of many seeds");
    app.add_option("--count", command.count, "how many seeds (50)");
    app.add_option("--minutes", command.minutes, "go on with further seeds for so long");
    app.add_option("--jobs", command.jobs, "processes at once (1)")->check(CLI::Range(1, 256));
    app.add_option("--lives", command.length.lives, "starts of each node under faults (8)");
    app.add_option("--life-ms", command.length.life_ms, "the longest life, in simulated ms (300)");
    app.add_option("--nodes", command.length.nodes, "brokers (1)")->check(CLI::Range(1, 1));
    app.add_option("--switch", command.forced, "turn a class of faults or of load on");
    app.add_option("--no-switch", command.excluded, "turn one off");
    app.add_flag("--list-switches", command.list_switches, "print them and stop");
    app.add_flag("--list-invariants", command.list_invariants, "print what is checked and stop");
    app.add_flag("--trace", command.trace, "with --seed: tell what happens");
    app.add_option("--partition", command.partition, "with --trace: of this one (t0-1)");
    app.add_flag("--events", command.events, "with --trace: every event too");
    app.add_flag("--reduce", command.reduce, "with --seed: the least that fails in the same way");
    app.add_flag("--once", command.once, "run each seed once");
    app.add_flag("--keep-going", command.keep_going, "do not end at the first failure");
    app.add_flag("--all-marks", command.all_marks, "fail if some state was never met");
    CLI11_PARSE(app, argc, argv);
    const bool talks = command.trace && std::getenv("RINGLOG_SIM_LOG") != nullptr;
    set_log_level(talks ? LogLevel::debug : LogLevel::off);
    return run_parsed(command);
}

}  // namespace ringlog::simulation

// ringlog-bench-device: what the disk and loopback allow. Question: how long do the journal's
// writes, a round trip, and both together take with no broker around them? Not its goal: the
// device's best (more writes in flight, raw block access). Explained in docs/benchmarks.md.
#include <fmt/format.h>
#include <sched.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "base/clock.h"
#include "bench/cpu_away.h"
#include "bench/device_loop.h"
#include "bench/report.h"
#include "bench/round_trip.h"

namespace ringlog::bench {
namespace {

struct CommandLine {
    std::string directory = ".";
    std::vector<size_t> sizes{4096, 16384, 65536, 262144, 1048576};
    std::vector<std::string> rungs{"power", "crash"};
    uint64_t file_mib = 256;
    double seconds = 2;
    size_t record_bytes = 1024;
    int cpu = -1;
    bool json = false;
};

Rung rung_of(const std::string& name) {
    return name == "power" ? Rung::power : Rung::crash;
}

int failed(const std::string& what, const Error& error) {
    fmt::print(stderr, "{}: {}\n", what, describe(error));
    return 1;
}

/// One printed line and one element of the JSON.
class Output {
public:
    explicit Output(bool as_json) : as_json_(as_json) {}

    void add(const std::string& name, const Histogram& histogram, nlohmann::json fields,
             const std::string& more) {
        fields["latency"] = json_ns(histogram);
        json_[name].push_back(std::move(fields));
        if (!as_json_) {
            fmt::print("{:<28} {} {}\n", name + " " + more, describe_ns(histogram), rate_);
        }
    }
    void add(const CpuAway& away) {
        json_["cpu_away"].push_back({{"cpu", away.cpu},
                                     {"share", away.share},
                                     {"gaps", away.gaps},
                                     {"longest_us", static_cast<double>(away.longest_ns) / 1000}});
        if (!as_json_) {
            fmt::print("{:<28} {:.2f} % of the time in {} gaps, longest {:.0f} us\n",
                       fmt::format("cpu {} away", away.cpu), away.share * 100, away.gaps,
                       static_cast<double>(away.longest_ns) / 1000);
        }
    }
    void rate(std::string text) { rate_ = std::move(text); }
    void finish() const {
        if (as_json_) {
            fmt::print("{}\n", json_.dump());
        }
    }

private:
    bool as_json_;
    std::string rate_;
    nlohmann::json json_;
};

Result<void> writes(const CommandLine& line, DeviceFile& file, Output& output) {
    for (const std::string& rung : line.rungs) {
        for (const size_t bytes : line.sizes) {
            const auto report = run_device(file, bytes, rung_of(rung), line.seconds);
            if (!report) {
                return fail(report.error());
            }
            const auto count = static_cast<double>(report->write_ns.count());
            const double per_second = count / report->seconds;
            const double mb_per_second = per_second * static_cast<double>(bytes) / 1e6;
            const double cpu_us = static_cast<double>(report->cpu_ns) / 1000 / count;
            output.rate(fmt::format(" {:.0f}/s {:.1f} MB/s CPU {:.1f} us", per_second,
                                    mb_per_second, cpu_us));
            output.add("write", report->write_ns,
                       {{"rung", rung},
                        {"bytes", bytes},
                        {"per_second", per_second},
                        {"mb_per_second", mb_per_second},
                        {"cpu_us", cpu_us}},
                       fmt::format("{} {}", rung, bytes));
        }
    }
    output.rate({});
    return {};
}

Result<void> round_trips(const CommandLine& line, DeviceFile& file, Output& output) {
    RoundTripSpec spec{.request_bytes = line.record_bytes, .seconds = line.seconds};
    const auto plain = run_round_trip(spec);
    if (!plain) {
        return fail(plain.error());
    }
    output.add("round_trip", *plain, {{"bytes", line.record_bytes}},
               fmt::format("{}", line.record_bytes));
    spec.file = &file;
    for (const std::string& rung : line.rungs) {
        spec.rung = rung_of(rung);
        const auto floor = run_round_trip(spec);
        if (!floor) {
            return fail(floor.error());
        }
        output.add("floor_server", *floor, {{"rung", rung}, {"bytes", line.record_bytes}}, rung);
    }
    return {};
}

int measure(const CommandLine& line) {
    if (line.cpu >= 0) {
        cpu_set_t one;
        CPU_ZERO(&one);
        CPU_SET(static_cast<unsigned>(line.cpu), &one);
        if (::sched_setaffinity(0, sizeof(one), &one) != 0) {
            return failed("--cpu", {.code = Errc::invalid_argument, .os_errno = errno});
        }
    }
    const std::string path = fmt::format("{}/ringlog-bench-device.{}", line.directory, ::getpid());
    auto file = DeviceFile::create(path, line.file_mib << 20);
    if (!file) {
        return failed(path, file.error());
    }
    Output output(line.json);
    if (auto done = writes(line, **file, output); !done) {
        return failed("writing", done.error());
    }
    if (auto done = round_trips(line, **file, output); !done) {
        return failed("round trips", done.error());
    }
    for (const CpuAway& away : run_cpu_away(line.seconds)) {
        output.add(away);
    }
    output.finish();
    return 0;
}

int run(int argc, char** argv) {
    CLI::App app("What the disk and loopback allow; docs/benchmarks.md explains its figures.");
    CommandLine line;
    app.add_option("--dir", line.directory, "where to create the file; it is removed at the end")
        ->check(CLI::ExistingDirectory);
    app.add_option("--sizes", line.sizes, "bytes of a write, multiples of 4096 up to 1 MiB")
        ->delimiter(',')
        ->check(CLI::Validator(
            [](const std::string& text) {
                const auto bytes = std::strtoull(text.c_str(), nullptr, 10);
                const bool whole =
                    bytes > 0 && bytes <= (1 << 20) && bytes % kDeviceBlockBytes == 0;
                return whole ? std::string() : "not a multiple of 4096 up to 1048576: " + text;
            },
            "BLOCKS"));
    app.add_option("--rungs", line.rungs, "power (flushed), crash (not flushed)")
        ->delimiter(',')
        ->check(CLI::IsMember({"power", "crash"}));
    app.add_option("--file-mib", line.file_mib, "size of the file")->check(CLI::Range(1, 1 << 20));
    app.add_option("--seconds", line.seconds, "for each figure")->check(CLI::Range(0.01, 600.0));
    app.add_option("--record-bytes", line.record_bytes, "of a request in the round trips")
        ->check(CLI::Range(1, 1 << 20));
    app.add_option("--cpu", line.cpu, "run on this CPU only (both ends of the round trips)");
    app.add_flag("--json", line.json, "print one line of JSON");
    CLI11_PARSE(app, argc, argv);
    return measure(line);
}

}  // namespace
}  // namespace ringlog::bench

int main(int argc, char** argv) {
    return ringlog::bench::run(argc, argv);
}

// ringlog-bench-load: a load client for any Kafka broker. Question: how fast does a broker ack, and
// at what cost, when the client is not the limit? Not its goal: to behave like a client library (no
// batching, no retries, no metadata refresh). Explained in docs/benchmarks.md.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "base/random.h"
#include "bench/null_server.h"
#include "bench/produce_run.h"
#include "bench/report.h"
#include "bench/requests.h"
#include "bench/single_runs.h"

namespace ringlog::bench {
namespace {

struct CommandLine {
    ProduceOptions produce;
    DrainOptions drain;
    std::string target = "127.0.0.1:9092";
    std::vector<std::string> configs;
    size_t batch_bytes = 0;
    std::string spacing = "poisson";
    bool self_ceiling = false;
    bool existing = false;
    bool json = false;
    int64_t since_ns = 0;
};

int failed(const Error& error) {
    if (error.code == Errc::invalid_argument && error.at > 0) {
        fmt::print(stderr, "the broker refused: Kafka error code {}\n", error.at);
    } else {
        fmt::print(stderr, "failed: {}\n", describe(error));
    }
    return 1;
}

void print(bool as_json, const nlohmann::json& json, const std::string& text) {
    fmt::print("{}", as_json ? json.dump() + "\n" : text);
}

/// Fills in what follows from several options together. False: said on stderr what is wrong.
bool complete(CommandLine& line) {
    const auto address = parse_address(line.target);
    if (!address) {
        fmt::print(stderr, "--target: HOST:PORT is wanted, not {}\n", line.target);
        return false;
    }
    ProduceOptions& produce = line.produce;
    produce.target = *address;
    produce.create = !line.existing;
    produce.spacing = line.spacing == "fixed" ? Spacing::fixed : Spacing::poisson;
    if (produce.topic.empty()) {
        produce.topic = fmt::format("bench-{:x}", system_seed() >> 32);
    }
    if (line.batch_bytes > 0) {
        produce.records_per_batch = records_that_fit(line.batch_bytes, produce.record_bytes);
    }
    for (const std::string& config : line.configs) {
        const size_t equals = config.find('=');
        if (equals == std::string::npos) {
            fmt::print(stderr, "--config: KEY=VALUE is wanted, not {}\n", config);
            return false;
        }
        produce.configs.emplace_back(config.substr(0, equals), config.substr(equals + 1));
    }
    line.drain.target = *address;
    line.drain.topic = produce.topic;
    line.drain.broker_pid = produce.broker_pid;
    return true;
}

int produce(CommandLine& line) {
    std::unique_ptr<NullServer> server;
    if (line.self_ceiling) {
        auto started = NullServer::start(0);
        if (!started) {
            return failed(started.error());
        }
        server = std::move(*started);
        line.produce.target = {.host = "127.0.0.1", .port = server->port()};
    }
    const auto report = run_produce(line.produce);
    if (!report) {
        return failed(report.error());
    }
    print(line.json, json_run(line.produce, *report), describe_run(line.produce, *report));
    return report->sound() ? 0 : 1;
}

int first_ack(const CommandLine& line) {
    const auto acked_ns = run_first_ack(line.produce);
    if (!acked_ns) {
        return failed(acked_ns.error());
    }
    const double ms = static_cast<double>(*acked_ns - line.since_ns) / kMillisecondNs;
    print(line.json, {{"acked_ns", *acked_ns}},
          fmt::format("first ack at {} ns, {:.1f} ms after --since-ns\n", *acked_ns, ms));
    return 0;
}

int drain(const CommandLine& line) {
    const auto report = run_drain(line.drain);
    if (!report) {
        return failed(report.error());
    }
    const auto bytes = static_cast<double>(report->bytes);
    const double cpu_ns_per_byte =
        report->bytes > 0 ? static_cast<double>(report->broker_cpu_ns) / bytes : 0;
    nlohmann::json json = {
        {"seconds", report->seconds}, {"records", report->records},
        {"bytes", report->bytes},     {"mb_per_second", bytes / 1e6 / report->seconds},
        {"gaps", report->gaps},       {"at_end", report->at_end}};
    std::string text = fmt::format("{:.1f} MB/s  {} records in {:.2f} s, {}, gaps {}",
                                   bytes / 1e6 / report->seconds, report->records, report->seconds,
                                   report->at_end ? "to the end" : "time ran out", report->gaps);
    if (report->broker_cpu_ns >= 0) {
        json["broker_cpu_ns_per_byte"] = cpu_ns_per_byte;
        text += fmt::format(", broker CPU {:.2f} ns per byte", cpu_ns_per_byte);
    }
    print(line.json, json, text + "\n");
    return report->gaps == 0 ? 0 : 1;
}

void add_common(CLI::App& app, CommandLine& line) {
    app.add_option("--target", line.target, "the broker, HOST:PORT")->capture_default_str();
    app.add_option("--topic", line.produce.topic, "the topic; a new name by default");
    app.add_option("--broker-pid", line.produce.broker_pid, "sample this process's CPU and memory");
    app.add_flag("--json", line.json, "print one line of JSON");
}

void add_topic(CLI::App& app, CommandLine& line) {
    app.add_option("--config", line.configs,
                   "topic configuration KEY=VALUE, e.g. flush.messages=1");
    app.add_flag("--existing", line.existing, "the topic exists: do not create it");
    app.add_option("--record-bytes", line.produce.record_bytes, "bytes of a record's value")
        ->check(CLI::Range(0, 1 << 26));
    app.add_option("--setup-seconds", line.produce.setup_seconds,
                   "how long the broker may take until it leads the topic");
}

void add_produce(CLI::App& app, CommandLine& line) {
    ProduceOptions& produce = line.produce;
    app.add_option("--partitions", produce.partition_count)->check(CLI::Range(1, 1'000'000));
    app.add_option("--connections", produce.connections)->check(CLI::Range(1, 20'000));
    app.add_option("--threads", produce.threads)->check(CLI::Range(1, 64));
    app.add_option("--in-flight", produce.in_flight, "closed loop: open requests on a connection")
        ->check(CLI::Range(1, 100'000));
    app.add_option("--rate", produce.per_second, "open loop: requests per second; 0: closed loop")
        ->check(CLI::Range(0.0, 1e7));
    app.add_option("--spacing", line.spacing, "open loop: fixed or poisson")
        ->check(CLI::IsMember({"fixed", "poisson"}));
    app.add_option("--batch-records", produce.records_per_batch)->check(CLI::Range(1, 1 << 20));
    app.add_option("--batch-bytes", line.batch_bytes, "as many records as fit (not over 1048588)");
    app.add_option("--acks", produce.acks)->check(CLI::IsMember({-1, 0, 1}));
    app.add_option("--warmup", produce.warmup_seconds, "seconds before the window");
    app.add_option("--seconds", produce.seconds, "length of the window")
        ->check(CLI::Range(0.0, 3600.0));
    app.add_option("--requests", produce.requests_max, "end after this many instead");
    app.add_option("--seed", produce.seed);
    app.add_flag("--end-to-end", produce.end_to_end,
                 "a consumer at the tail; stamps in the records");
    app.add_flag("--self-ceiling", line.self_ceiling,
                 "against a server of its own that answers at once: the limit of this client");
}

int run(int argc, char** argv) {
    CLI::App app("A load client for any Kafka broker; docs/benchmarks.md explains its figures.");
    app.require_subcommand(1);
    CommandLine line;
    CLI::App* produce_command =
        app.add_subcommand("produce", "acks of ready-made Produce requests");
    CLI::App* drain_command = app.add_subcommand("drain", "read a topic over one connection");
    CLI::App* first_command = app.add_subcommand("first-ack", "when a starting broker first acks");
    for (CLI::App* command : {produce_command, drain_command, first_command}) {
        add_common(*command, line);
    }
    add_topic(*produce_command, line);
    add_topic(*first_command, line);
    add_produce(*produce_command, line);
    first_command->add_option("--since-ns", line.since_ns, "CLOCK_MONOTONIC of the start");
    drain_command->add_option("--fetch-bytes", line.drain.fetch_bytes)
        ->check(CLI::Range(1, 1 << 28));
    drain_command->add_option("--seconds", line.drain.seconds_max, "at most");
    drain_command->add_flag("--check-crc", line.drain.check_crc, "check every batch's CRC");
    CLI11_PARSE(app, argc, argv);
    if (!complete(line)) {
        return 2;
    }
    if (*produce_command) {
        return produce(line);
    }
    return *drain_command ? drain(line) : first_ack(line);
}

}  // namespace
}  // namespace ringlog::bench

int main(int argc, char** argv) {
    return ringlog::bench::run(argc, argv);
}

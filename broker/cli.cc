// The command line by CLI11. See broker/cli.h.
#include "broker/cli.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <map>

namespace ringlog::broker {

namespace {

constexpr const char* kAbout =
    "Ringlog: a Kafka-compatible broker. Kafka's clients and tools connect to it as they are.\n\n"
    "  ringlog start                          one node, data in ./ringlog-data, clients at "
    "127.0.0.1:9092\n"
    "  kcat -b 127.0.0.1:9092 -t first -P     then produce, and with -C consume\n";

constexpr const char* kStartFooter =
    "\nExamples:\n"
    "  ringlog start\n"
    "  ringlog start server.properties\n"
    "  ringlog start --override listeners=PLAINTEXT://127.0.0.1:19092 --override "
    "log.dirs=/srv/ringlog\n\n"
    "FILE is in Kafka's format, key=value; docs/configuration.md lists the keys. SIGTERM or Ctrl-C "
    "ends it cleanly.\n";

constexpr const char* kAcceptFooter =
    "\nAfter damage below what was durable, the partitions that may have lost records are "
    "read-only, "
    "and a journal that cannot\n"
    "be explained keeps the broker from starting, so that nothing more is lost: what is damaged "
    "may "
    "still be read back from\n"
    "a copy. When there is no copy, this command gives it up. The broker must be stopped. Without "
    "--yes it only says what\n"
    "would be given up. docs/operations.md tells more.\n\n"
    "Examples:\n"
    "  ringlog log accept --dir ./ringlog-data                                  everything\n"
    "  ringlog log accept --dir ./ringlog-data --yes\n"
    "  ringlog log accept --dir ./ringlog-data --topic orders --partition 3 --yes\n"
    "  ringlog log accept --config server.properties --journal --yes\n";

const std::map<std::string, LogLevel> kLevels = {{"debug", LogLevel::debug},
                                                 {"info", LogLevel::info},
                                                 {"warn", LogLevel::warn},
                                                 {"error", LogLevel::error}};

CLI::App* add_start(CLI::App& app, StartCommand& command) {
    CLI::App* start =
        app.add_subcommand("start", "Start the broker and serve until SIGTERM or Ctrl-C");
    start->add_option("FILE", command.file,
                      "Configuration in Kafka's format (server.properties); none: all defaults");
    start
        ->add_option("--override", command.overrides,
                     "A key that counts before the file; may be repeated")
        ->type_name("KEY=VALUE")
        ->take_all()
        ->allow_extra_args(false);
    start
        ->add_option("--log-level", command.log_level, "debug, info, warn or error (default: info)")
        ->transform(CLI::CheckedTransformer(kLevels).description(""))
        ->type_name("LEVEL");
    start->footer(kStartFooter);
    return start;
}

CLI::App* add_version(CLI::App& app, VersionCommand& command) {
    CLI::App* version = app.add_subcommand("version", "Print the version");
    version
        ->add_option("--probe", command.probe_directory,
                     "Also print what the kernel, and the file system of DIR, can do for Ringlog")
        ->type_name("DIR")
        ->expected(0, 1)
        ->default_str(".");
    return version;
}

CLI::App* add_log_accept(CLI::App& app, LogAcceptCommand& command) {
    CLI::App* log = app.add_subcommand("log", "Look after the log files of a stopped broker");
    log->require_subcommand(1);
    CLI::App* accept = log->add_subcommand(
        "accept", "Give up what is damaged, so that partitions take writes again");
    CLI::Option* dir =
        accept->add_option("--dir", command.data_directory, "The data directory (log.dirs)")
            ->type_name("DIR")
            ->default_val("./ringlog-data");
    accept->add_option("--config", command.config_file, "The broker's configuration names it")
        ->type_name("FILE")
        ->excludes(dir);
    CLI::Option* topic =
        accept->add_option("--topic", command.topic, "Only one partition: of this topic")
            ->type_name("NAME");
    CLI::Option* partition =
        accept->add_option("--partition", command.partition, "and with this number")
            ->type_name("NUMBER")
            ->check(CLI::NonNegativeNumber)
            ->needs(topic);
    topic->needs(partition);
    accept
        ->add_flag("--journal", command.journal,
                   "Only what keeps the broker from starting; partitions stay read-only")
        ->excludes(topic);
    accept->add_flag("--yes", command.confirmed, "Do it");
    accept->footer(kAcceptFooter);
    return accept;
}

}  // namespace

int run_cli(std::span<const std::string> arguments, const CliActions& actions) {
    CLI::App app(kAbout, "ringlog");
    app.require_subcommand(1);
    app.set_help_all_flag("--help-all", "Print the help of every command");
    StartCommand start;
    VersionCommand version;
    LogAcceptCommand accept;
    const CLI::App* start_app = add_start(app, start);
    const CLI::App* version_app = add_version(app, version);
    const CLI::App* accept_app = add_log_accept(app, accept);
    try {
        // CLI11 wants the last argument first.
        app.parse(std::vector<std::string>(arguments.rbegin(), arguments.rend()));
    } catch (const CLI::ParseError& error) {
        return app.exit(error) == 0 ? kExitOk : kExitUsage;
    }
    if (start_app->parsed()) {
        return actions.start(start);
    }
    if (version_app->parsed()) {
        if (version_app->count("--probe") > 0 && version.probe_directory.value_or("").empty()) {
            version.probe_directory = ".";
        }
        return actions.version(version);
    }
    return accept_app->parsed() ? actions.log_accept(accept) : kExitUsage;
}

}  // namespace ringlog::broker

// The program: what each command does. See broker/cli.h.
#include <cstdio>
#include <string>
#include <vector>

#include "base/log.h"
#include "broker/broker_process.h"
#include "broker/cli.h"
#include "broker/config.h"
#include "broker/log_accept.h"
#include "io/probe.h"

namespace ringlog::broker {

namespace {

const std::string kVersion = RINGLOG_VERSION;

int start(const StartCommand& command) {
    set_log_level(command.log_level);
    const auto config = load_config(command.file, command.overrides);
    if (!config) {
        for (const std::string& problem : config.error()) {
            std::fprintf(stderr, "ringlog: %s\n", problem.c_str());
        }
        return kExitFailed;
    }
    return run_broker(*config, kVersion);
}

int version(const VersionCommand& command) {
    std::printf("ringlog %s\n", kVersion.c_str());
    if (command.probe_directory) {
        for (const std::string& line : io::probe_lines(io::probe_io(*command.probe_directory))) {
            std::printf("%s\n", line.c_str());
        }
    }
    return kExitOk;
}

}  // namespace

}  // namespace ringlog::broker

int main(int count, char** values) {
    const std::vector<std::string> arguments(values + 1, values + count);
    return ringlog::broker::run_cli(arguments, {.start = ringlog::broker::start,
                                                .version = ringlog::broker::version,
                                                .log_accept = ringlog::broker::accept_log});
}

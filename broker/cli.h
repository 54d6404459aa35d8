// The command line: `ringlog start`, `ringlog version`, `ringlog log accept`. Parses and explains;
// what a command does is the caller's. The full list for people is `ringlog --help`.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/log.h"

namespace ringlog::broker {

struct StartCommand {
    std::optional<std::string> file;     ///< Nothing: every key has its default.
    std::vector<std::string> overrides;  ///< "key=value"
    LogLevel log_level = LogLevel::info;
};

struct VersionCommand {
    std::optional<std::string>
        probe_directory;  ///< Also print what kernel and this directory's file system can do.
};

struct LogAcceptCommand {
    std::optional<std::string> config_file;  ///< Names the data directory, if it is given.
    std::string data_directory;
    std::optional<std::string> topic;  ///< Only this partition; none: all that is damaged.
    int32_t partition = 0;
    bool journal = false;    ///< Only what keeps the broker from starting.
    bool confirmed = false;  ///< --yes: do it; else only say what would be lost.
};

/// What each command does; each returns the status of the process.
struct CliActions {
    std::function<int(const StartCommand&)> start;
    std::function<int(const VersionCommand&)> version;
    std::function<int(const LogAcceptCommand&)> log_accept;
};

/// Statuses of the process.
inline constexpr int kExitOk = 0;
inline constexpr int kExitFailed = 1;  ///< The command was understood and failed.
inline constexpr int kExitUsage = 2;   ///< The command line is wrong.

/// Runs the command that `arguments` (without the program's name) ask for. Help goes to stdout with
/// status 0; a wrong command line is explained on stderr with kExitUsage.
int run_cli(std::span<const std::string> arguments, const CliActions& actions);

}  // namespace ringlog::broker

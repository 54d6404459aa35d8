// The command line: what reaches the actions, and what a stranger is told.
#include "broker/cli.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace ringlog::broker {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::internal::CaptureStderr;
using ::testing::internal::CaptureStdout;
using ::testing::internal::GetCapturedStderr;
using ::testing::internal::GetCapturedStdout;

struct Outcome {
    int status;
    std::string out;
    std::string err;
    std::optional<StartCommand> start;
    std::optional<VersionCommand> version;
    std::optional<LogAcceptCommand> accept;
};

Outcome run(std::vector<std::string> arguments) {
    Outcome result{};
    const CliActions actions = {
        .start =
            [&](const StartCommand& command) {
                result.start = command;
                return 7;
            },
        .version =
            [&](const VersionCommand& command) {
                result.version = command;
                return kExitOk;
            },
        .log_accept =
            [&](const LogAcceptCommand& command) {
                result.accept = command;
                return kExitFailed;
            },
    };
    CaptureStdout();
    CaptureStderr();
    result.status = run_cli(arguments, actions);
    result.out = GetCapturedStdout();
    result.err = GetCapturedStderr();
    return result;
}

TEST(Cli, StartTakesAFileAndOverrides) {
    const Outcome bare = run({"start"});
    ASSERT_TRUE(bare.start.has_value());
    EXPECT_EQ(bare.status, 7);
    EXPECT_FALSE(bare.start->file.has_value());
    EXPECT_TRUE(bare.start->overrides.empty());
    EXPECT_EQ(bare.start->log_level, LogLevel::info);
    const Outcome full = run({"start", "--override", "a=1", "server.properties", "--override",
                              "b=2,3", "--override=c=", "--log-level", "debug"});
    ASSERT_TRUE(full.start.has_value());
    EXPECT_EQ(full.start->file, "server.properties");
    EXPECT_THAT(full.start->overrides, ElementsAre("a=1", "b=2,3", "c="));
    EXPECT_EQ(full.start->log_level, LogLevel::debug);
}

TEST(Cli, VersionMayProbeADirectory) {
    EXPECT_FALSE(run({"version"}).version->probe_directory.has_value());
    EXPECT_EQ(run({"version", "--probe", "/srv"}).version->probe_directory, "/srv");
    EXPECT_EQ(run({"version", "--probe"}).version->probe_directory, ".");
}

TEST(Cli, LogAcceptNamesOnePartitionOrAJournalOrNothing) {
    const Outcome one = run({"log", "accept", "--topic", "t", "--partition", "3"});
    ASSERT_TRUE(one.accept.has_value());
    EXPECT_EQ(one.status, kExitFailed);
    EXPECT_EQ(one.accept->data_directory, "./ringlog-data");
    EXPECT_EQ(one.accept->topic, "t");
    EXPECT_EQ(one.accept->partition, 3);
    EXPECT_FALSE(one.accept->confirmed || one.accept->journal);
    const Outcome all = run({"log", "accept", "--dir", "/srv", "--yes"});
    ASSERT_TRUE(all.accept.has_value());
    EXPECT_EQ(all.accept->data_directory, "/srv");
    EXPECT_FALSE(all.accept->topic || all.accept->config_file || all.accept->journal);
    EXPECT_TRUE(all.accept->confirmed);
    const Outcome journal = run({"log", "accept", "--config", "a.properties", "--journal"});
    ASSERT_TRUE(journal.accept.has_value());
    EXPECT_EQ(journal.accept->config_file, "a.properties");
    EXPECT_TRUE(journal.accept->journal);
}

TEST(Cli, AWrongCommandLineIsExplainedAndDoesNothing) {
    for (const std::vector<std::string>& arguments : std::vector<std::vector<std::string>>{
             {},
             {"strat"},
             {"start", "a", "b"},
             {"start", "--overide", "a=1"},
             {"log"},
             {"log", "accept", "--topic", "t"},
             {"log", "accept", "--partition", "1"},
             {"log", "accept", "--topic", "t", "--partition", "-1"},
             {"log", "accept", "--topic", "t", "--partition", "1", "--journal"},
             {"log", "accept", "--config", "a", "--dir", "b"},
             {"start", "--log-level", "loud"}}) {
        const Outcome result = run(arguments);
        EXPECT_EQ(result.status, kExitUsage);
        EXPECT_FALSE(result.err.empty());
        EXPECT_FALSE(result.start || result.version || result.accept);
    }
}

TEST(Cli, HelpIsEnoughToBegin) {
    const Outcome help = run({"--help"});
    EXPECT_EQ(help.status, kExitOk);
    EXPECT_THAT(help.out, HasSubstr("ringlog start"));
    EXPECT_THAT(help.out, HasSubstr("127.0.0.1:9092"));
    const Outcome start = run({"start", "--help"});
    EXPECT_EQ(start.status, kExitOk);
    EXPECT_THAT(start.out, HasSubstr("--override KEY=VALUE"));
    EXPECT_THAT(start.out, HasSubstr("docs/configuration.md"));
    EXPECT_THAT(run({"log", "accept", "--help"}).out, HasSubstr("Without --yes"));
}

}  // namespace
}  // namespace ringlog::broker

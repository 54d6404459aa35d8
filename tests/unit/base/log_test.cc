// Log lines and their limits.
#include "base/log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <string>

namespace ringlog {
namespace {

using testing::HasSubstr;
using testing::MatchesRegex;

/// What `write` printed to stderr while `level` was set.
template <typename Write>
std::string printed(LogLevel level, Write write) {
    set_log_level(level);
    testing::internal::CaptureStderr();
    write();
    std::string text = testing::internal::GetCapturedStderr();
    set_log_level(LogLevel::info);
    return text;
}

TEST(Log, ALineHasTimeLevelComponentAndText) {
    const std::string text =
        printed(LogLevel::info, [] { log_warn("journal", "{} frames cut", 3); });
    EXPECT_THAT(text, MatchesRegex("[0-9]+-[0-9]+-[0-9]+T[0-9]+:[0-9]+:[0-9]+\\.[0-9][0-9][0-9]Z "
                                   "WARN journal: 3 frames cut\n"));
}

TEST(Log, LinesBelowTheLevelAreDropped) {
    const auto all = [] {
        log_debug("a", "one");
        log_info("a", "two");
        log_error("a", "three");
    };
    EXPECT_THAT(printed(LogLevel::debug, all), HasSubstr("DEBUG a: one"));
    const std::string errors = printed(LogLevel::error, all);
    EXPECT_THAT(errors, HasSubstr("ERROR a: three"));
    EXPECT_THAT(errors, testing::Not(HasSubstr("two")));
    EXPECT_EQ(printed(LogLevel::off, all), "");
}

TEST(RateLimit, AllowsTheFirstAndThenOnePerInterval) {
    RateLimit limit(1000);
    EXPECT_TRUE(limit.allow(std::numeric_limits<MonotonicNs>::min()));
    RateLimit other(1000);
    EXPECT_TRUE(other.allow(0));
    EXPECT_FALSE(other.allow(0));
    EXPECT_FALSE(other.allow(999));
    EXPECT_TRUE(other.allow(1000));
    EXPECT_FALSE(other.allow(1001));
}

TEST(RateLimit, SaysHowManyWereSuppressedSinceTheLast) {
    RateLimit limit(10);
    EXPECT_TRUE(limit.allow(0));
    EXPECT_EQ(limit.suppressed(), 0U);
    for (int i = 1; i < 10; ++i) {
        EXPECT_FALSE(limit.allow(i));
    }
    EXPECT_EQ(limit.suppressed(), 0U);  // Told with the next line, not before.
    EXPECT_TRUE(limit.allow(10));
    EXPECT_EQ(limit.suppressed(), 9U);
    EXPECT_TRUE(limit.allow(20));
    EXPECT_EQ(limit.suppressed(), 0U);
}

}  // namespace
}  // namespace ringlog

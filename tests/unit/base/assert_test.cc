// RL_ASSERT prints what was compared and ends the process, in every build type.
#include "base/assert.h"

#include <gtest/gtest.h>

namespace ringlog {
namespace {

TEST(AssertDeathTest, PrintsConditionPlaceAndOperands) {
    GTEST_FLAG_SET(death_test_style, "threadsafe");
    const int a = 1;
    const int b = 2;
    EXPECT_DEATH(RL_ASSERT(a == b, "a={} b={}", a, b),
                 "assertion failed: a == b at .*assert_test.cc:[0-9]+ a=1 b=2");
    EXPECT_DEATH(RL_ASSERT(a > b), "assertion failed: a > b");
}

TEST(Assert, EvaluatesItsConditionOnceAndPassesQuietly) {
    int calls = 0;
    RL_ASSERT(++calls == 1, "calls={}", calls);
    EXPECT_EQ(calls, 1);
}

}  // namespace
}  // namespace ringlog

// The histogram's claim is an error of at most 3 %, at fixed memory.
#include "base/histogram.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

#include "base/random.h"

namespace ringlog {
namespace {

TEST(Histogram, EveryValueFallsIntoABucketThatEndsAtMostThreePercentAbove) {
    Random random(11);
    for (int i = 0; i < 100000; ++i) {
        const uint64_t value = random.next() >> random.below(64);
        const uint64_t last = Histogram::last_value_of(Histogram::index_of(value));
        ASSERT_GE(last, value);
        ASSERT_LE(static_cast<double>(last - value), 0.03125 * static_cast<double>(value)) << value;
    }
}

TEST(Histogram, BucketsAreContiguousFromZeroToTheLargestValue) {
    EXPECT_EQ(Histogram::index_of(0), 0U);
    for (size_t index = 0; index + 1 < Histogram::kBuckets; ++index) {
        const uint64_t last = Histogram::last_value_of(index);
        ASSERT_EQ(Histogram::index_of(last), index);
        ASSERT_EQ(Histogram::index_of(last + 1), index + 1);
    }
    constexpr uint64_t kMax = std::numeric_limits<uint64_t>::max();
    EXPECT_EQ(Histogram::index_of(kMax), Histogram::kBuckets - 1);
    EXPECT_EQ(Histogram::last_value_of(Histogram::kBuckets - 1), kMax);
}

TEST(Histogram, QuantilesFollowASortedList) {
    Random random(12);
    Histogram histogram;
    std::vector<uint64_t> values;
    for (int i = 0; i < 20000; ++i) {
        values.push_back(random.below(uint64_t{1} << (10 + random.below(20))));
        histogram.record(values.back());
    }
    std::ranges::sort(values);
    for (const double quantile : {0.001, 0.25, 0.5, 0.9, 0.99, 0.999, 1.0}) {
        const auto rank = static_cast<size_t>(std::ceil(quantile * 20000.0));
        const auto exact = static_cast<double>(values[rank - 1]);
        const auto told = static_cast<double>(histogram.value_at(quantile));
        EXPECT_GE(told, exact);
        EXPECT_LE(told, exact * 1.03125);
    }
    EXPECT_EQ(histogram.value_at(1.0), values.back());
}

TEST(Histogram, EmptyAndClearedOnesSayZero) {
    Histogram histogram;
    EXPECT_EQ(histogram.value_at(0.5), 0U);
    histogram.record(9);
    histogram.clear();
    EXPECT_EQ(histogram.count(), 0U);
    EXPECT_EQ(histogram.sum(), 0U);
    EXPECT_EQ(histogram.max(), 0U);
    EXPECT_EQ(histogram.value_at(1.0), 0U);
}

TEST(Histogram, MergingIsRecordingBoth) {
    Histogram a;
    Histogram b;
    Histogram both;
    for (uint64_t i = 0; i < 1000; ++i) {
        a.record(i);
        b.record(i * 1000);
        both.record(i);
        both.record(i * 1000);
    }
    a.merge(b);
    EXPECT_EQ(a.count(), both.count());
    EXPECT_EQ(a.sum(), both.sum());
    EXPECT_EQ(a.max(), both.max());
    for (size_t index = 0; index < Histogram::kBuckets; ++index) {
        ASSERT_EQ(a.bucket(index), both.bucket(index));
    }
}

TEST(Histogram, QuantilesOutsideTheirRangeAreClamped) {
    Histogram histogram;
    histogram.record(3);
    histogram.record(5);
    EXPECT_EQ(histogram.value_at(-1.0), 3U);
    EXPECT_EQ(histogram.value_at(2.0), 5U);
}

}  // namespace
}  // namespace ringlog

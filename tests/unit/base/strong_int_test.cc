// Strong integers: they count and compare, and do not mix.
#include "base/strong_int.h"

#include <gtest/gtest.h>

#include <concepts>
#include <limits>
#include <type_traits>
#include <unordered_set>

namespace ringlog {
namespace {

using Sequence = StrongInt<struct SequenceTag, int64_t>;
using Partition = StrongInt<struct PartitionTag, int32_t>;

static_assert(!std::is_convertible_v<int64_t, Sequence>);
static_assert(!std::is_convertible_v<Sequence, int64_t>);
static_assert(!std::is_constructible_v<Sequence, Partition>);
static_assert(!std::equality_comparable_with<Sequence, Partition>);
static_assert(sizeof(Partition) == sizeof(int32_t));
static_assert(std::is_trivially_copyable_v<Sequence>);

TEST(StrongInt, StartsAtZeroAndCounts) {
    Sequence sequence;
    EXPECT_EQ(sequence.value(), 0);
    EXPECT_EQ((++sequence).value(), 1);
    EXPECT_EQ((sequence + 9).value(), 10);
    EXPECT_EQ((sequence - 3).value(), -2);
}

TEST(StrongInt, ADifferenceIsAPlainNumber) {
    const int64_t distance = Sequence(12) - Sequence(5);
    EXPECT_EQ(distance, 7);
    static_assert(std::same_as<decltype(Sequence(1) - Sequence(1)), int64_t>);
}

TEST(StrongInt, ComparesLikeItsValue) {
    EXPECT_LT(Partition(-1), Partition(0));
    EXPECT_GE(Partition(3), Partition(3));
    EXPECT_NE(Partition(3), Partition(4));
    EXPECT_GT(Partition(std::numeric_limits<int32_t>::max()), Partition(0));
}

TEST(StrongInt, IsAKeyOfHashTables) {
    std::unordered_set<Partition> partitions{Partition(1), Partition(2), Partition(1)};
    EXPECT_EQ(partitions.size(), 2U);
    EXPECT_TRUE(partitions.contains(Partition(2)));
}

}  // namespace
}  // namespace ringlog

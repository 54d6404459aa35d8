// Integers in bytes, in both orders, at any alignment.
#include "base/bytes.h"

#include <gtest/gtest.h>

#include <array>
#include <cstdint>
#include <limits>
#include <string>

namespace ringlog {
namespace {

template <typename T>
class BytesOf : public testing::Test {};
using Integers =
    testing::Types<int8_t, uint8_t, int16_t, uint16_t, int32_t, uint32_t, int64_t, uint64_t>;
TYPED_TEST_SUITE(BytesOf, Integers);

TYPED_TEST(BytesOf, SurviveBothOrdersAtEveryAlignment) {
    const std::array<TypeParam, 4> values = {std::numeric_limits<TypeParam>::min(),
                                             std::numeric_limits<TypeParam>::max(), TypeParam{0},
                                             static_cast<TypeParam>(0x1122334455667788ULL)};
    std::array<std::byte, 16> bytes{};
    for (const TypeParam value : values) {
        for (size_t at = 0; at < 8; ++at) {
            store_be(&bytes[at], value);
            EXPECT_EQ(load_be<TypeParam>(&bytes[at]), value);
            store_le(&bytes[at], value);
            EXPECT_EQ(load_le<TypeParam>(&bytes[at]), value);
        }
    }
}

TYPED_TEST(BytesOf, TouchNothingBesideThem) {
    std::array<std::byte, 16> bytes{};
    bytes.fill(std::byte{0xaa});
    store_be(&bytes[4], static_cast<TypeParam>(0));
    EXPECT_EQ(bytes[3], std::byte{0xaa});
    EXPECT_EQ(bytes[4 + sizeof(TypeParam)], std::byte{0xaa});
}

TEST(Bytes, BigEndianPutsTheHighByteFirst) {
    std::array<std::byte, 4> bytes{};
    store_be<uint32_t>(bytes.data(), 0x01020304U);
    EXPECT_EQ(bytes, (std::array{std::byte{1}, std::byte{2}, std::byte{3}, std::byte{4}}));
    store_le<uint32_t>(bytes.data(), 0x01020304U);
    EXPECT_EQ(bytes, (std::array{std::byte{4}, std::byte{3}, std::byte{2}, std::byte{1}}));
}

TEST(Bytes, TextAndBytesAreViewsOfTheSameMemory) {
    const std::string text("a\0b", 3);
    const ByteView view = as_bytes(text);
    ASSERT_EQ(view.size(), 3U);
    EXPECT_EQ(static_cast<const void*>(view.data()), static_cast<const void*>(text.data()));
    EXPECT_EQ(as_text(view), text);
    EXPECT_TRUE(as_bytes("").empty());
}

TEST(Bytes, RoundingKeepsMultiplesAndMovesTheRest) {
    EXPECT_EQ(round_up(0, 4096), 0U);
    EXPECT_EQ(round_up(1, 4096), 4096U);
    EXPECT_EQ(round_up(4096, 4096), 4096U);
    EXPECT_EQ(round_down(4095, 4096), 0U);
    EXPECT_EQ(round_down(4097, 4096), 4096U);
    EXPECT_EQ(round_down(uint64_t{1} << 63, 512), uint64_t{1} << 63);
    EXPECT_EQ(round_up(7, 1), 7U);
}

}  // namespace
}  // namespace ringlog

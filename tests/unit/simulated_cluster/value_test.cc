// Goal: no byte of a record can be at a wrong place without being seen.
#include "tests/simulation/cluster/value.h"

#include <gtest/gtest.h>

#include "tests/unit/engine/batch_builder.h"

namespace ringlog::simulation {
namespace {

constexpr Value kValue{.id = {.producer = 3, .number = 1234}, .topic = 2, .partition = 7};

TEST(Value, IsReadAsItWasWritten) {
    for (const size_t bytes : {size_t{0}, kValueBytesMin, size_t{41}, size_t{1000}}) {
        const std::string text = encode_value(kValue, bytes);
        EXPECT_EQ(text.size(), std::max(bytes, kValueBytesMin));
        const auto read = decode_value(as_bytes(text));
        ASSERT_TRUE(read.has_value()) << read.error();
        EXPECT_EQ(read->id, kValue.id);
        EXPECT_EQ(read->topic, kValue.topic);
        EXPECT_EQ(read->partition, kValue.partition);
    }
}

TEST(Value, AnyBitThatFlipsIsSeen) {
    const std::string text = encode_value(kValue, 100);
    for (size_t bit = 0; bit < text.size() * 8; ++bit) {
        std::string changed = text;
        changed[bit / 8] = static_cast<char>(changed[bit / 8] ^ (1 << (bit % 8)));
        EXPECT_FALSE(decode_value(as_bytes(changed)).has_value()) << bit;
    }
}

TEST(Value, ABatchGivesItsRecordsInOrder) {
    Value second = kValue;
    ++second.id.number;
    auto bytes = engine::test::BatchBuilder()
                     .base_offset(40)
                     .record(1000, encode_value(kValue, 50))
                     .record(1007, encode_value(second, 300))
                     .build();
    const auto batch = read_batch(bytes);
    ASSERT_TRUE(batch.has_value()) << batch.error();
    ASSERT_EQ(batch->values.size(), 2U);
    EXPECT_EQ(batch->values[1].id, second.id);
    EXPECT_EQ(batch->timestamps, (std::vector<WallMs>{1000, 1007}));
    EXPECT_EQ(batch->content_crc, content_crc(bytes));
    bytes.back() ^= std::byte{1};
    EXPECT_FALSE(read_batch(bytes).has_value());
}

}  // namespace
}  // namespace ringlog::simulation

// Text forms of ids. The pairs are those of Kafka's own Uuid class and its tests.
#include "base/uuid.h"

#include <gtest/gtest.h>

#include <array>
#include <set>
#include <string>
#include <string_view>

#include "base/bytes.h"

namespace ringlog {
namespace {

Uuid uuid_of(uint64_t high, uint64_t low) {
    Uuid id;
    store_be(id.bytes.data(), high);
    store_be(id.bytes.data() + 8, low);
    return id;
}

struct Example {
    uint64_t high;
    uint64_t low;
    std::string_view text;
};
constexpr std::array<Example, 4> kExamples = {{
    {.high = 0, .low = 0, .text = "AAAAAAAAAAAAAAAAAAAAAA"},  // Uuid.ZERO_UUID
    {.high = 0, .low = 1, .text = "AAAAAAAAAAAAAAAAAAAAAQ"},  // Uuid.METADATA_TOPIC_ID
    {.high = ~uint64_t{0}, .low = ~uint64_t{0}, .text = "_____________________w"},
    {.high = 0x0011223344556677ULL, .low = 0x8899aabbccddeeffULL, .text = "ABEiM0RVZneImaq7zN3u_w"},
}};

TEST(Uuid, HasKafkasTextForm) {
    for (const Example& example : kExamples) {
        const Uuid id = uuid_of(example.high, example.low);
        EXPECT_EQ(id.to_base64(), example.text);
        EXPECT_EQ(Uuid::from_base64(example.text), id);
    }
}

TEST(Uuid, HexIsInByteOrder) {
    EXPECT_EQ(uuid_of(0x0011223344556677ULL, 0x8899aabbccddeeffULL).to_hex(),
              "00112233445566778899aabbccddeeff");
}

TEST(Uuid, RefusesWhatIsNotAnId) {
    EXPECT_FALSE(Uuid::from_base64(""));
    EXPECT_FALSE(Uuid::from_base64("AAAAAAAAAAAAAAAAAAAAA"));    // 21
    EXPECT_FALSE(Uuid::from_base64("AAAAAAAAAAAAAAAAAAAAAAA"));  // 23
    EXPECT_FALSE(Uuid::from_base64("AAAAAAAAAAAAAAAAAAAA=="));   // padded
    EXPECT_FALSE(Uuid::from_base64("AAAAAAAAAAAAAAAAAAAA+/"));   // the other alphabet
    EXPECT_FALSE(Uuid::from_base64(std::string_view("AAAAAAAAAAAAAAAAAAAAA\0", 22)));
}

TEST(Uuid, RandomOnesAreVersionFourAndReadBack) {
    Random random(7);
    std::set<Uuid> seen;
    for (int i = 0; i < 2000; ++i) {
        const Uuid id = Uuid::random(random);
        EXPECT_EQ(id.bytes[6] & std::byte{0xf0}, std::byte{0x40});
        EXPECT_EQ(id.bytes[8] & std::byte{0xc0}, std::byte{0x80});
        EXPECT_NE(id.to_base64().front(), '-');
        EXPECT_EQ(Uuid::from_base64(id.to_base64()), id);
        EXPECT_TRUE(seen.insert(id).second);
    }
}

TEST(Uuid, OrdersByBytesAndHashes) {
    EXPECT_LT(uuid_of(1, 0), uuid_of(1, 1));
    EXPECT_LT(uuid_of(0, ~uint64_t{0}), uuid_of(1, 0));
    EXPECT_TRUE(Uuid{}.is_zero());
    EXPECT_FALSE(uuid_of(0, 1).is_zero());
    const std::hash<Uuid> hash;
    EXPECT_EQ(hash(uuid_of(3, 4)), hash(uuid_of(3, 4)));
    EXPECT_NE(hash(uuid_of(3, 4)), hash(uuid_of(4, 3)));
}

}  // namespace
}  // namespace ringlog

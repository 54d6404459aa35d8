// Goal: no bytes make the reader read beyond them, allocate, or say something that is not in them.
#include "kafka/reader.h"

#include <gtest/gtest.h>

#include <algorithm>

#include <limits>
#include <vector>

#include "kafka/writer.h"
#include "tests/unit/kafka/golden_file.h"

namespace ringlog::kafka {
namespace {

using golden::from_hex;

constexpr Wire kPlain{.version = 0, .flexible = false};
constexpr Wire kFlexible{.version = 0, .flexible = true};

TEST(Reader, TheFirstFailureSticksAndLaterReadsGiveDefaults) {
    const auto bytes = from_hex("00017fff0002");
    Reader reader(bytes);
    EXPECT_EQ(reader.read_int<int16_t>(), 1);
    EXPECT_EQ(reader.read_string(), "");  // 32767 bytes are declared, two are there
    EXPECT_EQ(reader.error(), DecodeError::truncated);
    EXPECT_EQ(reader.position(), 4U);
    EXPECT_EQ(reader.read_int<int16_t>(), 0);
    EXPECT_EQ(reader.read_nullable_string(), std::nullopt);
    EXPECT_EQ(reader.remaining(), 0U);
    EXPECT_EQ(reader.error(), DecodeError::truncated);
    EXPECT_EQ(reader.to_error().code, Errc::malformed);
    EXPECT_EQ(reader.to_error().at, 4);
}

TEST(Reader, IntegersAreBigEndian) {
    const auto bytes = from_hex(
        "ff"
        "fffe"
        "80000000"
        "0102030405060708"
        "01");
    Reader reader(bytes);
    EXPECT_EQ(reader.read_int<int8_t>(), -1);
    EXPECT_EQ(reader.read_int<int16_t>(), -2);
    EXPECT_EQ(reader.read_int<int32_t>(), std::numeric_limits<int32_t>::min());
    EXPECT_EQ(reader.read_int<int64_t>(), 0x0102030405060708);
    EXPECT_TRUE(reader.read_bool());
    EXPECT_TRUE(reader.ok());
    EXPECT_EQ(reader.remaining(), 0U);
}

template <typename T, typename Write, typename Read>
void round_trip(T value, Write write, Read read) {
    Writer writer;
    (writer.*write)(value);
    Reader reader(writer.bytes());
    EXPECT_EQ((reader.*read)(), value);
    EXPECT_TRUE(reader.ok());
    EXPECT_EQ(reader.remaining(), 0U);
    // Every proper prefix is truncated, never another number.
    for (size_t size = 0; size < writer.bytes().size(); ++size) {
        Reader prefix(writer.bytes().first(size));
        (prefix.*read)();
        EXPECT_EQ(prefix.error(), DecodeError::truncated);
    }
}

TEST(Reader, VarintsOfEveryLengthSurviveARoundTrip) {
    for (int shift = 0; shift < 64; ++shift) {
        for (const uint64_t near :
             {(uint64_t{1} << shift) - 1, uint64_t{1} << shift, (uint64_t{1} << shift) + 1}) {
            round_trip<uint64_t>(near, &Writer::write_uvarlong, &Reader::read_uvarlong);
            round_trip<int64_t>(static_cast<int64_t>(near), &Writer::write_varlong,
                                &Reader::read_varlong);
            round_trip<int64_t>(static_cast<int64_t>(~near), &Writer::write_varlong,
                                &Reader::read_varlong);
            round_trip<uint32_t>(static_cast<uint32_t>(near), &Writer::write_uvarint,
                                 &Reader::read_uvarint);
            round_trip<int32_t>(static_cast<int32_t>(near), &Writer::write_varint,
                                &Reader::read_varint);
            round_trip<int32_t>(static_cast<int32_t>(~near), &Writer::write_varint,
                                &Reader::read_varint);
        }
    }
}

DecodeError uvarint_error(const std::string& hex) {
    const auto bytes = from_hex(hex);
    Reader reader(bytes);
    EXPECT_EQ(reader.read_uvarint(), 0U);
    return reader.error();
}

TEST(Reader, VarintsThatAreTooLongOrPaddedAreRefused) {
    EXPECT_EQ(uvarint_error("8000"), DecodeError::varint_not_minimal);
    EXPECT_EQ(uvarint_error("8100"), DecodeError::varint_not_minimal);
    EXPECT_EQ(uvarint_error("8080808000"), DecodeError::varint_not_minimal);
    EXPECT_EQ(uvarint_error("ffffffff10"), DecodeError::varint_too_long);    // bit 32
    EXPECT_EQ(uvarint_error("ffffffff8f01"), DecodeError::varint_too_long);  // a sixth byte
    EXPECT_EQ(uvarint_error("ffffff"), DecodeError::truncated);

    const auto longest = from_hex("ffffffffffffffffff01");
    EXPECT_EQ(Reader(longest).read_uvarlong(), UINT64_MAX);
    const auto too_long = from_hex("ffffffffffffffffff02");
    Reader reader(too_long);
    reader.read_uvarlong();
    EXPECT_EQ(reader.error(), DecodeError::varint_too_long);
}

TEST(Reader, StringsAndBytesTellNullFromEmpty) {
    for (const Wire wire : {kPlain, kFlexible}) {
        Writer writer(wire);
        writer.write_null_string();
        writer.write_string("");
        writer.write_string("abc");
        writer.write_null_bytes();
        writer.write_bytes({});
        writer.write_bytes(as_bytes("xy"));
        writer.write_null_string();
        Reader reader(writer.bytes(), wire);
        EXPECT_EQ(reader.read_nullable_string(), std::nullopt);
        EXPECT_EQ(reader.read_nullable_string(), "");
        EXPECT_EQ(reader.read_string(), "abc");
        EXPECT_FALSE(reader.read_nullable_bytes().has_value());
        EXPECT_TRUE(reader.read_nullable_bytes()->empty());
        EXPECT_EQ(as_text(reader.read_bytes()), "xy");
        ASSERT_TRUE(reader.ok());
        EXPECT_EQ(reader.read_string(), "");
        EXPECT_EQ(reader.error(), DecodeError::null_not_allowed);
    }
}

TEST(Reader, ViewsPointIntoTheMessage) {
    Writer writer;
    writer.write_string("abc");
    Reader reader(writer.bytes());
    EXPECT_EQ(static_cast<const void*>(reader.read_string().data()), writer.bytes().data() + 2);
}

TEST(Reader, LengthsBelowMinusOneAreRefused) {
    const auto text = from_hex("fffe");
    Reader strings(text);
    EXPECT_EQ(strings.read_nullable_string(), std::nullopt);
    EXPECT_EQ(strings.error(), DecodeError::negative_length);

    const auto count = from_hex("fffffffe");
    Reader bytes(count);
    EXPECT_FALSE(bytes.read_nullable_bytes().has_value());
    EXPECT_EQ(bytes.error(), DecodeError::negative_length);
    Reader counts(count);
    EXPECT_EQ(counts.read_count(1), std::nullopt);
    EXPECT_EQ(counts.error(), DecodeError::negative_length);
}

TEST(Reader, ACompactStringIsNoLongerThanAPlainOneMayBe) {
    std::vector<std::byte> bytes(40000);
    Writer length(kFlexible);
    length.write_uvarint(kStringBytesMax + 1);
    std::ranges::copy(length.bytes(), bytes.begin());
    Reader longest(bytes, kFlexible);
    EXPECT_EQ(longest.read_string().size(), kStringBytesMax);

    Writer over(kFlexible);
    over.write_uvarint(kStringBytesMax + 2);
    std::ranges::copy(over.bytes(), bytes.begin());
    Reader too_long(bytes, kFlexible);
    EXPECT_EQ(too_long.read_string(), "");
    EXPECT_EQ(too_long.error(), DecodeError::string_too_long);
}

TEST(Reader, ACountMustFitTheRemainingBytesTimesItsSmallestElement) {
    const auto bytes = from_hex(
        "00000003"
        "0011223344556677");
    Reader fits(bytes);
    EXPECT_EQ(fits.read_count(2), 3U);
    Reader exceeds(bytes);
    EXPECT_EQ(exceeds.read_count(3), std::nullopt);
    EXPECT_EQ(exceeds.error(), DecodeError::count_too_large);

    const auto huge = from_hex("7fffffff00");
    Reader counted(huge);
    EXPECT_EQ(counted.read_count(UINT32_MAX), std::nullopt);
    EXPECT_EQ(counted.error(), DecodeError::count_too_large);
    const auto compact = from_hex("ffffffff0f00");  // 2^32 - 2 elements
    Reader compact_count(compact, kFlexible);
    EXPECT_EQ(compact_count.read_count(1), std::nullopt);
    EXPECT_EQ(compact_count.error(), DecodeError::count_too_large);
}

TEST(Reader, TheElementsOfOneMessageAreBounded) {
    Reader reader(ByteView{});
    reader.charge_elements(kElementsMax);
    EXPECT_TRUE(reader.ok());
    reader.charge_elements(1);
    EXPECT_EQ(reader.error(), DecodeError::too_many_elements);
}

DecodeError tags_error(const std::string& hex) {
    const auto bytes = from_hex(hex);
    Reader reader(bytes, kFlexible);
    reader.skip_tags();
    reader.expect_end();
    return reader.error();
}

TEST(Reader, UnknownTagsAreSkippedAndBadSectionsRefused) {
    EXPECT_EQ(tags_error("00"), DecodeError::none);
    EXPECT_EQ(tags_error("02"
                         "0001aa"
                         "0500"),
              DecodeError::none);
    EXPECT_EQ(tags_error("01"
                         "ffffffff0f"
                         "03aabbcc"),
              DecodeError::none);
    EXPECT_EQ(tags_error("02"
                         "0501aa"
                         "0400"),
              DecodeError::tags_not_ascending);
    EXPECT_EQ(tags_error("02"
                         "0500"
                         "0500"),
              DecodeError::tags_not_ascending);
    EXPECT_EQ(tags_error("03"
                         "0000"
                         "0100"),
              DecodeError::count_too_large);
    EXPECT_EQ(tags_error("ffffffff0f"
                         "0000"),
              DecodeError::count_too_large);
    EXPECT_EQ(tags_error("01"
                         "0005aa"),
              DecodeError::truncated);
    EXPECT_EQ(tags_error("01"
                         "00ffffffff0f"),
              DecodeError::truncated);
    EXPECT_EQ(tags_error("00"
                         "00"),
              DecodeError::trailing_bytes);
}

TEST(Reader, NarrowHidesWhatFollowsAndMindsWhatIsLeft) {
    const auto bytes = from_hex("000000010002");
    Reader reader(bytes);
    const std::byte* end = reader.narrow(4);
    EXPECT_EQ(reader.remaining(), 4U);
    EXPECT_EQ(reader.read_int<int32_t>(), 1);
    reader.widen(end);
    EXPECT_EQ(reader.read_int<int16_t>(), 2);
    EXPECT_TRUE(reader.ok());

    Reader short_read(bytes);
    end = short_read.narrow(4);
    short_read.read_int<int16_t>();
    short_read.widen(end);
    EXPECT_EQ(short_read.error(), DecodeError::tag_size_mismatch);

    Reader too_far(bytes);
    too_far.narrow(7);
    EXPECT_EQ(too_far.error(), DecodeError::truncated);
}

TEST(Reader, EveryErrorHasItsName) {
    std::vector<std::string_view> names;
    for (int i = 0; i <= static_cast<int>(DecodeError::trailing_bytes); ++i) {
        const auto name = decode_error_name(static_cast<DecodeError>(i));
        EXPECT_NE(name, "unknown");
        EXPECT_EQ(std::ranges::count(names, name), 0);
        names.push_back(name);
    }
}

}  // namespace
}  // namespace ringlog::kafka

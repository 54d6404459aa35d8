// Goal: frames have the size they declare, with gaps for bytes that are not copied, and a message
// that cannot be encoded says so.
#include "kafka/writer.h"

#include <gtest/gtest.h>

#include "kafka/fetch.h"
#include "kafka/metadata.h"
#include "tests/unit/kafka/golden_file.h"

namespace ringlog::kafka {
namespace {

using golden::to_hex;

/// The bytes that a sender would put on the wire: the buffer with `parts` in its gaps.
std::vector<std::byte> gathered(const Writer& writer, const std::vector<std::string>& parts) {
    std::vector<std::byte> wire;
    size_t at = 0;
    size_t part = 0;
    for (const Splice& splice : writer.splices()) {
        const ByteView before = writer.bytes().subspan(at, splice.position - at);
        wire.insert(wire.end(), before.begin(), before.end());
        at = splice.position;
        EXPECT_EQ(parts.at(part).size(), splice.size_bytes);
        const ByteView bytes = as_bytes(parts.at(part++));
        wire.insert(wire.end(), bytes.begin(), bytes.end());
    }
    EXPECT_EQ(part, parts.size());
    const ByteView rest = writer.bytes().subspan(at);
    wire.insert(wire.end(), rest.begin(), rest.end());
    return wire;
}

FetchResponse response_with(std::optional<Blob> first, std::optional<Blob> second,
                            std::optional<Blob> third) {
    return {.throttle_time_ms = 0,
            .session_id = 4,
            .topics = {{.topic = "a",
                        .partitions = {{.partition_index = 0, .records = first},
                                       {.partition_index = 1,
                                        .records = second,
                                        .diverging_epoch = {.epoch = 1, .end_offset = 2}}}},
                       {.topic = "b", .partitions = {{.partition_index = 0, .records = third}}}}};
}

TEST(Writer, SplicedRecordsGiveTheBytesThatCopiedOnesWouldGive) {
    const std::string first(300, 'x');
    const std::string third(70000, 'z');
    for (int16_t version = 4; version <= 12; ++version) {
        Writer copied;
        encode_response(copied, 9,
                        response_with(Blob(as_bytes(first)), Blob(), Blob(as_bytes(third))),
                        version);
        Writer spliced;
        encode_response(spliced, 9,
                        response_with(Blob::spliced(first.size()), Blob::spliced(0),
                                      Blob::spliced(third.size())),
                        version);
        ASSERT_TRUE(spliced.ok());
        EXPECT_EQ(spliced.splices().size(), 2U);
        EXPECT_LT(spliced.bytes().size(), 300U);
        EXPECT_EQ(spliced.total_bytes(), copied.total_bytes());
        EXPECT_EQ(to_hex(gathered(spliced, {first, third})), to_hex(copied.bytes()));
        EXPECT_EQ(load_be<int32_t>(spliced.bytes().data()),
                  static_cast<int32_t>(copied.bytes().size() - 4));
    }
}

TEST(Writer, SeveralFramesWithSplicesFollowOneAnother) {
    Writer writer;
    encode_response(writer, 1, response_with(Blob::spliced(5), {}, {}), 12);
    const size_t first_total = writer.total_bytes();
    encode_response(writer, 2, response_with({}, {}, Blob::spliced(6)), 12);
    const auto wire = gathered(writer, {"12345", "123456"});
    EXPECT_EQ(load_be<int32_t>(wire.data()), static_cast<int32_t>(first_total - 4));
    EXPECT_EQ(load_be<int32_t>(wire.data() + first_total),
              static_cast<int32_t>(wire.size() - first_total - 4));
    const auto second = decode_response<FetchResponse>(ByteView(wire).subspan(first_total + 4), 12);
    ASSERT_TRUE(second.has_value());
    EXPECT_EQ(second->correlation_id, 2);
}

TEST(Writer, AMessageThatItsVersionCannotCarrySaysSo) {
    MetadataResponse nameless;
    nameless.topics.push_back({.error_code = ErrorCode::unknown_topic_id, .name = {}});
    Writer old;
    encode(old, nameless, 11);
    EXPECT_FALSE(old.ok());
    Writer with_ids;
    encode(with_ids, nameless, 12);
    EXPECT_TRUE(with_ids.ok());

    const std::string text(kStringBytesMax + 1, 'a');
    for (const Wire wire : {Wire{}, Wire{.version = 12, .flexible = true}}) {
        Writer longest(wire);
        longest.write_string(std::string_view(text).substr(1));
        EXPECT_TRUE(longest.ok());
        Writer too_long(wire);
        too_long.write_string(text);
        EXPECT_FALSE(too_long.ok());
    }
    Writer count;
    count.write_count(size_t{INT32_MAX} + 1);
    EXPECT_FALSE(count.ok());
    Writer frame;
    const size_t begun = frame.begin_frame();
    frame.write_spliced_bytes(INT32_MAX);
    frame.end_frame(begun);
    EXPECT_FALSE(frame.ok());
}

TEST(Writer, ClearAndTakeLeaveAWriterAsNew) {
    Writer writer;
    encode_response(writer, 1, response_with(Blob::spliced(5), {}, {}), 4);
    writer.fail();
    writer.clear();
    EXPECT_TRUE(writer.ok());
    EXPECT_EQ(writer.total_bytes(), 0U);
    EXPECT_TRUE(writer.splices().empty());
    encode_response(writer, 1, response_with({}, {}, {}), 4);
    const size_t size = writer.total_bytes();
    EXPECT_EQ(load_be<int32_t>(writer.bytes().data()), static_cast<int32_t>(size - 4));
    EXPECT_EQ(writer.take().size(), size);
    EXPECT_EQ(writer.total_bytes(), 0U);
}

TEST(Writer, ASizeIsInsertedBeforeWhatItCounts) {
    Writer writer;
    writer.write_raw(as_bytes("ab"));
    const size_t begun = writer.bytes().size();
    writer.write_raw(as_bytes(std::string(200, 'c')));
    writer.insert_size(begun);
    EXPECT_EQ(to_hex(writer.bytes().first(6)), "6162c8016363");
    EXPECT_EQ(writer.bytes().size(), 204U);
}

}  // namespace
}  // namespace ringlog::kafka

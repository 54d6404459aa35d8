#include "bench/answers.h"

#include <gtest/gtest.h>

#include <vector>

#include "base/random.h"
#include "bench/frame_reader.h"
#include "bench/requests.h"

namespace ringlog::bench {
namespace {

class Builder {
public:
    template <std::integral T>
    Builder& put(T value) {
        const size_t at = bytes.size();
        bytes.resize(at + sizeof(T));
        store_be(bytes.data() + at, value);
        return *this;
    }
    Builder& string(std::string_view text) {
        put(static_cast<int16_t>(text.size()));
        return raw(as_bytes(text));
    }
    Builder& raw(ByteView more) {
        bytes.insert(bytes.end(), more.begin(), more.end());
        return *this;
    }
    std::vector<std::byte> bytes;
};

std::vector<std::byte> produce_answer() {
    Builder answer;
    answer.put<int32_t>(9).put<int32_t>(1).string("topic").put<int32_t>(1);
    answer.put<int32_t>(3).put<int16_t>(7).put<int64_t>(1234).put<int64_t>(-1).put<int64_t>(0);
    return answer.put<int32_t>(0).bytes;
}

std::vector<std::byte> metadata_answer() {
    Builder answer;
    answer.put<int32_t>(1).put<int32_t>(0).put<int32_t>(1);
    answer.put<int32_t>(5).string("127.0.0.1").put<int32_t>(9092).put<int16_t>(-1);
    answer.put<int16_t>(-1).put<int32_t>(5).put<int32_t>(1);
    answer.put<int16_t>(0).string("topic").put<int8_t>(0).put<int32_t>(2);
    for (const int32_t leader : {5, -1}) {
        answer.put<int16_t>(0).put<int32_t>(leader == 5 ? 0 : 1).put(leader);
        answer.put<int32_t>(1).put<int32_t>(5).put<int32_t>(1).put<int32_t>(5);
    }
    return answer.bytes;
}

std::vector<std::byte> fetch_answer(ByteView records) {
    Builder answer;
    answer.put<int32_t>(1).put<int32_t>(0).put<int32_t>(1).string("topic").put<int32_t>(1);
    answer.put<int32_t>(0).put<int16_t>(0).put<int64_t>(42).put<int64_t>(42).put<int32_t>(-1);
    answer.put(static_cast<int32_t>(records.size())).raw(records);
    return answer.bytes;
}

TEST(Answers, AProduceAnswerSaysPartitionErrorAndOffset) {
    const auto answer = parse_produce_answer(produce_answer());
    ASSERT_TRUE(answer);
    EXPECT_EQ(answer->correlation_id, 9);
    EXPECT_EQ(answer->partition, 3);
    EXPECT_EQ(answer->error_code, 7);
    EXPECT_EQ(answer->base_offset, 1234);
}

TEST(Answers, MetadataNamesTheLeaderOfEachPartitionThatHasOne) {
    const auto topic = parse_metadata_answer(metadata_answer());
    ASSERT_TRUE(topic);
    ASSERT_EQ(topic->leaders.size(), 2U);
    EXPECT_EQ(topic->leaders[0].host, "127.0.0.1");
    EXPECT_EQ(topic->leaders[0].port, 9092);
    EXPECT_EQ(topic->leaders[1].port, 0);
}

TEST(Answers, FetchedRecordsMayEndWithinABatch) {
    const Batch batch = make_batch({.record_count = 3, .value_bytes = 10});
    Builder records;
    records.raw(batch.bytes).raw(ByteView(batch.bytes).first(20));
    const auto answer = fetch_answer(records.bytes);
    const auto partitions = parse_fetch_answer(answer);
    ASSERT_TRUE(partitions);
    ASSERT_EQ(partitions->size(), 1U);
    EXPECT_EQ((*partitions)[0].high_watermark, 42);
    ByteView rest = (*partitions)[0].records;
    const auto first = take_batch(rest);
    ASSERT_TRUE(first);
    EXPECT_EQ(first->record_count, 3);
    EXPECT_EQ(take_batch(rest).error().code, Errc::short_read);
}

// Goal: a broken answer is an error, never a crash. Method: every prefix, and many random changes,
// of a good one.
TEST(Answers, EveryPrefixOfAnAnswerIsMalformed) {
    const auto produce = produce_answer();
    const auto metadata = metadata_answer();
    const auto fetch = fetch_answer(make_batch({}).bytes);
    for (size_t size = 0; size < produce.size(); ++size) {
        EXPECT_FALSE(parse_produce_answer(ByteView(produce).first(size))) << size;
    }
    for (size_t size = 0; size < metadata.size(); ++size) {
        EXPECT_FALSE(parse_metadata_answer(ByteView(metadata).first(size))) << size;
    }
    for (size_t size = 0; size < fetch.size(); ++size) {
        EXPECT_FALSE(parse_fetch_answer(ByteView(fetch).first(size))) << size;
    }
}

TEST(Answers, ChangedBytesNeverReadOutOfBounds) {
    Random random(5);
    for (int round = 0; round < 2000; ++round) {
        for (auto bytes :
             {produce_answer(), metadata_answer(), fetch_answer(make_batch({}).bytes)}) {
            for (int change = 0; change < 4; ++change) {
                bytes[random.below(bytes.size())] = static_cast<std::byte>(random.next());
            }
            (void)parse_produce_answer(bytes);
            (void)parse_metadata_answer(bytes);
            if (const auto partitions = parse_fetch_answer(bytes); partitions) {
                for (const FetchedPartition& each : *partitions) {
                    ByteView rest = each.records;
                    while (take_batch(rest)) {
                    }
                }
            }
        }
    }
}

TEST(FrameReader, GivesTheSameFramesHoweverTheBytesAreCut) {
    Builder stream;
    const std::vector<std::string> texts{"one", "", std::string(10'000, 'x'), "four"};
    for (const std::string& text : texts) {
        stream.put(static_cast<int32_t>(text.size())).raw(as_bytes(text));
    }
    for (const size_t piece : {size_t{1}, size_t{2}, size_t{3}, size_t{7}, stream.bytes.size()}) {
        FrameReader reader(8);
        std::vector<std::string> frames;
        for (size_t at = 0; at < stream.bytes.size(); at += piece) {
            const size_t size = std::min(piece, stream.bytes.size() - at);
            reader.append(ByteView(stream.bytes).subspan(at, size));
            for (auto frame = reader.next(); frame && *frame; frame = reader.next()) {
                frames.emplace_back(as_text(**frame));
            }
        }
        EXPECT_EQ(frames, texts) << "pieces of " << piece;
    }
}

TEST(FrameReader, ALengthThatIsNegativeOrTooLargeIsMalformed) {
    for (const int32_t length : {-1, 1025}) {
        FrameReader reader(8, 1024);
        Builder stream;
        reader.append(stream.put(length).bytes);
        EXPECT_EQ(reader.next().error().code, Errc::malformed);
    }
}

}  // namespace
}  // namespace ringlog::bench

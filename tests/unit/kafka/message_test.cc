// Goal: whole frames travel both ways, headers included.
#include "kafka/message.h"

#include <gtest/gtest.h>

#include "kafka/api_versions.h"
#include "kafka/metadata.h"
#include "kafka/produce.h"
#include "tests/support/kafka_shapes.h"
#include "tests/unit/kafka/golden_file.h"

namespace ringlog::kafka {
namespace {

TEST(Message, ARequestFrameIsReadBackFieldByField) {
    for (int16_t version = 3; version <= 9; ++version) {
        ProduceRequest request;
        request.acks = -1;
        request.timeout_ms = 1500;
        request.topics.push_back(
            {.name = "words", .partitions = {{.index = 7, .records = Blob(as_bytes("batch"))}}});
        Writer writer;
        encode_request(writer, 42, "client", request, version);
        ASSERT_TRUE(writer.ok());

        Reader reader(writer.bytes());
        EXPECT_EQ(reader.read_int<int32_t>(), static_cast<int32_t>(writer.bytes().size() - 4));
        RequestHeader header;
        ASSERT_EQ(read_request_header(reader, header), HeaderStatus::ok);
        EXPECT_EQ(header, (RequestHeader{ApiKey::produce, version, 42, "client"}));
        const auto read = read_body<ProduceRequest>(reader);
        ASSERT_TRUE(read.has_value());
        reader.expect_end();
        EXPECT_TRUE(reader.ok());
        EXPECT_EQ(*read, request);
        for (const ProduceTopic& topic : read->topics) {
            EXPECT_EQ(topic.name, "words");
            for (const ProducePartition& partition : topic.partitions) {
                EXPECT_EQ(partition.index, 7);
                EXPECT_EQ(as_text(partition.records->bytes), "batch");
            }
        }
    }
}

TEST(Message, EveryVersionOfEveryMessageSurvivesARoundTrip) {
    size_t count = 0;
    for (const golden::Line& line : golden::lines()) {
        if (const Shape* shape = find_shape(line.api, line.direction == "request")) {
            EXPECT_TRUE(shape->round_trip(line.bytes, line.version)) << line.title();
            ++count;
        }
    }
    EXPECT_GT(count, 200U);
}

// Every byte of every recorded message, changed in turn: an answer or a refusal, never a list that
// ends early.
TEST(Message, DamagedMessagesAreReadOrRefused) {
    for (const golden::Line& line : golden::lines()) {
        const Shape* shape = find_shape(line.api, line.direction == "request");
        if (shape == nullptr) {
            continue;
        }
        std::vector<std::byte> bytes = line.bytes;
        for (std::byte& byte : bytes) {
            const std::byte original = byte;
            for (const int change : {0x01, 0x80, 0xff}) {
                byte = original ^ static_cast<std::byte>(change);
                shape->walk(bytes, line.version);
                EXPECT_TRUE(shape->round_trip(bytes, line.version)) << line.title();
            }
            byte = original;
        }
    }
}

TEST(Message, UnknownTaggedFieldsOfNewerClientsAreSkipped) {
    ProduceRequest request;
    request.acks = 1;
    Writer writer;
    encode(writer, request, 9);
    std::vector<std::byte> bytes = writer.take();
    ASSERT_EQ(bytes.back(), std::byte{0});  // no tagged fields
    bytes.pop_back();
    for (const std::byte byte : golden::from_hex("0105"
                                                 "02"
                                                 "abcd")) {
        bytes.push_back(byte);
    }
    const auto read = decode<ProduceRequest>(bytes, 9);
    ASSERT_TRUE(read.has_value());
    EXPECT_EQ(*read, request);
}

TEST(Message, AKnownTagMustHaveTheSizeOfItsField) {
    // FetchRequest 12 with cluster id "x" as tag 0: the size says 2, then 3.
    FetchRequest request;
    request.cluster_id = "x";
    Writer writer;
    encode(writer, request, 12);
    std::vector<std::byte> bytes = writer.take();
    const auto tail = golden::from_hex(
        "01"
        "00"
        "02"
        "0278");
    ASSERT_TRUE(std::ranges::equal(ByteView(bytes).last(tail.size()), tail));
    ASSERT_TRUE(decode<FetchRequest>(bytes, 12).has_value());
    bytes[bytes.size() - 3] = std::byte{3};
    bytes.push_back(std::byte{0});
    EXPECT_FALSE(decode<FetchRequest>(bytes, 12).has_value());
    bytes[bytes.size() - 4] = std::byte{1};
    EXPECT_FALSE(decode<FetchRequest>(bytes, 12).has_value());
}

TEST(Message, TagsOfABodyAscendWhetherTheyAreKnownOrNot) {
    Writer writer;
    encode(writer, FetchRequest{}, 12);
    const std::vector<std::byte> bytes = writer.take();
    ASSERT_EQ(bytes.back(), std::byte{0});
    const auto error_with = [&bytes](const std::string& tags_hex) {
        std::vector<std::byte> changed(bytes.begin(), bytes.end() - 1);
        const auto tags = golden::from_hex(tags_hex);
        changed.insert(changed.end(), tags.begin(), tags.end());
        Reader reader(changed, api_of<ApiKey::fetch>().wire(12));
        const auto read = read_body<FetchRequest>(reader);
        EXPECT_EQ(read.has_value(), reader.ok());
        return reader.error();
    };
    EXPECT_EQ(error_with("02"
                         "00020278"
                         "0400"),
              DecodeError::none);
    EXPECT_EQ(error_with("02"
                         "00020278"
                         "00020278"),
              DecodeError::tags_not_ascending);
    EXPECT_EQ(error_with("02"
                         "0400"
                         "00020278"),
              DecodeError::tags_not_ascending);
    EXPECT_EQ(error_with("03"
                         "0400"
                         "0500"),
              DecodeError::count_too_large);
    EXPECT_EQ(error_with("01"
                         "00050278"),
              DecodeError::truncated);
}

HeaderStatus header_status(const std::string& hex, RequestHeader& header) {
    const auto bytes = golden::from_hex(hex);
    Reader reader(bytes);
    return read_request_header(reader, header);
}

TEST(Message, HeadersOfUnknownApisAndVersionsKeepTheirCorrelationId) {
    RequestHeader header;
    EXPECT_EQ(header_status("0012"
                            "0063"
                            "00000007",
                            header),
              HeaderStatus::unsupported_version);
    EXPECT_EQ(header.api_key, ApiKey::api_versions);
    EXPECT_EQ(header.correlation_id, 7);
    EXPECT_EQ(header_status("0012"
                            "ffff"
                            "00000007",
                            header),
              HeaderStatus::unsupported_version);
    EXPECT_EQ(header_status("0000"
                            "0002"
                            "00000008"
                            "0000",
                            header),
              HeaderStatus::unsupported_version)
        << "advertised and refused";
    EXPECT_EQ(header_status("7fff"
                            "0000"
                            "00000009",
                            header),
              HeaderStatus::unknown_api);
    EXPECT_EQ(header.correlation_id, 9);
    EXPECT_EQ(header_status("0012"
                            "0000"
                            "000000",
                            header),
              HeaderStatus::malformed);
    EXPECT_EQ(header_status("0012"
                            "0000"
                            "00000001"
                            "0005aa",
                            header),
              HeaderStatus::malformed);
    EXPECT_EQ(header_status("0012"
                            "0003"
                            "00000001"
                            "ffff"
                            "01",
                            header),
              HeaderStatus::malformed);
    EXPECT_EQ(header_status("0012"
                            "0003"
                            "00000001"
                            "ffff"
                            "00",
                            header),
              HeaderStatus::ok);
    EXPECT_EQ(header.client_id, std::nullopt);
}

TEST(Message, ResponsesAreReadWithTheirHeader) {
    for (int16_t version = 0; version <= 4; ++version) {
        Writer writer;
        encode_response(writer, 5, advertised_api_versions(), version);
        const auto answer =
            decode_response<ApiVersionsResponse>(writer.bytes().subspan(4), version);
        ASSERT_TRUE(answer.has_value());
        EXPECT_EQ(answer->correlation_id, 5);
        EXPECT_EQ(answer->message, advertised_api_versions());
    }
    EXPECT_FALSE(decode_response<ApiVersionsResponse>({}, 0).has_value());
    EXPECT_EQ(decode_response<ApiVersionsResponse>({}, 9).error().code, Errc::unsupported);
    EXPECT_EQ(decode<ProduceRequest>({}, 2).error().code, Errc::unsupported);
}

TEST(Message, BytesBehindABodyAreForTheCallerToRefuse) {
    const auto bytes = golden::from_hex("00");
    Reader reader(bytes, api_of<ApiKey::api_versions>().wire(0));
    EXPECT_TRUE(read_body<ApiVersionsRequest>(reader).has_value());
    EXPECT_EQ(reader.remaining(), 1U);
    EXPECT_FALSE(decode<ApiVersionsRequest>(bytes, 0).has_value());
}

}  // namespace
}  // namespace ringlog::kafka

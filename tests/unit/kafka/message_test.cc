// Goal: whole frames travel both ways, headers included.
#include "kafka/message.h"

#include <gtest/gtest.h>

#include "kafka/api_versions.h"
#include "kafka/metadata.h"
#include "kafka/produce.h"

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

}  // namespace
}  // namespace ringlog::kafka

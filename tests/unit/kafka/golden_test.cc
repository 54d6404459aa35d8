// Goal: our bytes are Kafka's bytes, for every API, version and direction.
// Method: messages recorded from Kafka's own client library are decoded and encoded again, and the
// same messages are built from our own types; both must give the recorded bytes. A field that is
// swapped, missing or misplaced shows.
#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <set>

#include "tests/unit/kafka/golden_file.h"
#include "tests/unit/kafka/golden_samples.h"

namespace ringlog::kafka {
namespace {

using golden::Line;
using golden::Sample;
using golden::to_hex;

template <typename T>
concept HasNulls = requires(const Sample& sample) { golden::nulls<T>(sample); };

template <Message T>
std::string encoded_hex(const T& message, int16_t version) {
    Writer writer;
    encode(writer, message, version);
    EXPECT_TRUE(writer.ok());
    return to_hex(writer.bytes());
}

/// What a message of default values is, where Kafka's own defaults differ from ours on purpose.
template <Message T>
T minimal(const Line& line) {
    T message{};
    if constexpr (std::is_same_v<T, MetadataRequest>) {
        message.topics.emplace();
    } else if constexpr (std::is_same_v<T, InitProducerIdRequest>) {
        message.transactional_id = "";
    } else if constexpr (std::is_same_v<T, ListOffsetsRequest>) {
        message.replica_id = 0;
    } else if constexpr (std::is_same_v<T, FindCoordinatorResponse>) {
        message.error_message =
            line.version >= 1 ? std::optional<std::string_view>("") : std::nullopt;
    }
    return message;
}

template <Message T>
void check(const Line& line, ByteView batch) {
    SCOPED_TRACE(line.title());
    const std::string recorded = to_hex(line.bytes);
    const Sample sample{.version = line.version, .batch = batch};

    const auto read = decode<T>(line.bytes, line.version);
    ASSERT_TRUE(read.has_value()) << "at " << read.error().at;
    EXPECT_EQ(encoded_hex(*read, line.version), recorded) << "decoded and encoded again";

    if (line.sample == "full") {
        EXPECT_EQ(encoded_hex(golden::full<T>(sample), line.version), recorded);
    } else if (line.sample == "minimal") {
        EXPECT_EQ(encoded_hex(minimal<T>(line), line.version), recorded);
    } else if constexpr (HasNulls<T>) {
        EXPECT_EQ(encoded_hex(golden::nulls<T>(sample), line.version), recorded);
    } else {
        ADD_FAILURE() << "no such sample";
    }
}

using Check = std::function<void(const Line&, ByteView)>;

template <Message Request, Message Response>
void add(std::map<std::string, Check>& checks) {
    const std::string name(api_name(Request::kApi));
    checks[name + " request"] = check<Request>;
    checks[name + " response"] = check<Response>;
}

std::map<std::string, Check> all_checks() {
    std::map<std::string, Check> checks;
    add<ProduceRequest, ProduceResponse>(checks);
    add<FetchRequest, FetchResponse>(checks);
    add<ListOffsetsRequest, ListOffsetsResponse>(checks);
    add<MetadataRequest, MetadataResponse>(checks);
    add<FindCoordinatorRequest, FindCoordinatorResponse>(checks);
    add<ApiVersionsRequest, ApiVersionsResponse>(checks);
    add<CreateTopicsRequest, CreateTopicsResponse>(checks);
    add<DeleteTopicsRequest, DeleteTopicsResponse>(checks);
    add<InitProducerIdRequest, InitProducerIdResponse>(checks);
    return checks;
}

const Line* find_line(const std::vector<Line>& lines, std::string_view title) {
    for (const Line& line : lines) {
        if (line.title() == title) {
            return &line;
        }
    }
    return nullptr;
}

TEST(Golden, EveryMessageIsEncodedAndDecodedAsKafkaDoesIt) {
    const auto lines = golden::lines();
    const Line* batch = find_line(lines, "RecordBatch - 2 full");
    ASSERT_NE(batch, nullptr) << RINGLOG_GOLDEN_DIR;
    const auto checks = all_checks();
    for (const Line& line : lines) {
        const auto found = checks.find(line.api + " " + line.direction);
        if (found != checks.end()) {
            found->second(line, batch->bytes);
        }
    }
}

TEST(Golden, EveryVersionOfEveryApiIsRecordedInBothDirections) {
    std::set<std::string> titles;
    for (const Line& line : golden::lines()) {
        titles.insert(line.title());
    }
    for (const ApiInfo& api : kApis) {
        for (int16_t version = api.min; version <= api.max; ++version) {
            for (const char* direction : {" request ", " response "}) {
                for (const char* sample : {" minimal", " full"}) {
                    const std::string title =
                        std::string(api.name) + direction + std::to_string(version) + sample;
                    EXPECT_TRUE(titles.contains(title)) << title;
                }
            }
        }
    }
}

TEST(Golden, RequestHeadersAreKafkas) {
    const auto lines = golden::lines();
    const Wire plain{};
    for (const bool null_client : {false, true}) {
        // Metadata 7 has header version 1; with the same header, a flexible version would have
        // version 2.
        const RequestHeader header{
            .api_key = ApiKey::metadata,
            .api_version = 7,
            .correlation_id = 77,
            .client_id = null_client ? std::nullopt : std::optional<std::string_view>("client-1")};
        const Line* line = find_line(
            lines, std::string("RequestHeader request 1 ") + (null_client ? "nulls" : "full"));
        ASSERT_NE(line, nullptr);
        Writer writer(plain);
        write_request_header(writer, header);
        EXPECT_EQ(to_hex(writer.bytes()), to_hex(line->bytes));
        Reader reader(line->bytes);
        RequestHeader read;
        ASSERT_EQ(read_request_header(reader, read), HeaderStatus::ok);
        EXPECT_EQ(read, header);
        EXPECT_EQ(reader.remaining(), 0U);
        EXPECT_EQ(reader.wire(), (Wire{.version = 7, .flexible = false}));
    }
}

TEST(Golden, FlexibleRequestHeadersKeepTheirPlainClientIdAndEndWithTags) {
    const auto lines = golden::lines();
    const Line* line = find_line(lines, "RequestHeader request 2 full");
    ASSERT_NE(line, nullptr);
    auto bytes = line->bytes;
    bytes[3] = std::byte{9};  // version 9 of Metadata, which is the first with header version 2
    Reader reader(bytes);
    RequestHeader read;
    ASSERT_EQ(read_request_header(reader, read), HeaderStatus::ok);
    EXPECT_EQ(read.client_id, "client-1");
    EXPECT_EQ(reader.remaining(), 0U);
    EXPECT_TRUE(reader.flexible());
    Writer writer;
    write_request_header(writer, read);
    EXPECT_EQ(to_hex(writer.bytes()), to_hex(bytes));
}

TEST(Golden, ResponseHeadersAreKafkasAndApiVersionsStaysAtZero) {
    const auto lines = golden::lines();
    const Line* plain = find_line(lines, "ResponseHeader response 0 full");
    const Line* tagged = find_line(lines, "ResponseHeader response 1 full");
    ASSERT_TRUE(plain != nullptr && tagged != nullptr);
    struct Case {
        ApiKey key;
        int16_t version;
        const Line* expected;
    };
    for (const Case& row :
         {Case{ApiKey::metadata, 8, plain}, Case{ApiKey::metadata, 9, tagged},
          Case{ApiKey::api_versions, 4, plain}, Case{ApiKey::fetch, 12, tagged}}) {
        Writer writer;
        write_response_header(writer, row.key, row.version, 77);
        EXPECT_EQ(to_hex(writer.bytes()), to_hex(row.expected->bytes));
        Reader reader(row.expected->bytes);
        EXPECT_EQ(read_response_header(reader, row.key, row.version), 77);
        EXPECT_EQ(reader.remaining(), 0U);
        EXPECT_TRUE(reader.ok());
    }
}

TEST(Golden, ErrorCodesHaveKafkasNumbersAndNames) {
    std::ifstream file(RINGLOG_GOLDEN_DIR "/errors.txt");
    size_t count = 0;
    int number = 0;
    for (std::string name; file >> number >> name; ++count) {
        EXPECT_EQ(error_code_name(static_cast<ErrorCode>(number)), name);
    }
    EXPECT_EQ(count, error_names().size());
}

}  // namespace
}  // namespace ringlog::kafka

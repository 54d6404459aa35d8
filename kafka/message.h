// Whole messages: headers, bodies and frames in both directions. Any core; no I/O. Explained in
// docs/protocol.md.
#pragma once

#include <concepts>
#include <cstdint>
#include <optional>
#include <string_view>

#include "base/assert.h"
#include "base/bytes.h"
#include "base/error.h"
#include "kafka/api.h"
#include "kafka/codec.h"
#include "kafka/list.h"
#include "kafka/reader.h"
#include "kafka/writer.h"

namespace ringlog::kafka {

/// A struct that is the body of a request or response: a schema struct that names its API.
template <typename T>
concept Message = requires {
    { T::kApi } -> std::convertible_to<ApiKey>;
};

/// The header of a request, version 1 or 2.
struct RequestHeader {
    ApiKey api_key{};
    int16_t api_version = 0;
    int32_t correlation_id = 0;
    std::optional<std::string_view> client_id;  ///< Points into the request.

    friend bool operator==(const RequestHeader&, const RequestHeader&) = default;
};

/// What `read_request_header` found.
enum class HeaderStatus : uint8_t {
    ok,                   ///< The reader stands at the body and knows its encoding.
    malformed,            ///< Not a header: the connection is closed.
    unknown_api,          ///< Key, version and correlation id are valid, the rest was not read.
    unsupported_version,  ///< The same. An ApiVersions request is answered (version 0,
                          ///< UNSUPPORTED_VERSION); any other closes the connection, as in Kafka.
};

/// Reads the header at the start of a request frame (behind its size) and sets the reader to the
/// encoding of the body.
HeaderStatus read_request_header(Reader& reader, RequestHeader& header);

/// Writes a header and sets the writer to the encoding of its body. Requires a key of the table.
void write_request_header(Writer& writer, const RequestHeader& header);

/// Reads the header of a response to (key, version), sets the reader to the encoding of the body,
/// returns the correlation id. Requires a key of the table.
int32_t read_response_header(Reader& reader, ApiKey key, int16_t version);
void write_response_header(Writer& writer, ApiKey key, int16_t version, int32_t correlation_id);

/// Reads a body whose encoding the reader knows. Errors: malformed, `at` the position in the
/// reader. Bytes behind the body are ignored, as Kafka ignores them; `reader.expect_end()` refuses
/// them.
template <Message T>
Result<T> read_body(Reader& reader) {
    T message{};
    Codec<T>::read(reader, message);
    if (!reader.ok()) {
        return ringlog::fail(reader.to_error());
    }
    return message;
}

/// Reads a body of `version` from its own bytes, to the last one. Errors: malformed; unsupported
/// (no such version).
template <Message T>
Result<T> decode(ByteView body, int16_t version) {
    const ApiInfo& api = api_of<T::kApi>();
    if (!api.has_codec(version)) {
        return ringlog::fail(Errc::unsupported);
    }
    Reader reader(body, api.wire(version));
    auto message = read_body<T>(reader);
    reader.expect_end();
    if (message && !reader.ok()) {
        return ringlog::fail(reader.to_error());
    }
    return message;
}

/// Writes a body of `version`. Fields that the version does not have are left out. `writer.ok()` is
/// false afterwards if the version cannot carry a value (null, or a string over 32767 bytes).
template <Message T>
void encode(Writer& writer, const T& message, int16_t version) {
    const ApiInfo& api = api_of<T::kApi>();
    RL_ASSERT(api.has_codec(version), "{} version {}", api.name, version);
    writer.set_wire(api.wire(version));
    Codec<T>::write(writer, message);
}

/// Appends a whole response frame: size, header, body. The size counts the spliced bytes too.
template <Message T>
void encode_response(Writer& writer, int32_t correlation_id, const T& message, int16_t version) {
    const size_t begun = writer.begin_frame();
    write_response_header(writer, T::kApi, version, correlation_id);
    encode(writer, message, version);
    writer.end_frame(begun);
}

/// Appends a whole request frame: size, header, body.
template <Message T>
void encode_request(Writer& writer, int32_t correlation_id,
                    std::optional<std::string_view> client_id, const T& message, int16_t version) {
    const size_t begun = writer.begin_frame();
    write_request_header(writer, {.api_key = T::kApi,
                                  .api_version = version,
                                  .correlation_id = correlation_id,
                                  .client_id = client_id});
    encode(writer, message, version);
    writer.end_frame(begun);
}

/// A response body with the correlation id of its header.
template <Message T>
struct Answer {
    int32_t correlation_id = 0;
    T message;
};

/// Reads a whole response frame (behind its size). Errors: malformed; unsupported (no such
/// version).
template <Message T>
Result<Answer<T>> decode_response(ByteView frame, int16_t version) {
    if (!api_of<T::kApi>().has_codec(version)) {
        return ringlog::fail(Errc::unsupported);
    }
    Reader reader(frame);
    Answer<T> answer;
    answer.correlation_id = read_response_header(reader, T::kApi, version);
    auto message = read_body<T>(reader);
    if (!message) {
        return ringlog::fail(message.error());
    }
    answer.message = std::move(*message);
    return answer;
}

}  // namespace ringlog::kafka

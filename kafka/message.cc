#include "kafka/message.h"

namespace ringlog::kafka {
namespace {

/// Client id, then tagged fields in header version 2. The client id keeps its two-byte length
/// there.
constexpr Wire kPlain{.version = 0, .flexible = false};

}  // namespace

HeaderStatus read_request_header(Reader& reader, RequestHeader& header) {
    reader.set_wire(kPlain);
    header.api_key = ApiKey{reader.read_int<int16_t>()};
    header.api_version = reader.read_int<int16_t>();
    header.correlation_id = reader.read_int<int32_t>();
    if (!reader.ok()) {
        return HeaderStatus::malformed;
    }
    const ApiInfo* api = find_api(header.api_key);
    if (api == nullptr) {
        return HeaderStatus::unknown_api;
    }
    if (!api->has_codec(header.api_version)) {
        return HeaderStatus::unsupported_version;
    }
    header.client_id = reader.read_nullable_string();
    if (request_header_version(*api, header.api_version) >= 2) {
        reader.skip_tags();
    }
    reader.set_wire(api->wire(header.api_version));
    return reader.ok() ? HeaderStatus::ok : HeaderStatus::malformed;
}

void write_request_header(Writer& writer, const RequestHeader& header) {
    const ApiInfo* api = find_api(header.api_key);
    RL_ASSERT(api != nullptr, "key {}", static_cast<int>(header.api_key));
    writer.set_wire(kPlain);
    writer.write_int(static_cast<int16_t>(header.api_key));
    writer.write_int(header.api_version);
    writer.write_int(header.correlation_id);
    if (header.client_id) {
        writer.write_string(*header.client_id);
    } else {
        writer.write_null_string();
    }
    if (request_header_version(*api, header.api_version) >= 2) {
        writer.write_uvarint(0);
    }
    writer.set_wire(api->wire(header.api_version));
}

int32_t read_response_header(Reader& reader, ApiKey key, int16_t version) {
    const ApiInfo* api = find_api(key);
    RL_ASSERT(api != nullptr, "key {}", static_cast<int>(key));
    const auto correlation_id = reader.read_int<int32_t>();
    if (response_header_version(*api, version) >= 1) {
        reader.skip_tags();
    }
    reader.set_wire(api->wire(version));
    return correlation_id;
}

void write_response_header(Writer& writer, ApiKey key, int16_t version, int32_t correlation_id) {
    const ApiInfo* api = find_api(key);
    RL_ASSERT(api != nullptr, "key {}", static_cast<int>(key));
    writer.write_int(correlation_id);
    if (response_header_version(*api, version) >= 1) {
        writer.write_uvarint(0);
    }
    writer.set_wire(api->wire(version));
}

}  // namespace ringlog::kafka

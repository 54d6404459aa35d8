// Which APIs and versions there are, which of them are advertised, and where compact encoding
// begins. Any core. One table; docs/protocol.md explains each row.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

#include "kafka/wire.h"

namespace ringlog::kafka {

/// The number of an API. Unnamed values arrive from clients and are kept.
enum class ApiKey : int16_t {
    produce = 0,
    fetch = 1,
    list_offsets = 2,
    metadata = 3,
    find_coordinator = 10,
    api_versions = 18,
    create_topics = 19,
    delete_topics = 20,
    init_producer_id = 22,
};

/// One API: what is advertised, what is served, and how it is encoded.
struct ApiInfo {
    ApiKey key;
    std::string_view name;   ///< Kafka's name of it.
    int16_t min_advertised;  ///< Lowest version in an ApiVersions answer.
    int16_t min;  ///< Lowest version that has a codec; advertised ones below it are refused.
    int16_t max;  ///< Highest version, advertised and encoded.
    int16_t flexible_since;  ///< First version with compact lengths and tagged fields.

    [[nodiscard]] constexpr bool has_codec(int16_t version) const {
        return min <= version && version <= max;
    }
    /// The encoding of a body of `version`.
    [[nodiscard]] constexpr Wire wire(int16_t version) const {
        return {.version = version, .flexible = version >= flexible_since};
    }
};

/// Every API, in ascending order of key. Produce 0 to 2 are advertised because old librdkafka
/// leaves batches uncompressed without them, and refused because they carry formats older than
/// record batches of magic 2.
inline constexpr auto kApis = std::to_array<ApiInfo>({
    {ApiKey::produce, "Produce", 0, 3, 9, 9},
    {ApiKey::fetch, "Fetch", 4, 4, 12, 12},
    {ApiKey::list_offsets, "ListOffsets", 1, 1, 7, 6},
    {ApiKey::metadata, "Metadata", 0, 0, 12, 9},
    {ApiKey::find_coordinator, "FindCoordinator", 0, 0, 4, 3},
    {ApiKey::api_versions, "ApiVersions", 0, 0, 4, 3},
    {ApiKey::create_topics, "CreateTopics", 2, 2, 7, 5},
    {ApiKey::delete_topics, "DeleteTopics", 1, 1, 6, 4},
    {ApiKey::init_producer_id, "InitProducerId", 0, 0, 4, 2},
});

/// The row of `key`, or nullptr for an API that is not in the table.
constexpr const ApiInfo* find_api(ApiKey key) {
    for (const ApiInfo& api : kApis) {
        if (api.key == key) {
            return &api;
        }
    }
    return nullptr;
}

/// The row of a key that is known at compile time to be in the table.
template <ApiKey key>
constexpr const ApiInfo& api_of() {
    constexpr const ApiInfo* found = find_api(key);
    static_assert(found != nullptr, "a message whose API has no row in kApis");
    return *found;
}

/// "Fetch", or "unknown".
constexpr std::string_view api_name(ApiKey key) {
    const ApiInfo* api = find_api(key);
    return api != nullptr ? api->name : "unknown";
}

/// Version of the request header: 1, or 2 (with tagged fields) where the body is flexible.
constexpr int16_t request_header_version(const ApiInfo& api, int16_t version) {
    return version >= api.flexible_since ? 2 : 1;
}

/// Version of the response header: 0, or 1 (with tagged fields) where the body is flexible; always
/// 0 for ApiVersions, whose answer must be readable by a client that does not know the broker yet.
constexpr int16_t response_header_version(const ApiInfo& api, int16_t version) {
    return api.key != ApiKey::api_versions && version >= api.flexible_since ? 1 : 0;
}

}  // namespace ringlog::kafka

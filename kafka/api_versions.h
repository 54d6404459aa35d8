// ApiVersions: what a broker serves. The first request of nearly every client. Any core.
#pragma once

#include <cstdint>
#include <string_view>

#include "kafka/error_code.h"
#include "kafka/message.h"

namespace ringlog::kafka {

struct ApiVersionsRequest {
    static constexpr ApiKey kApi = ApiKey::api_versions;

    std::string_view client_software_name;
    std::string_view client_software_version;

    template <typename Self, typename Visitor>
    static void fields(Self& self, Visitor& visit) {
        visit.field(self.client_software_name, since(3));
        visit.field(self.client_software_version, since(3));
    }
    friend bool operator==(const ApiVersionsRequest&, const ApiVersionsRequest&) = default;
};

/// One API and its range of versions, both ends included.
struct ApiVersion {
    ApiKey api_key{};
    int16_t min_version = 0;
    int16_t max_version = 0;

    template <typename Self, typename Visitor>
    static void fields(Self& self, Visitor& visit) {
        visit.field(self.api_key);
        visit.field(self.min_version);
        visit.field(self.max_version);
    }
    friend bool operator==(const ApiVersion&, const ApiVersion&) = default;
};

struct SupportedFeature {
    std::string_view name;
    int16_t min_version = 0;
    int16_t max_version = 0;

    template <typename Self, typename Visitor>
    static void fields(Self& self, Visitor& visit) {
        visit.field(self.name);
        visit.field(self.min_version);
        visit.field(self.max_version);
    }
    friend bool operator==(const SupportedFeature&, const SupportedFeature&) = default;
};

struct FinalizedFeature {
    std::string_view name;
    int16_t max_version_level = 0;
    int16_t min_version_level = 0;

    template <typename Self, typename Visitor>
    static void fields(Self& self, Visitor& visit) {
        visit.field(self.name);
        visit.field(self.max_version_level);
        visit.field(self.min_version_level);
    }
    friend bool operator==(const FinalizedFeature&, const FinalizedFeature&) = default;
};

struct ApiVersionsResponse {
    static constexpr ApiKey kApi = ApiKey::api_versions;

    ErrorCode error_code = ErrorCode::none;
    List<ApiVersion> api_keys;
    int32_t throttle_time_ms = 0;
    List<SupportedFeature> supported_features;
    int64_t finalized_features_epoch = -1;
    List<FinalizedFeature> finalized_features;
    bool zk_migration_ready = false;

    template <typename Self, typename Visitor>
    static void fields(Self& self, Visitor& visit) {
        visit.field(self.error_code);
        visit.field(self.api_keys);
        visit.field(self.throttle_time_ms, since(1));
        visit.tagged(0, self.supported_features, since(3), {});
        visit.tagged(1, self.finalized_features_epoch, since(3), -1);
        visit.tagged(2, self.finalized_features, since(3), {});
        visit.tagged(3, self.zk_migration_ready, since(3), false);
    }
    friend bool operator==(const ApiVersionsResponse&, const ApiVersionsResponse&) = default;
};

/// Every row of kApis with its advertised range, as an ApiVersions answer carries it.
ApiVersionsResponse advertised_api_versions();

/// The answer to an ApiVersions request of a version that is not served: written in version 0, it
/// names the range of ApiVersions itself, so that the client asks again.
ApiVersionsResponse unsupported_api_versions();

}  // namespace ringlog::kafka

#include "kafka/api_versions.h"

#include "kafka/codec_impl.h"

namespace ringlog::kafka {

template struct Codec<ApiVersionsRequest>;
template struct Codec<ApiVersion>;
template struct Codec<SupportedFeature>;
template struct Codec<FinalizedFeature>;
template struct Codec<ApiVersionsResponse>;

ApiVersionsResponse advertised_api_versions() {
    ApiVersionsResponse response;
    response.api_keys.reserve(kApis.size());
    for (const ApiInfo& api : kApis) {
        response.api_keys.push_back(
            {.api_key = api.key, .min_version = api.min_advertised, .max_version = api.max});
    }
    return response;
}

ApiVersionsResponse unsupported_api_versions() {
    const ApiInfo& api = api_of<ApiKey::api_versions>();
    ApiVersionsResponse response;
    response.error_code = ErrorCode::unsupported_version;
    response.api_keys.push_back(
        {.api_key = api.key, .min_version = api.min_advertised, .max_version = api.max});
    return response;
}

}  // namespace ringlog::kafka

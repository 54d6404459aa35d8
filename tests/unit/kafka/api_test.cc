// Goal: what is advertised is what is served, and what is served can be answered.
#include "kafka/api.h"

#include <gtest/gtest.h>

#include "kafka/api_versions.h"
#include "kafka/error_code.h"

namespace ringlog::kafka {
namespace {

TEST(Api, TheTableIsInOrderAndItsRangesAreSound) {
    for (size_t i = 0; i < kApis.size(); ++i) {
        const ApiInfo& api = kApis[i];
        EXPECT_TRUE(i == 0 || kApis[i - 1].key < api.key);
        EXPECT_EQ(find_api(api.key), &api);
        EXPECT_LE(api.min_advertised, api.min);
        EXPECT_LE(api.min, api.max);
        EXPECT_FALSE(api.has_codec(static_cast<int16_t>(api.min - 1)));
        EXPECT_FALSE(api.has_codec(static_cast<int16_t>(api.max + 1)));
    }
    EXPECT_EQ(find_api(ApiKey{4}), nullptr);
    EXPECT_EQ(api_name(ApiKey{-1}), "unknown");
}

TEST(Api, OldLibrdkafkaFindsTheVersionsThatItsFeaturesDependOn) {
    struct Gate {
        ApiKey key;
        int16_t version;
        const char* why;
    };
    const ApiVersionsResponse advertised = advertised_api_versions();
    for (const Gate& gate :
         {Gate{ApiKey::produce, 0, "compression"}, Gate{ApiKey::produce, 3, "magic 2"},
          Gate{ApiKey::fetch, 4, "magic 2"}, Gate{ApiKey::produce, 7, "zstd"},
          Gate{ApiKey::fetch, 10, "zstd"}, Gate{ApiKey::find_coordinator, 0, "LZ4"},
          Gate{ApiKey::list_offsets, 1, "times"},
          Gate{ApiKey::init_producer_id, 0, "idempotence"}}) {
        bool found = false;
        for (const ApiVersion& api : advertised.api_keys) {
            found = found || (api.api_key == gate.key && api.min_version <= gate.version &&
                              gate.version <= api.max_version);
        }
        EXPECT_TRUE(found) << gate.why;
    }
    EXPECT_EQ(advertised.api_keys.size(), kApis.size());
}

TEST(Api, AnUnknownApiVersionsRequestIsAnsweredWithItsOwnRange) {
    const ApiVersionsResponse answer = unsupported_api_versions();
    EXPECT_EQ(answer.error_code, ErrorCode::unsupported_version);
    EXPECT_EQ(answer.api_keys.to_vector(),
              (std::vector<ApiVersion>{
                  {.api_key = ApiKey::api_versions, .min_version = 0, .max_version = 4}}));
}

TEST(ErrorCode, EveryFailureOfOursHasACodeOfTheProtocol) {
    for (int value = 0; value <= UINT8_MAX; ++value) {
        const ErrorCode code = to_error_code(static_cast<Errc>(value));
        EXPECT_NE(code, ErrorCode::none) << value;
        EXPECT_EQ(code == ErrorCode::unknown_server_error,
                  error_code_name(code) == "UNKNOWN_SERVER_ERROR");
    }
    EXPECT_EQ(to_error_code(Errc::no_space), ErrorCode::kafka_storage_error);
    EXPECT_EQ(to_error_code(Errc::corrupt_batch), ErrorCode::corrupt_message);
    EXPECT_EQ(to_error_code(Errc::not_leader), ErrorCode::not_leader_or_follower);
    EXPECT_EQ(to_error_code(static_cast<Errc>(0)), ErrorCode::unknown_server_error);
    EXPECT_EQ(error_code_name(static_cast<ErrorCode>(999)), "UNKNOWN_SERVER_ERROR");
    EXPECT_EQ(error_code_name(ErrorCode::none), "NONE");
}

}  // namespace
}  // namespace ringlog::kafka

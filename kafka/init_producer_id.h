// InitProducerId: the id and epoch of an idempotent producer. Any core.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "kafka/error_code.h"
#include "kafka/message.h"

namespace ringlog::kafka {

struct InitProducerIdRequest {
    static constexpr ApiKey kApi = ApiKey::init_producer_id;

    std::optional<std::string_view> transactional_id;  ///< Null: idempotent only.
    int32_t transaction_timeout_ms = 0;
    int64_t producer_id = -1;  ///< What the producer had, to be raised; -1 for a new one.
    int16_t producer_epoch = -1;

    template <typename Self, typename Visitor>
    static void fields(Self& self, Visitor& visit) {
        visit.field(self.transactional_id);
        visit.field(self.transaction_timeout_ms);
        visit.field(self.producer_id, since(3));
        visit.field(self.producer_epoch, since(3));
    }
    friend bool operator==(const InitProducerIdRequest&, const InitProducerIdRequest&) = default;
};

struct InitProducerIdResponse {
    static constexpr ApiKey kApi = ApiKey::init_producer_id;

    int32_t throttle_time_ms = 0;
    ErrorCode error_code = ErrorCode::none;
    int64_t producer_id = -1;
    int16_t producer_epoch = 0;  ///< -1 with an error.

    template <typename Self, typename Visitor>
    static void fields(Self& self, Visitor& visit) {
        visit.field(self.throttle_time_ms);
        visit.field(self.error_code);
        visit.field(self.producer_id);
        visit.field(self.producer_epoch);
    }
    friend bool operator==(const InitProducerIdResponse&, const InitProducerIdResponse&) = default;
};

}  // namespace ringlog::kafka

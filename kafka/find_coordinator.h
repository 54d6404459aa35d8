// FindCoordinator: which broker keeps a group or a transaction. Any core.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "kafka/error_code.h"
#include "kafka/message.h"

namespace ringlog::kafka {

struct FindCoordinatorRequest {
    static constexpr ApiKey kApi = ApiKey::find_coordinator;

    std::string_view key;                     ///< Before version 4.
    int8_t key_type = 0;                      ///< 0 a group, 1 a transactional id.
    List<std::string_view> coordinator_keys;  ///< From version 4.

    template <typename Self, typename Visitor>
    static void fields(Self& self, Visitor& visit) {
        visit.field(self.key, between(0, 3));
        visit.field(self.key_type, since(1));
        visit.field(self.coordinator_keys, since(4));
    }
    friend bool operator==(const FindCoordinatorRequest&, const FindCoordinatorRequest&) = default;
};

struct Coordinator {
    std::string_view key;
    int32_t node_id = 0;
    std::string_view host;
    int32_t port = 0;
    ErrorCode error_code = ErrorCode::none;
    std::optional<std::string_view> error_message;

    template <typename Self, typename Visitor>
    static void fields(Self& self, Visitor& visit) {
        visit.field(self.key);
        visit.field(self.node_id);
        visit.field(self.host);
        visit.field(self.port);
        visit.field(self.error_code);
        visit.field(self.error_message);
    }
    friend bool operator==(const Coordinator&, const Coordinator&) = default;
};

/// The first fields answer a request before version 4, `coordinators` one from version 4.
struct FindCoordinatorResponse {
    static constexpr ApiKey kApi = ApiKey::find_coordinator;

    int32_t throttle_time_ms = 0;
    ErrorCode error_code = ErrorCode::none;
    std::optional<std::string_view> error_message;
    int32_t node_id = 0;
    std::string_view host;
    int32_t port = 0;
    List<Coordinator> coordinators;

    template <typename Self, typename Visitor>
    static void fields(Self& self, Visitor& visit) {
        visit.field(self.throttle_time_ms, since(1));
        visit.field(self.error_code, between(0, 3));
        visit.field(self.error_message, between(1, 3));
        visit.field(self.node_id, between(0, 3));
        visit.field(self.host, between(0, 3));
        visit.field(self.port, between(0, 3));
        visit.field(self.coordinators, since(4));
    }
    friend bool operator==(const FindCoordinatorResponse&,
                           const FindCoordinatorResponse&) = default;
};

}  // namespace ringlog::kafka

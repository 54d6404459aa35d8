// DeleteTopics: by name, and from version 6 by topic id. Any core.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "kafka/error_code.h"
#include "kafka/message.h"

namespace ringlog::kafka {

/// A name, or (name null) a topic id.
struct DeleteTopicState {
    std::optional<std::string_view> name;
    Uuid topic_id;

    template <typename Self, typename Visitor>
    static void fields(Self& self, Visitor& visit) {
        visit.field(self.name, since(6));
        visit.field(self.topic_id, since(6));
    }
    friend bool operator==(const DeleteTopicState&, const DeleteTopicState&) = default;
};

struct DeleteTopicsRequest {
    static constexpr ApiKey kApi = ApiKey::delete_topics;

    List<DeleteTopicState> topics;       ///< From version 6.
    List<std::string_view> topic_names;  ///< Before version 6.
    int32_t timeout_ms = 0;

    template <typename Self, typename Visitor>
    static void fields(Self& self, Visitor& visit) {
        visit.field(self.topics, since(6));
        visit.field(self.topic_names, between(0, 5));
        visit.field(self.timeout_ms);
    }
    friend bool operator==(const DeleteTopicsRequest&, const DeleteTopicsRequest&) = default;
};

struct DeletableTopicResult {
    std::optional<std::string_view> name;  ///< Null only from version 6.
    Uuid topic_id;
    ErrorCode error_code = ErrorCode::none;
    std::optional<std::string_view> error_message;

    template <typename Self, typename Visitor>
    static void fields(Self& self, Visitor& visit) {
        visit.field(self.name, since(0), since(6));
        visit.field(self.topic_id, since(6));
        visit.field(self.error_code);
        visit.field(self.error_message, since(5));
    }
    friend bool operator==(const DeletableTopicResult&, const DeletableTopicResult&) = default;
};

struct DeleteTopicsResponse {
    static constexpr ApiKey kApi = ApiKey::delete_topics;

    int32_t throttle_time_ms = 0;
    List<DeletableTopicResult> responses;

    template <typename Self, typename Visitor>
    static void fields(Self& self, Visitor& visit) {
        visit.field(self.throttle_time_ms, since(1));
        visit.field(self.responses);
    }
    friend bool operator==(const DeleteTopicsResponse&, const DeleteTopicsResponse&) = default;
};

}  // namespace ringlog::kafka

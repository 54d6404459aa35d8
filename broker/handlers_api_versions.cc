// ApiVersions, and the coordinators that there are none of yet.
#include <algorithm>
#include <cctype>

#include "broker/handlers.h"
#include "kafka/api_versions.h"
#include "kafka/find_coordinator.h"

namespace ringlog::broker {

using kafka::ErrorCode;

namespace {

constexpr int16_t kFirstVersionWithSoftware = 3;
constexpr int16_t kFirstVersionWithSeveralKeys = 4;
constexpr std::string_view kNoCoordinators = "This broker has no groups and no transactions yet.";

bool is_letter_or_digit(char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0;
}

/// Letters, digits, '-' and '.', a letter or digit at both ends: Kafka's rule for names and
/// versions of client software.
bool software_name_is_valid(std::string_view name) {
    return !name.empty() && is_letter_or_digit(name.front()) && is_letter_or_digit(name.back()) &&
           std::ranges::all_of(
               name, [](char c) { return is_letter_or_digit(c) || c == '-' || c == '.'; });
}

}  // namespace

io::Task<void> handle_api_versions(Connection& connection, Request& request) {
    const auto body = read_request<kafka::ApiVersionsRequest>(connection, request);
    if (!body) {
        co_return;
    }
    kafka::ApiVersionsResponse response = kafka::advertised_api_versions();
    const bool named = request.header.api_version >= kFirstVersionWithSoftware;
    if (named && !(software_name_is_valid(body->client_software_name) &&
                   software_name_is_valid(body->client_software_version))) {
        response = {};
        response.error_code = ErrorCode::invalid_request;
    }
    answer_with(request, response);
}

io::Task<void> handle_find_coordinator(Connection& connection, Request& request) {
    const auto body = read_request<kafka::FindCoordinatorRequest>(connection, request);
    if (!body) {
        co_return;
    }
    // Final, so that no client asks again and again.
    kafka::FindCoordinatorResponse response;
    if (request.header.api_version < kFirstVersionWithSeveralKeys) {
        response.error_code = ErrorCode::unsupported_version;
        response.error_message = kNoCoordinators;
        response.node_id = -1;
        response.port = -1;
    }
    for (const std::string_view key : body->coordinator_keys) {
        response.coordinators.push_back({.key = key,
                                         .node_id = -1,
                                         .host = {},
                                         .port = -1,
                                         .error_code = ErrorCode::unsupported_version,
                                         .error_message = kNoCoordinators});
    }
    answer_with(request, response);
}

}  // namespace ringlog::broker

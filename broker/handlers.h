// One function per API. Each reads its request, fills request.answer and returns (or marks the
// request: silent, close_after). They run on the connection's core, one at a time per connection
// but for produces.
#pragma once

#include "broker/connection.h"
#include "broker/request.h"
#include "io/task.h"

namespace ringlog::broker {

/// Begins the appends of a produce; the connection is told when its answer is there.
void start_produce(Connection& connection, Request& request);

using Handler = io::Task<void> (*)(Connection&, Request&);

io::Task<void> handle_fetch(Connection& connection, Request& request);
io::Task<void> handle_list_offsets(Connection& connection, Request& request);
io::Task<void> handle_metadata(Connection& connection, Request& request);
io::Task<void> handle_find_coordinator(Connection& connection, Request& request);
io::Task<void> handle_api_versions(Connection& connection, Request& request);
io::Task<void> handle_create_topics(Connection& connection, Request& request);
io::Task<void> handle_delete_topics(Connection& connection, Request& request);
io::Task<void> handle_init_producer_id(Connection& connection, Request& request);

/// The handler of every API but Produce; null if there is none.
Handler find_handler(kafka::ApiKey key);

/// Writes `response` as the answer. A response that its version cannot carry closes the connection.
template <kafka::Message T>
void answer_with(Request& request, const T& response) {
    kafka::encode_response(request.answer, request.header.correlation_id, response,
                           request.header.api_version);
    if (!request.answer.ok()) {
        request.answer.clear();
        request.silent = true;
        request.close_after = true;
    }
}

/// The body, or nothing: then the request closes its connection, as with Kafka.
template <kafka::Message T>
std::optional<T> read_request(Connection& connection, Request& request);
void refuse_malformed(Connection& connection, Request& request);
/// Takes `bytes` for what the request names, in line with others; false if no request may have so
/// many: then it closes its connection. Once per request.
io::Task<bool> take_named_bytes(Connection& connection, Request& request, int64_t bytes);
/// The same at once: false also if there are too few now.
bool try_take_named_bytes(Connection& connection, Request& request, int64_t bytes);

template <kafka::Message T>
std::optional<T> read_request(Connection& connection, Request& request) {
    auto body = kafka::read_body<T>(request.body);
    if (!body) {
        refuse_malformed(connection, request);
        return std::nullopt;
    }
    return std::move(*body);
}

}  // namespace ringlog::broker

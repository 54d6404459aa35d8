// Which function handles which API. See broker/handlers.h.
#include "broker/handlers.h"

#include <fmt/format.h>

#include "broker/core.h"
#include "broker/named_partitions.h"

namespace ringlog::broker {

Handler find_handler(kafka::ApiKey key) {
    switch (key) {
        case kafka::ApiKey::produce: return nullptr;  // start_produce()
        case kafka::ApiKey::fetch: return handle_fetch;
        case kafka::ApiKey::list_offsets: return handle_list_offsets;
        case kafka::ApiKey::metadata: return handle_metadata;
        case kafka::ApiKey::find_coordinator: return handle_find_coordinator;
        case kafka::ApiKey::api_versions: return handle_api_versions;
        case kafka::ApiKey::create_topics: return handle_create_topics;
        case kafka::ApiKey::delete_topics: return handle_delete_topics;
        case kafka::ApiKey::init_producer_id: return handle_init_producer_id;
    }
    return nullptr;
}

void refuse_malformed(Connection& connection, Request& request) {
    connection.core().metrics().add(Counter::malformed_frames);
    connection.core().log_refusal(
        connection,
        fmt::format("a {} request of version {} that cannot be read",
                    kafka::api_name(request.header.api_key), request.header.api_version));
    request.silent = true;
    request.close_after = true;
}

bool try_take_named_bytes(Connection& connection, Request& request, int64_t bytes) {
    // More than there ever is would be granted as soon as everything is back.
    if (bytes > kNamedBytesPerCore || !connection.core().named_bytes().try_take(bytes)) {
        return false;
    }
    request.named_bytes = bytes;
    return true;
}

io::Task<bool> take_named_bytes(Connection& connection, Request& request, int64_t bytes) {
    BrokerCore& core = connection.core();
    if (bytes > kNamedBytesPerCore) {
        core.metrics().add(Counter::malformed_frames);
        core.log_refusal(connection,
                         fmt::format("a {} request that names more partitions than fit in memory",
                                     kafka::api_name(request.header.api_key)));
        request.silent = true;
        request.close_after = true;
        co_return false;
    }
    co_await core.named_bytes().take(bytes);
    request.named_bytes = bytes;
    co_return true;
}

}  // namespace ringlog::broker

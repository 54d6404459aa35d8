// Which function handles which API. See broker/handlers.h.
#include "broker/handlers.h"

#include "broker/core.h"

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

}  // namespace ringlog::broker

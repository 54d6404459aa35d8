// InitProducerId: an id for an idempotent producer, from blocks that the metadata store gave to
// this broker.
#include "broker/broker.h"
#include "broker/core.h"
#include "broker/handlers.h"
#include "io/mesh.h"
#include "kafka/init_producer_id.h"

namespace ringlog::broker {

using kafka::ErrorCode;

io::Task<void> handle_init_producer_id(Connection& connection, Request& request) {
    const auto body = read_request<kafka::InitProducerIdRequest>(connection, request);
    if (!body) {
        co_return;
    }
    kafka::InitProducerIdResponse response;
    if (body->transactional_id.has_value()) {
        // Final: there are no transactions yet.
        response.error_code = body->transactional_id->empty() ? ErrorCode::invalid_request
                                                              : ErrorCode::unsupported_version;
        response.producer_epoch = -1;
        answer_with(request, response);
        co_return;
    }
    Broker* const broker = &connection.core().broker();
    const Result<int64_t> id =
        co_await io::call_on(connection.core().reactor(), broker->home(),
                             [broker](io::Reactor&) { return broker->take_producer_id(); });
    if (id) {
        response.producer_id = *id;
    } else {
        response.error_code = kafka::to_error_code(id.error().code);
        response.producer_epoch = -1;
    }
    answer_with(request, response);
}

io::Task<Result<int64_t>> Broker::take_producer_id() {
    co_await producer_ids_turn_.take(1);
    Result<int64_t> taken = fail(Errc::closed);
    if (producer_ids_.count == 0) {
        const auto block = co_await controller_->allocate_producer_ids();
        if (block) {
            producer_ids_ = *block;
        } else {
            taken = fail(block.error());
        }
    }
    if (producer_ids_.count > 0) {
        --producer_ids_.count;
        taken = producer_ids_.first++;
    }
    producer_ids_turn_.give(1);
    co_return taken;
}

}  // namespace ringlog::broker

// Produce: each batch is judged here, appended on the core that owns its partition, answered when
// it is as durable as the client asked for. Explained in docs/data_path.md, "Produce".
#include <algorithm>
#include <utility>
#include <vector>

#include "base/mutant.h"
#include "broker/broker.h"
#include "broker/core.h"
#include "broker/handlers.h"
#include "broker/named_partitions.h"
#include "engine/record_batch.h"
#include "kafka/produce.h"

namespace ringlog::broker {

using kafka::ErrorCode;

namespace {

/// Requests over this are admitted in steps, so that others have their turn.
constexpr uint32_t kAdmitAtOnceBytes = 512 << 10;
constexpr int64_t kAdmitAtOnceParts = 2000;
constexpr size_t kAdmitStepBytes = 256 << 10;
constexpr size_t kPartStepBytes = 256;  ///< What a part costs beside its bytes, in bytes of a step.
constexpr int16_t kFirstVersionWithZstd = 7;

/// What one partition needs until its answer was sent: its part, its answer in a list that grows,
/// its answer's bytes, its place among the names.
constexpr int64_t kNamedBytes =
    sizeof(ProducePart) + 2 * sizeof(kafka::ProducePartitionResponse) + 160;

std::string_view text_of(Errc code) {
    switch (code) {
        case Errc::corrupt_batch: return "The batch does not match its CRC or its length.";
        case Errc::invalid_record:
            return "Exactly one record batch of magic 2 is allowed, neither control nor "
                   "transactional.";
        case Errc::message_too_large: return "The batch is larger than max.message.bytes.";
        case Errc::unsupported_format:
            return "Message formats older than record batches are not taken.";
        case Errc::unsupported: return "zstd needs Produce version 7 or newer.";
        case Errc::invalid_timestamp:
            return "The timestamp is out of the range that the topic allows.";
        case Errc::read_only:
            return "The partition is read-only until `ringlog log accept`: its log was damaged.";
        default: return {};
    }
}

ErrorCode error_of(Errc code) {
    // Kafka's code for a compression that the version does not know.
    return code == Errc::unsupported ? ErrorCode::unsupported_compression_type
                                     : kafka::to_error_code(code);
}

void refuse_part(ProducePart& part, Errc code) {
    part.error = error_of(code);
    part.message = text_of(code);
}

ProducePart& next_part(Request& request) {
    if (request.part_count == request.parts.size()) {
        request.parts.push_back(std::make_unique<ProducePart>());
    }
    ProducePart& part = *request.parts[request.part_count++];
    part.request = &request;
    part.owner = nullptr;
    part.arrived = false;
    part.appended = false;
    part.error = ErrorCode::none;
    part.message = {};
    part.base_offset = -1;
    part.log_append_time = -1;
    part.log_start_offset = -1;
    return part;
}

bool timestamps_allowed(const engine::BatchHeader& header, const cluster::TopicConfig& config,
                        WallMs now) {
    if (config.log_append_time) {
        return true;
    }
    return header.max_timestamp <= now ||
           header.max_timestamp - now <= config.timestamp_after_max_ms;
}

/// What keeps the batch of `part` from its partition, if anything.
bool judge(BrokerCore& core, Request& request, const TopicRoute* route, ProducePart& part) {
    const bool known =
        route != nullptr && part.partition >= 0 && part.partition < route->topic->partition_count;
    if (!known) {
        part.error = ErrorCode::unknown_topic_or_partition;
        return false;
    }
    const auto header = engine::validate_client_batch(
        part.batch, {.max_bytes = static_cast<uint32_t>(route->config.max_message_bytes),
                     .zstd_allowed = request.header.api_version >= kFirstVersionWithZstd});
    if (!header) {
        refuse_part(part, header.error().code);
        return false;
    }
    if (!timestamps_allowed(*header, route->config, core.reactor().wall_ms())) {
        refuse_part(part, Errc::invalid_timestamp);
        return false;
    }
    core.metrics().add(Counter::produce_batches);
    core.metrics().add(Counter::produce_bytes, part.batch.size());
    return true;
}

/// Begins the append of one partition, or knows its error.
void admit_partition(BrokerCore& core, Request& request, const TopicRoute* route,
                     const kafka::ProducePartition& partition) {
    ProducePart& part = next_part(request);
    part.partition = partition.index;
    part.acks = request.produce.acks;
    const ByteView bytes = partition.records ? partition.records->bytes : ByteView{};
    // The request's bytes are ours: the owner writes offsets into them.
    part.batch = Bytes(const_cast<std::byte*>(bytes.data()), bytes.size());
    if (!judge(core, request, route, part)) {
        part.arrived = true;
        return;
    }
    part.topic_id = route->topic->id;
    const uint16_t owner = route->owners[static_cast<size_t>(part.partition)];
    part.owner = &core.broker().core(owner);
    ++request.parts_pending;
    if (part.owner == &core) {
        core.start_append(part);
    } else {
        core.metrics().add(Counter::produce_parts_remote);
        core.reactor().send(io::CoreId(owner), part);
    }
}

kafka::ProducePartitionResponse partition_answer(const ProducePart& part) {
    kafka::ProducePartitionResponse answer;
    answer.index = part.partition;
    if (!part.arrived) {
        answer.error_code = mutant(Mutant::timeout_answered_as_success)
                                ? ErrorCode::none
                                : ErrorCode::request_timed_out;
        return answer;
    }
    answer.error_code = part.error;
    answer.base_offset = part.base_offset;
    answer.log_append_time_ms = part.log_append_time;
    answer.log_start_offset = part.log_start_offset;
    if (!part.message.empty()) {
        answer.error_message = part.message;
    }
    return answer;
}

/// Of a partition that is named several times the last batch counts, as with Kafka.
void find_superseded(BrokerCore& core, Request& request) {
    const auto count = static_cast<size_t>(count_names(request.produce.topics));
    if (count <= 2) {  // one partition of one topic
        return;
    }
    NamedPartitions names(count, core.reactor().random().next());
    uint32_t place = 0;
    for (const kafka::ProduceTopic& topic : request.produce.topics) {
        for (const kafka::ProducePartition& partition : topic.partitions) {
            uint32_t& last = names.place_of(topic.name, partition.index, place);
            if (last != place) {
                request.superseded.resize(count);
                request.superseded[std::exchange(last, place)] = true;
            }
            ++place;
        }
    }
}

[[nodiscard]] bool is_superseded(const Request& request, uint32_t place) {
    return !request.superseded.empty() && request.superseded[place];
}

/// The answer as it stands: parts that have not arrived have timed out.
void answer_produce(BrokerCore& core, Request& request) {
    uint32_t at = 0;
    uint32_t place = 0;
    bool failed = false;
    kafka::ProduceResponse response;
    for (const kafka::ProduceTopic& topic : request.produce.topics) {
        kafka::ProduceTopicResponse answers{.name = topic.name, .partitions = {}};
        for ([[maybe_unused]] const kafka::ProducePartition& partition : topic.partitions) {
            if (is_superseded(request, place++)) {
                continue;
            }
            const ProducePart& part = *request.parts[at++];
            const bool refused = !part.arrived || part.error != ErrorCode::none;
            core.metrics().add(Counter::produce_errors, refused ? 1 : 0);
            failed = failed || refused;
            if (request.produce.acks != 0) {
                answers.partitions.push_back(partition_answer(part));
            }
        }
        if (!answers.partitions.empty()) {
            response.topics.push_back(std::move(answers));
        }
    }
    if (request.produce.acks == 0) {
        // Nobody hears of an error but through the end of the connection.
        request.silent = true;
        request.close_after = failed;
    } else {
        answer_with(request, response);
    }
    core.metrics().record(Timing::produce, core.reactor().exact_now() - request.received_ns);
    request.connection->answered(request);
}

/// One that was being admitted is complete: parts_pending held one for the admission itself.
void admission_done(BrokerCore& core, Request& request) {
    if (--request.parts_pending == 0) {
        answer_produce(core, request);
    } else if (request.produce.acks != 0) {
        const int64_t timeout_ms = std::max(request.produce.timeout_ms, 0);
        request.deadline_ns = core.reactor().now() + timeout_ms * kMillisecondNs;
        core.await_parts(request);
    }
}

/// The core that owns every part, or kManyOwners.
uint16_t sole_owner(const Request& request) {
    const BrokerCore* owner = nullptr;
    for (uint32_t i = 0; i < request.part_count; ++i) {
        const BrokerCore* const of_part = request.parts[i]->owner;
        if (of_part == nullptr || (owner != nullptr && of_part != owner)) {
            return Connection::kManyOwners;
        }
        owner = of_part;
    }
    return owner == nullptr ? Connection::kManyOwners : owner->index();
}

/// What the request as a whole is refused with.
ErrorCode problem_of(const Request& request) {
    const int16_t acks = request.produce.acks;
    if (acks < -1 || acks > 1) {
        return ErrorCode::invalid_required_acks;
    }
    return request.produce.transactional_id.has_value() ? ErrorCode::unsupported_version
                                                        : ErrorCode::none;
}

void refuse_whole(BrokerCore& core, Request& request, ErrorCode error) {
    uint32_t place = 0;
    for (const kafka::ProduceTopic& topic : request.produce.topics) {
        for (const kafka::ProducePartition& partition : topic.partitions) {
            if (!is_superseded(request, place++)) {
                ProducePart& part = next_part(request);
                part.partition = partition.index;
                part.error = error;
                part.arrived = true;
            }
        }
    }
    answer_produce(core, request);
}

io::Task<void> admit_parts(Connection& connection, Request& request) {
    BrokerCore& core = connection.core();
    size_t bytes = 0;
    uint32_t place = 0;
    for (const kafka::ProduceTopic& topic : request.produce.topics) {
        for (const kafka::ProducePartition& partition : topic.partitions) {
            if (bytes >= kAdmitStepBytes) {
                bytes = 0;
                co_await core.reactor().yield();
            }
            if (is_superseded(request, place++)) {
                continue;
            }
            admit_partition(core, request, core.route(topic.name), partition);
            bytes += kPartStepBytes + (partition.records ? partition.records->size() : 0);
        }
    }
    connection.note_owner(sole_owner(request));
    admission_done(core, request);
}

/// The same as start_produce() for a request that waits for memory or is admitted in steps.
io::Task<void> produce_in_steps(Connection& connection, Request& request, int64_t named_bytes) {
    bool room = request.named_bytes > 0;
    if (!room) {
        room = co_await take_named_bytes(connection, request, named_bytes);
    }
    if (!room) {
        connection.answered(request);
        connection.release_requests();
        co_return;
    }
    BrokerCore& core = connection.core();
    find_superseded(core, request);
    const ErrorCode problem = problem_of(request);
    if (problem != ErrorCode::none) {
        refuse_whole(core, request, problem);
    } else {
        request.parts_pending = 1;
        co_await admit_parts(connection, request);
    }
    connection.release_requests();
}

void produce_at_once(Connection& connection, Request& request) {
    BrokerCore& core = connection.core();
    find_superseded(core, request);
    const ErrorCode problem = problem_of(request);
    if (problem != ErrorCode::none) {
        refuse_whole(core, request, problem);
        return;
    }
    request.parts_pending = 1;
    uint32_t place = 0;
    for (const kafka::ProduceTopic& topic : request.produce.topics) {
        const TopicRoute* route = core.route(topic.name);
        for (const kafka::ProducePartition& partition : topic.partitions) {
            if (!is_superseded(request, place++)) {
                admit_partition(core, request, route, partition);
            }
        }
    }
    connection.note_owner(sole_owner(request));
    admission_done(core, request);
}

}  // namespace

void start_produce(Connection& connection, Request& request) {
    auto body = read_request<kafka::ProduceRequest>(connection, request);
    if (!body) {
        connection.answered(request);
        return;
    }
    request.produce = std::move(*body);
    const int64_t count = count_names(request.produce.topics);
    const int64_t named_bytes = count * kNamedBytes;
    const bool room = try_take_named_bytes(connection, request, named_bytes);
    if (room && request.size <= kAdmitAtOnceBytes && count <= kAdmitAtOnceParts) {
        produce_at_once(connection, request);
        return;
    }
    connection.hold_requests();
    connection.tasks().spawn(produce_in_steps(connection, request, named_bytes));
}

// --- On the owner's core ---

void BrokerCore::start_append(ProducePart& part) {
    tasks_.spawn(append(part));
}

io::Task<void> BrokerCore::append(ProducePart& part) {
    engine::Partition* found = partition(part.topic_id, part.partition);
    if (found == nullptr) {
        part.error = missing_error(part.topic_id);
        finish_part(part);
        co_return;
    }
    const engine::Partition::Hold hold(*found);
    const auto appended = co_await found->append(part.batch, {.validated = true});
    Result<void> outcome{};
    if (!appended) {
        outcome = fail(appended.error());
    } else {
        part.base_offset = appended->base_offset;
        part.log_append_time = appended->log_append_time;
        part.log_start_offset = found->log_start_offset();
        const bool early = appended->duplicate && mutant(Mutant::duplicate_acked_early);
        if (early) {
            outcome = {};
        } else if (part.acks == -1 || (part.acks == 1 && appended->duplicate)) {
            outcome = co_await found->wait_high_watermark(appended->end_offset);
        } else if (part.acks == 1) {
            outcome = co_await found->wait_durable(*appended);
        }
    }
    if (!outcome) {
        part.base_offset = -1;
        part.log_append_time = -1;
        part.log_start_offset = -1;
        refuse_part(part, outcome.error().code);
        if (outcome.error().code == Errc::no_space) {
            part.message = disk_full_text_;
        }
    }
    finish_part(part);
}

void BrokerCore::finish_part(ProducePart& part) {
    BrokerCore& home = part.request->core;
    if (&home == this) {
        part_arrived(part);
    } else {
        part.appended = true;
        reactor_.send(home.reactor().core(), part);
    }
}

// --- At home again ---

void BrokerCore::part_arrived(ProducePart& part) {
    part.arrived = true;
    Request& request = *part.request;
    if (--request.parts_pending > 0) {
        return;
    }
    request.waiting_node.unlink();
    if (request.connection == nullptr) {
        recycle(request);
    } else if (request.state != RequestState::answered) {
        answer_produce(*this, request);
    }
}

void BrokerCore::expire_produces() {
    const MonotonicNs now = reactor_.now();
    for (Request::Waiting* at = waiting_produces_.front(); at != nullptr;) {
        Request::Waiting* const next = waiting_produces_.next(*at);
        Request& request = *at->request;
        if (request.deadline_ns <= now) {
            at->unlink();
            if (request.connection != nullptr) {
                answer_produce(*this, request);
            }
        }
        at = next;
    }
}

}  // namespace ringlog::broker

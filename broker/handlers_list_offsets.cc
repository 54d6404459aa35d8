// ListOffsets: earliest, latest, the largest timestamp, and the first record at or behind a time;
// one message per core.
#include <string_view>
#include <vector>

#include "broker/broker.h"
#include "broker/core.h"
#include "broker/fetch_share.h"
#include "broker/handlers.h"
#include "broker/named_partitions.h"
#include "io/mesh.h"
#include "kafka/list_offsets.h"

namespace ringlog::broker {

using kafka::ErrorCode;

namespace {

constexpr int16_t kFirstVersionWithMaxTimestamp = 7;

constexpr size_t kItemsPerSlice = 500;

struct OffsetItem {
    std::string_view topic;
    Uuid topic_id;
    bool again = false;  ///< Named before: answered there.
    uint16_t owner = 0;
    kafka::ListOffsetsPartition asked;
    kafka::ListOffsetsPartitionResponse answer;
};

ErrorCode fence(const engine::Partition& partition, int32_t epoch) {
    const int32_t current = partition.leader_epoch().value();
    if (epoch < 0 || epoch == current) {
        return ErrorCode::none;
    }
    return epoch < current ? ErrorCode::fenced_leader_epoch : ErrorCode::unknown_leader_epoch;
}

void answer_found(const engine::Partition& partition, const engine::TimestampOffset& found,
                  kafka::ListOffsetsPartitionResponse& answer) {
    answer.offset = found.offset;
    answer.timestamp = found.timestamp;
    if (found.offset >= 0) {
        answer.leader_epoch = partition.log().epoch_at(found.offset).value();
    }
}

io::Task<void> look_up(BrokerCore& core, OffsetItem& item) {
    kafka::ListOffsetsPartitionResponse& answer = item.answer;
    engine::Partition* const partition = core.partition(item.topic_id, item.asked.partition_index);
    if (partition == nullptr) {
        answer.error_code = core.missing_error(item.topic_id);
        co_return;
    }
    const engine::Partition::Hold hold(*partition);
    answer.error_code = fence(*partition, item.asked.current_leader_epoch);
    if (answer.error_code != ErrorCode::none) {
        co_return;
    }
    if (item.asked.timestamp == kafka::kLatestTimestamp) {
        answer.offset = partition->high_watermark();
        answer.leader_epoch = partition->leader_epoch().value();
        co_return;
    }
    if (item.asked.timestamp == kafka::kEarliestTimestamp) {
        answer.offset = partition->log_start_offset();
        answer.leader_epoch = partition->log().epoch_at(answer.offset).value();
        co_return;
    }
    const bool largest = item.asked.timestamp == kafka::kMaxTimestamp;
    auto found = largest ? co_await partition->find_max_timestamp()
                         : co_await partition->find_timestamp(item.asked.timestamp);
    if (!found) {
        answer.error_code = read_error_code(found.error().code);
        co_return;
    }
    answer_found(*partition, *found, answer);
}

/// What one partition of a request needs until its answer was sent, on average.
constexpr int64_t kNamedBytes = 4 * sizeof(OffsetItem);

io::Task<bool> look_up_all(BrokerCore& core, std::vector<OffsetItem>& items) {
    size_t count = 0;
    for (OffsetItem& item : items) {
        if (++count % kItemsPerSlice == 0) {
            co_await core.reactor().yield();
        }
        if (item.owner == core.index() && item.answer.error_code == ErrorCode::none) {
            co_await look_up(core, item);
        }
    }
    co_return true;
}

ErrorCode problem_of(const TopicRoute* route, const kafka::ListOffsetsPartition& asked,
                     int16_t version) {
    if (route == nullptr || asked.partition_index < 0 ||
        asked.partition_index >= route->topic->partition_count) {
        return ErrorCode::unknown_topic_or_partition;
    }
    const int64_t lowest =
        version >= kFirstVersionWithMaxTimestamp ? kafka::kMaxTimestamp : kafka::kEarliestTimestamp;
    return asked.timestamp < lowest ? ErrorCode::unsupported_version : ErrorCode::none;
}

/// Every partition that is asked for, with the errors that need no core but this one.
io::Task<void> collect(BrokerCore& core, const Request& request,
                       const kafka::ListOffsetsRequest& body, std::vector<OffsetItem>& items) {
    NamedPartitions names(items.capacity(), core.reactor().random().next());
    for (const kafka::ListOffsetsTopic& topic : body.topics) {
        const TopicRoute* route = core.route(topic.name);
        for (const kafka::ListOffsetsPartition& asked : topic.partitions) {
            const auto place = static_cast<uint32_t>(items.size());
            OffsetItem& item = items.emplace_back();
            item.topic = topic.name;
            item.asked = asked;
            item.answer.partition_index = asked.partition_index;
            const uint32_t first = names.place_of(topic.name, asked.partition_index, place);
            item.again = first != place;
            item.answer.error_code = problem_of(route, asked, request.header.api_version);
            if (item.again) {
                item.answer.error_code = ErrorCode::invalid_request;
                items[first].answer.error_code = ErrorCode::invalid_request;
            } else if (item.answer.error_code == ErrorCode::none) {
                item.topic_id = route->topic->id;
                item.owner = route->owners[static_cast<size_t>(asked.partition_index)];
            }
            if (items.size() % kItemsPerSlice == 0) {
                co_await core.reactor().yield();
                route = core.route(topic.name);
            }
        }
    }
}

io::Task<void> look_up_everywhere(BrokerCore& core, std::vector<OffsetItem>& items) {
    std::vector<bool> concerned(core.broker().core_count());
    for (const OffsetItem& item : items) {
        if (item.answer.error_code == ErrorCode::none) {
            concerned[item.owner] = true;
        }
    }
    const auto owner_end = static_cast<uint16_t>(concerned.size());
    for (uint16_t owner = 0; owner < owner_end; ++owner) {
        if (concerned[owner]) {
            BrokerCore* const there = &core.broker().core(owner);
            (void)co_await io::call_on(
                core.reactor(), io::CoreId(owner),
                [there, &items](io::Reactor&) { return look_up_all(*there, items); });
        }
    }
}

io::Task<void> answer(BrokerCore& core, Request& request, const std::vector<OffsetItem>& items) {
    kafka::ListOffsetsResponse response;
    size_t count = 0;
    for (const OffsetItem& item : items) {
        if (++count % kItemsPerSlice == 0) {
            co_await core.reactor().yield();
        }
        if (item.again) {
            continue;
        }
        auto& topics = response.topics.values();
        if (topics.empty() || topics.back().name != item.topic) {
            topics.push_back({.name = item.topic, .partitions = {}});
        }
        topics.back().partitions.push_back(item.answer);
    }
    answer_with(request, response);
}

}  // namespace

io::Task<void> handle_list_offsets(Connection& connection, Request& request) {
    const auto body = read_request<kafka::ListOffsetsRequest>(connection, request);
    if (!body) {
        co_return;
    }
    const int64_t count = count_names(body->topics);
    const bool taken = co_await take_named_bytes(connection, request, count * kNamedBytes);
    if (!taken) {
        co_return;
    }
    BrokerCore& core = connection.core();
    std::vector<OffsetItem> items;
    items.reserve(static_cast<size_t>(count));
    co_await collect(core, request, *body, items);
    co_await look_up_everywhere(core, items);
    co_await answer(core, request, items);
}

}  // namespace ringlog::broker

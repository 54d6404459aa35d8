#include "tests/simulation/cluster/consumer.h"

#include <fmt/format.h>

#include <algorithm>

#include "tests/simulation/cluster/node_driver.h"

namespace ringlog::simulation {

using kafka::ErrorCode;

namespace {

constexpr int64_t kReconnectNs = 20 * kMillisecondNs;
constexpr int64_t kAnswerSlackNs = 3 * kSecondNs;
constexpr int64_t kSequenceModulo = int64_t{1} << 31;
constexpr WallMs kFirstTimestamp = 1'700'000'000'000;
constexpr uint32_t kAuditErrorsMax = 50;
constexpr int16_t kListOffsetsVersion = 5;

}  // namespace

void ReadRun::seek(int64_t offset) {
    *this = {};
    position_ = offset;
    from_start_ = offset == 0;
}

std::optional<std::pair<Invariant, std::string>> ReadRun::next(const ReadBatch& batch) {
    const engine::BatchHeader& header = batch.header;
    const bool fits = begun_ ? header.base_offset == position_
                             : header.base_offset <= position_ && header.last_offset() >= position_;
    if (!fits) {
        return std::pair{Invariant::poll_contiguity,
                         fmt::format("the batch of offsets {} to {} was read at offset {}",
                                     header.base_offset, header.last_offset(), position_)};
    }
    begun_ = true;
    position_ = header.last_offset() + 1;
    if (header.leader_epoch.value() < epoch_) {
        return std::pair{Invariant::epoch_unique,
                         fmt::format("offset {} of epoch {} follows one of epoch {}",
                                     header.base_offset, header.leader_epoch.value(), epoch_)};
    }
    epoch_ = header.leader_epoch.value();
    if (!header.has_producer()) {
        return std::nullopt;
    }
    const int64_t behind = (int64_t{header.base_sequence} + header.records_count) % kSequenceModulo;
    const auto [known, added] =
        sequences_.try_emplace(header.producer_id, Sequence{header.producer_epoch, behind});
    const bool gap = !added && known->second.epoch == header.producer_epoch &&
                     known->second.next != header.base_sequence;
    const int64_t expected = known->second.next;
    known->second = {header.producer_epoch, behind};
    if (gap) {
        return std::pair{
            Invariant::sequence_no_gap,
            fmt::format("offset {}: producer {} goes on with sequence {} instead of {}",
                        header.base_offset, header.producer_id, header.base_sequence, expected)};
    }
    return std::nullopt;
}

Consumer::Consumer(Cluster& cluster, const ConsumerPlan& plan)
    : cluster_(cluster),
      plan_(plan),
      random_(cluster.swarm.seed * 211 + plan.id),
      wire_(cluster.world, cluster.judge, fmt::format("consumer-{}", plan.id)) {
    wire_.set_on_lost([this] { lost(); });
}

Consumer::~Consumer() {
    wire_.set_on_lost(nullptr);
    wire_.disconnect();
}

void Consumer::start() {
    connect_later(0);
}

void Consumer::begin_audit() {
    audit_ = true;
    readings_.clear();
    for (uint16_t topic = 0; topic < cluster_.swarm.topics.size(); ++topic) {
        for (int32_t i = 0; i < cluster_.swarm.topics[topic].partitions; ++i) {
            readings_[{topic, i}].ticket = cluster_.oracle.ticket(topic);
        }
    }
    next_later(0);
}

bool Consumer::all_read() const {
    return audit_ && std::ranges::all_of(
                         readings_, [](const auto& entry) { return entry.second.read_to_end; });
}

std::string Consumer::unread() const {
    for (const auto& [place, reading] : readings_) {
        if (!reading.read_to_end) {
            return fmt::format("t{}-{} at {}", place.first, place.second, reading.run.position());
        }
    }
    return "nothing";
}

void Consumer::stall(int64_t duration_ns) {
    wire_.set_reading(false);
    cluster_.judge.disturb_until(cluster_.world.now() + duration_ns);
    cluster_.world.after(duration_ns, [this] { wire_.set_reading(true); });
}

void Consumer::connect_later(int64_t delay_ns) {
    if (!std::exchange(connecting_, true)) {
        cluster_.world.after(delay_ns, [this] { connect(); });
    }
}

void Consumer::connect() {
    NodeDriver& node = cluster_.leader(0, 0);
    wire_.connect(node.node(), kBrokerPort, [this, &node](bool connected) {
        connecting_ = false;
        if (!connected) {
            connect_later(static_cast<int64_t>(random_.below(kReconnectNs)));
            return;
        }
        if (std::exchange(life_, node.life()) != node.life()) {
            cluster_.judge.mark(Met::reads_from_start);
            for (auto& [place, reading] : readings_) {
                reading.run.seek(0);
            }
        }
        session_ = {};
        next_later(0);
    });
}

void Consumer::lost() {
    connect_later(static_cast<int64_t>(random_.below(kReconnectNs)));
}

void Consumer::next_later(int64_t delay_ns) {
    if (!std::exchange(planned_, true)) {
        cluster_.world.after(delay_ns, [this] {
            planned_ = false;
            next();
        });
    }
}

void Consumer::next() {
    if (!wire_.connected() || wire_.under_way() > 0) {
        return;
    }
    if (!audit_ && random_.chance(1, 12)) {
        seek_somewhere();
    }
    if (random_.chance(1, audit_ ? 30 : 10)) {
        look_up_time();
    } else {
        fetch();
    }
}

void Consumer::seek_somewhere() {
    const std::vector<Asked> all = choose();
    if (all.empty()) {
        return;
    }
    const Asked& chosen = all[random_.below(all.size())];
    const auto end = static_cast<uint64_t>(chosen.high_watermark);
    readings_[chosen.place].run.seek(
        random_.chance(1, 2) ? 0 : static_cast<int64_t>(random_.below(end + 1)));
}

std::vector<Consumer::Asked> Consumer::choose() {
    std::vector<Asked> all;
    for (uint16_t topic = 0; topic < cluster_.swarm.topics.size(); ++topic) {
        const Ticket ticket = cluster_.oracle.ticket(topic);
        if (cluster_.oracle.life(topic) != Oracle::TopicLife::alive) {
            continue;
        }
        for (int32_t i = 0; i < cluster_.swarm.topics[topic].partitions; ++i) {
            Reading& reading = readings_[{topic, i}];
            if (reading.ticket.generation != ticket.generation) {
                reading = {.ticket = ticket};
            }
            reading.ticket = ticket;
            if (!audit_ || !reading.read_to_end) {
                all.push_back({.place = {topic, i},
                               .ticket = ticket,
                               .position = reading.run.position(),
                               .high_watermark = cluster_.oracle.high_watermark(topic, i),
                               .required = cluster_.oracle.required_end(topic, i),
                               .cuts = cluster_.oracle.cuts(topic, i)});
            }
        }
    }
    return all;
}

void Consumer::fetch() {
    std::vector<Asked> asked = choose();
    if (!plan_.sessions && asked.size() > 1 && random_.chance(1, 3)) {
        asked.erase(asked.begin() + static_cast<ptrdiff_t>(1 + random_.below(asked.size() - 1)),
                    asked.end());
    }
    if (asked.empty()) {
        if (!all_read()) {
            next_later(5 * kMillisecondNs);
        }
        return;
    }
    const kafka::FetchRequest request = make_request(asked);
    wire_.request(
        request, plan_.version, request.max_wait_ms * kMillisecondNs + kAnswerSlackNs,
        [this, asked = std::move(asked)](std::optional<ByteView> frame) { fetched(asked, frame); });
}

kafka::FetchRequest Consumer::make_request(const std::vector<Asked>& asked) {
    kafka::FetchRequest request;
    request.max_wait_ms = audit_ ? 0 : plan_.max_wait_ms;
    request.min_bytes = audit_ ? 0 : plan_.min_bytes;
    request.max_bytes = audit_ ? 1 << 20 : plan_.max_bytes;
    request.isolation_level = static_cast<int8_t>(random_.below(2));
    if (plan_.sessions) {
        cluster_.judge.mark(Met::sessions, session_.epoch == 0 ? 1 : 0);
        request.session_id = session_.id;
        request.session_epoch = session_.epoch;
    }
    std::map<Place, int64_t> offsets;
    for (const Asked& one : asked) {
        offsets[one.place] = one.position;
        const auto known = session_.offsets.find(one.place);
        if (plan_.sessions && session_.epoch > 0 && known != session_.offsets.end() &&
            known->second == one.position) {
            continue;  // the session knows
        }
        request.topics.push_back(
            {.topic = cluster_.swarm.topics[one.place.first].name,
             .partitions = {{.partition = one.place.second,
                             .fetch_offset = one.position,
                             .partition_max_bytes = plan_.partition_max_bytes}}});
    }
    for (const auto& [place, offset] : session_.offsets) {
        if (plan_.sessions && session_.epoch > 0 && !offsets.contains(place)) {
            request.forgotten_topics.push_back(
                {.topic = cluster_.swarm.topics[place.first].name, .partitions = {place.second}});
        }
    }
    session_.offsets = std::move(offsets);
    return request;
}

void Consumer::fetched(const std::vector<Asked>& asked, std::optional<ByteView> frame) {
    if (!frame) {
        return;
    }
    const auto answer = decode_answer<kafka::FetchResponse>(cluster_.judge, *frame, plan_.version);
    if (!answer) {
        return;
    }
    if (answer->error_code != ErrorCode::none) {
        cluster_.judge.mark(Met::session_errors);
        const bool about_sessions = answer->error_code == ErrorCode::fetch_session_id_not_found ||
                                    answer->error_code == ErrorCode::invalid_fetch_session_epoch;
        if (!plan_.sessions || !about_sessions) {
            cluster_.judge.violate(
                Invariant::unavailability_reported,
                fmt::format("a fetch is answered {}", kafka::error_code_name(answer->error_code)));
        }
        session_ = {};
        next_later(0);
        return;
    }
    if (plan_.sessions) {
        session_.id = answer->session_id;
        session_.epoch = answer->session_id == 0 ? 0 : session_.epoch + 1;
        if (random_.chance(1, 50)) {
            session_.epoch += random_.chance(1, 2) ? 1 : 0;  // a client that lost count
        }
    }
    for (const kafka::FetchTopicResponse& topic : answer->topics) {
        for (const kafka::FetchPartitionResponse& partition : topic.partitions) {
            const auto found = std::ranges::find_if(asked, [&](const Asked& one) {
                return cluster_.swarm.topics[one.place.first].name == topic.topic &&
                       one.place.second == partition.partition_index;
            });
            if (found == asked.end()) {
                cluster_.judge.violate(Invariant::topics_apart,
                                       "a fetch is answered for a partition that it did not name");
                return;
            }
            take_partition(*found, partition);
        }
    }
    next_later(audit_ ? 0 : static_cast<int64_t>(random_.below(2 * kMillisecondNs)));
}

void Consumer::take_partition(const Asked& asked, const kafka::FetchPartitionResponse& partition) {
    if (partition.error_code != ErrorCode::none) {
        take_error(asked, partition.error_code);
        return;
    }
    const auto [topic, index] = asked.place;
    if (asked.cuts == cluster_.oracle.cuts(topic, index)) {
        cluster_.oracle.saw_high_watermark(asked.ticket, index, asked.high_watermark,
                                           partition.high_watermark);
    }
    take_records(asked, partition.records ? partition.records->bytes : ByteView{},
                 partition.high_watermark);
}

void Consumer::take_records(const Asked& asked, ByteView bytes, int64_t high_watermark) {
    Reading& reading = readings_[asked.place];
    const bool current = cluster_.oracle.holds(asked.ticket) &&
                         reading.run.position() == asked.position &&
                         reading.ticket.generation == asked.ticket.generation;
    while (!bytes.empty() && !cluster_.judge.failed()) {
        const auto batch = read_batch(bytes);
        if (!batch) {
            cluster_.judge.violate(Invariant::never_wrong_bytes,
                                   fmt::format("t{}-{} from offset {}: {}", asked.place.first,
                                               asked.place.second, asked.position, batch.error()));
            return;
        }
        bytes = bytes.subspan(batch->header.total_bytes);
        cluster_.oracle.read(asked.ticket, asked.place.second, *batch);
        if (!current) {
            continue;
        }
        if (const auto wrong = reading.run.next(*batch)) {
            cluster_.judge.violate(wrong->first, fmt::format("t{}-{}: {}", asked.place.first,
                                                             asked.place.second, wrong->second));
            return;
        }
        if (reading.run.position() > high_watermark) {
            cluster_.judge.violate(
                Invariant::high_watermark_bounds,
                fmt::format("t{}-{}: read up to {}, the high watermark is {}", asked.place.first,
                            asked.place.second, reading.run.position(), high_watermark));
            return;
        }
    }
    if (current && reading.run.position() == high_watermark && reading.run.from_start()) {
        reading.read_to_end = true;
        cluster_.oracle.read_whole(asked.ticket, asked.place.second, asked.required,
                                   high_watermark);
    }
}

void Consumer::take_error(const Asked& asked, ErrorCode error) {
    Reading& reading = readings_[asked.place];
    const auto [topic, partition] = asked.place;
    RL_TELL(cluster_.judge, topic, partition, "t{}-{}: a fetch from offset {} is answered {}",
            topic, partition, asked.position, kafka::error_code_name(error));
    const Swarm& swarm = cluster_.swarm;
    const bool lives = cluster_.oracle.holds(asked.ticket);
    const bool whole = !swarm.honesty() && !cluster_.oracle.is_damaged(topic, partition);
    bool allowed = true;
    switch (error) {
        case ErrorCode::unknown_topic_or_partition: allowed = !lives; break;
        case ErrorCode::offset_out_of_range:
            allowed = !lives || !whole ||
                      asked.position > cluster_.oracle.high_watermark(topic, partition);
            reading.run.seek(0);
            break;
        case ErrorCode::corrupt_message: allowed = !whole; break;
        case ErrorCode::kafka_storage_error:
            allowed = !cluster_.quiet() || !whole || cluster_.leader(topic, partition).ailing();
            break;
        case ErrorCode::not_leader_or_follower:
        case ErrorCode::leader_not_available:
        case ErrorCode::network_exception: break;
        default: allowed = false; break;
    }
    if (!allowed) {
        cluster_.judge.violate(
            Invariant::unavailability_reported,
            fmt::format("t{}-{}: a fetch from offset {} is answered {}", topic, partition,
                        asked.position, kafka::error_code_name(error)));
    }
    if (audit_ && !whole && ++reading.errors > kAuditErrorsMax) {
        reading.read_to_end = true;  // it says that it cannot be read
    }
}

void Consumer::look_up_time() {
    const std::vector<Asked> all = choose();
    if (all.empty()) {
        next_later(5 * kMillisecondNs);
        return;
    }
    const Asked asked = all[random_.below(all.size())];
    const auto elapsed = static_cast<uint64_t>(cluster_.world.now() / kMillisecondNs) + 60;
    const WallMs time = kFirstTimestamp + static_cast<int64_t>(random_.below(elapsed));
    kafka::ListOffsetsRequest request;
    request.topics.push_back(
        {.name = cluster_.swarm.topics[asked.place.first].name,
         .partitions = {{.partition_index = asked.place.second, .timestamp = time}}});
    wire_.request(
        request, kListOffsetsVersion, kAnswerSlackNs,
        [this, asked, time](std::optional<ByteView> frame) { looked_up(asked, time, frame); });
}

void Consumer::looked_up(const Asked& asked, WallMs time, std::optional<ByteView> frame) {
    if (!frame) {
        return;
    }
    const auto answer =
        decode_answer<kafka::ListOffsetsResponse>(cluster_.judge, *frame, kListOffsetsVersion);
    if (answer && !answer->topics.empty()) {
        const auto topic = answer->topics.to_vector().front();
        const auto partition = topic.partitions.to_vector().front();
        if (partition.error_code == ErrorCode::none) {
            cluster_.oracle.time_lookup(asked.ticket, asked.place.second, time,
                                        asked.high_watermark, partition.offset,
                                        partition.timestamp);
        } else {
            take_error(asked, partition.error_code);
        }
    }
    next_later(0);
}

}  // namespace ringlog::simulation

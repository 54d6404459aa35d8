// Fetch: sessions, waiting for enough bytes over every core concerned, reading, answering without
// copying. Explained in docs/data_path.md, "Fetch".
#include <algorithm>
#include <list>
#include <optional>
#include <vector>

#include "broker/broker.h"
#include "broker/core.h"
#include "broker/fetch_share.h"
#include "broker/handlers.h"
#include "broker/named_partitions.h"
#include "kafka/fetch.h"

namespace ringlog::broker {

using kafka::ErrorCode;

namespace {

constexpr int32_t kSessionFinal = -1;
constexpr int32_t kSessionInitial = 0;
constexpr size_t kItemsPerSlice = 500;
/// What one partition needs until its answer was sent: its item, its answer in a list that grows,
/// its answer's bytes, its places among names and in its share, and what listens to it.
constexpr int64_t kNamedBytes = sizeof(FetchItem) + 2 * sizeof(kafka::FetchPartitionResponse) + 192;
/// How long a fetch waits for data while other requests wait for the memory of what they name.
constexpr int64_t kParkedInCrowdNs = kSecondNs;

/// One fetch request from its decoding to its answer. Lives in the handler's frame.
class Fetch {
public:
    Fetch(Connection& connection, Request& request, kafka::FetchRequest body)
        : connection_(connection),
          core_(connection.core()),
          request_(request),
          body_(std::move(body)),
          wake_(core_.reactor()) {}

    io::Task<void> run();

private:
    [[nodiscard]] io::Reactor& reactor() { return core_.reactor(); }
    BrokerCore& session_core(int32_t id) {
        return core_.broker().core(FetchSessionCache::core_of(id));
    }
    [[nodiscard]] bool session_core_exists(int32_t id) const {
        return FetchSessionCache::core_of(id) < core_.broker().core_count();
    }

    io::Task<ErrorCode> take_session();
    [[nodiscard]] int64_t named_bytes() const;
    void update_session();
    io::Task<void> remove_session(int32_t id);
    io::Task<void> return_session();
    io::Task<void> add_items();
    io::Task<void> add_asked();
    void add_item(FetchItem item);
    /// Others wait for the memory that this fetch needs to wait for data.
    [[nodiscard]] bool is_crowded(MonotonicNs parked_since) const;
    io::Task<void> wait_and_read();
    io::Task<FetchShare::Look> look_everywhere(FetchBounds bounds);
    io::Task<void> park(FetchBounds bounds, uint64_t available, MonotonicNs deadline);
    io::Task<void> wait_share(FetchShare& share, uint64_t needed);
    io::Task<void> read_share(FetchShare& share);
    io::Task<void> answer();
    /// Counts one item; true when others should have their turn.
    [[nodiscard]] bool slice_is_full() { return ++in_slice_ % kItemsPerSlice == 0; }
    [[nodiscard]] bool must_answer(const FetchItem& item) const;
    void answer_error(ErrorCode error);
    void refuse_replica();

    Connection& connection_;
    BrokerCore& core_;
    Request& request_;
    kafka::FetchRequest body_;
    std::unique_ptr<FetchSession> session_;
    bool incremental_ = false;
    std::vector<FetchItem> items_;
    std::list<FetchShare> shares_;
    io::Event wake_;
    bool woken_ = false;
    bool waited_ = false;
    bool crowded_ = false;
    size_t in_slice_ = 0;
};

io::Task<void> Fetch::remove_session(int32_t id) {
    if (!session_core_exists(id)) {
        co_return;
    }
    BrokerCore* const owner = &session_core(id);
    (void)co_await io::call_on(reactor(), owner->reactor().core(),
                               [owner, id](io::Reactor&) { return owner->remove_session(id); });
}

io::Task<void> Fetch::return_session() {
    if (session_ == nullptr) {
        co_return;
    }
    BrokerCore* const owner = &session_core(session_->id());
    (void)co_await io::call_on(
        reactor(), owner->reactor().core(), [owner, session = session_.release()](io::Reactor&) {
            return owner->return_session(std::unique_ptr<FetchSession>(session));
        });
}

io::Task<ErrorCode> Fetch::take_session() {
    const int32_t id = body_.session_id;
    if (body_.session_epoch == kSessionFinal || body_.session_epoch == kSessionInitial) {
        if (id != 0) {
            co_await remove_session(id);
        }
        co_return ErrorCode::none;
    }
    if (!session_core_exists(id)) {
        co_return ErrorCode::fetch_session_id_not_found;
    }
    BrokerCore* const owner = &session_core(id);
    const int32_t epoch = body_.session_epoch;
    auto taken = co_await io::call_on(reactor(), owner->reactor().core(),
                                      [=](io::Reactor&) { return owner->take_session(id, epoch); });
    if (taken.error != ErrorCode::none) {
        co_return taken.error;
    }
    session_ = std::move(taken.session);
    incremental_ = true;
    co_return ErrorCode::none;
}

int64_t Fetch::named_bytes() const {
    int64_t count = count_names(body_.topics);
    if (session_ != nullptr) {
        count += static_cast<int64_t>(session_->partitions().size());
    }
    const bool remembered = incremental_ || body_.session_epoch == kSessionInitial;
    return count * kNamedBytes + (remembered ? FetchSession::bytes_of(body_) : 0);
}

void Fetch::update_session() {
    if (incremental_) {
        session_->update(body_);
        session_->advance();
    } else if (body_.session_epoch == kSessionInitial && !body_.topics.empty()) {
        session_ = core_.sessions().create(reactor().random(), reactor().now(),
                                           FetchSession::bytes_of(body_));
        if (session_ != nullptr) {
            session_->update(body_);
        }
    }
}

void Fetch::add_item(FetchItem item) {
    const TopicRoute* const route = core_.route(item.topic);
    const bool known =
        route != nullptr && item.partition >= 0 && item.partition < route->topic->partition_count;
    if (known) {
        item.topic_id = route->topic->id;
    } else {
        item.error = ErrorCode::unknown_topic_or_partition;
    }
    items_.push_back(std::move(item));
}

io::Task<void> Fetch::add_asked() {
    const auto count = static_cast<size_t>(count_names(body_.topics));
    items_.reserve(count);
    NamedPartitions names(count, reactor().random().next());
    for (const kafka::FetchTopic& topic : body_.topics) {
        for (const kafka::FetchPartition& partition : topic.partitions) {
            if (slice_is_full()) {
                co_await reactor().yield();
            }
            const auto place = static_cast<uint32_t>(items_.size());
            const uint32_t first = names.place_of(topic.topic, partition.partition, place);
            if (first == place) {
                add_item({.topic = topic.topic, .partition = partition.partition});
            }
            // One that is named again is read once, as it was named last.
            FetchItem& item = items_[first];
            item.leader_epoch = partition.current_leader_epoch;
            item.offset = partition.fetch_offset;
            item.max_bytes = static_cast<uint32_t>(std::max(partition.partition_max_bytes, 0));
        }
    }
}

io::Task<void> Fetch::add_items() {
    if (session_ != nullptr) {
        auto& partitions = session_->partitions();
        items_.reserve(partitions.size());
        for (auto at = partitions.begin(); at != partitions.end(); ++at) {
            if (slice_is_full()) {
                co_await reactor().yield();
            }
            add_item({.topic = at->topic,
                      .partition = at->partition,
                      .leader_epoch = at->leader_epoch,
                      .offset = at->fetch_offset,
                      .max_bytes = static_cast<uint32_t>(std::max(at->max_bytes, 0)),
                      .place = at});
        }
    } else {
        co_await add_asked();
    }
    for (FetchItem& item : items_) {
        if (slice_is_full()) {
            co_await reactor().yield();
        }
        if (item.error != ErrorCode::none) {
            continue;
        }
        BrokerCore& owner =
            core_.broker().core(core_.broker().owner_core(item.topic_id, item.partition));
        const auto share =
            std::ranges::find_if(shares_, [&owner](FetchShare& s) { return &s.owner() == &owner; });
        (share != shares_.end() ? *share : shares_.emplace_back(reactor(), owner)).add(item);
    }
}

io::Task<FetchShare::Look> Fetch::look_everywhere(FetchBounds bounds) {
    FetchShare::Look sum;
    const bool alone = shares_.size() == 1;
    for (FetchShare& share : shares_) {
        if (&share.owner() != &core_) {
            core_.metrics().add(Counter::fetch_parts_remote);
        }
        const FetchShare::Look look = co_await share.look(bounds, alone);
        sum.available += look.available;
        sum.failed = sum.failed || look.failed;
        sum.read = sum.read || look.read;
    }
    sum.failed = sum.failed || std::ranges::any_of(items_, [](const FetchItem& item) {
                     return item.error != ErrorCode::none;
                 });
    co_return sum;
}

io::Task<void> Fetch::wait_share(FetchShare& share, uint64_t needed) {
    (void)co_await share.wait(needed);
    woken_ = true;
    wake_.notify_all();
}

bool Fetch::is_crowded(MonotonicNs parked_since) const {
    return core_.named_bytes().has_waiters() &&
           core_.reactor().now() - parked_since >= kParkedInCrowdNs;
}

io::Task<void> Fetch::park(FetchBounds bounds, uint64_t available, MonotonicNs deadline) {
    waited_ = true;
    woken_ = false;
    const MonotonicNs begun = reactor().now();
    // If the sum is reached, one core at least has grown by its part of what is missing.
    const uint64_t missing = bounds.min_bytes - std::min(available, bounds.min_bytes);
    const uint64_t part = std::max<uint64_t>(1, (missing + shares_.size() - 1) / shares_.size());
    io::TaskGroup waits;
    for (FetchShare& share : shares_) {
        waits.spawn(wait_share(share, share.last_available() + part));
    }
    core_.metrics().change(Gauge::parked_fetches, 1);
    connection_.set_parked(&wake_);
    while (!woken_ && !connection_.closing() && !connection_.draining() && !is_crowded(begun) &&
           reactor().now() < deadline) {
        co_await wake_.wait_until(deadline);
    }
    crowded_ = is_crowded(begun);
    connection_.set_parked(nullptr);
    core_.metrics().change(Gauge::parked_fetches, -1);
    if (waits.running() > 0) {
        for (FetchShare& share : shares_) {
            (void)co_await share.cancel();
        }
    }
    co_await waits.close();
}

io::Task<void> Fetch::read_share(FetchShare& share) {
    (void)co_await share.read();
}

io::Task<void> Fetch::wait_and_read() {
    const BrokerConfig& config = core_.broker().config();
    FetchBounds bounds{
        .min_bytes = static_cast<uint64_t>(std::max(body_.min_bytes, 0)),
        .max_bytes = std::min<uint64_t>(static_cast<uint64_t>(std::max(body_.max_bytes, 0)),
                                        config.fetch_bytes_max)};
    // More than may be answered is never waited for.
    bounds.min_bytes = std::min(bounds.min_bytes, std::max<uint64_t>(bounds.max_bytes, 1));
    const MonotonicNs deadline =
        request_.received_ns + std::max<int64_t>(body_.max_wait_ms, 0) * kMillisecondNs;
    for (;;) {
        const FetchShare::Look look = co_await look_everywhere(bounds);
        if (look.read) {
            co_return;
        }
        const bool enough = look.failed || look.available >= bounds.min_bytes;
        const bool over = reactor().exact_now() >= deadline || crowded_ || connection_.closing() ||
                          connection_.draining() || shares_.empty();
        if (enough || over) {
            break;
        }
        co_await park(bounds, look.available, deadline);
    }
    std::vector<FetchItem*> in_order;
    in_order.reserve(items_.size());
    for (FetchItem& item : items_) {
        in_order.push_back(&item);
    }
    allot(in_order, bounds.max_bytes);
    io::TaskGroup reads;
    for (FetchShare& share : shares_) {
        reads.spawn(read_share(share));
    }
    co_await reads.close();
}

bool Fetch::must_answer(const FetchItem& item) const {
    if (!incremental_) {
        return true;
    }
    const SessionPartition& known = *item.place;
    return item.data.bytes > 0 || item.error != ErrorCode::none || known.had_error ||
           item.high_watermark != known.high_watermark ||
           item.log_start_offset != known.log_start_offset;
}

io::Task<void> Fetch::answer() {
    kafka::FetchResponse response;
    response.session_id = session_ != nullptr ? session_->id() : 0;
    for (FetchItem& item : items_) {
        if (slice_is_full()) {
            co_await reactor().yield();
        }
        if (item.error != ErrorCode::none) {
            core_.metrics().add(Counter::fetch_errors);
        }
        if (!must_answer(item)) {
            continue;
        }
        const bool same =
            !response.topics.empty() && response.topics.values().back().topic == item.topic;
        auto& topic = same ? response.topics.values().back()
                           : response.topics.push_back({.topic = item.topic, .partitions = {}});
        kafka::FetchPartitionResponse& partition = topic.partitions.push_back({});
        partition.partition_index = item.partition;
        partition.error_code = item.error;
        partition.records = kafka::Blob();
        if (body_.isolation_level != 0) {
            partition.aborted_transactions.emplace();
        }
        const bool failed = item.error != ErrorCode::none;
        partition.high_watermark = failed ? -1 : item.high_watermark;
        partition.last_stable_offset = partition.high_watermark;
        partition.log_start_offset = failed ? -1 : item.log_start_offset;
        if (item.data.bytes > 0 && !failed) {
            partition.records = kafka::Blob::spliced(item.data.bytes);
            core_.metrics().add(Counter::fetch_bytes, item.data.bytes);
            request_.data.push_back(std::move(item.data));
            item.data.bytes = 1;  // it had some
        }
        if (session_ != nullptr) {
            item.place->had_error = failed;
            item.place->high_watermark = item.high_watermark;
            item.place->log_start_offset = item.log_start_offset;
        }
    }
    answer_with(request_, response);
    if (session_ != nullptr) {
        for (const FetchItem& item : items_) {
            if (item.data.bytes > 0) {
                session_->rotate(item.place);
            }
        }
    }
}

void Fetch::answer_error(ErrorCode error) {
    kafka::FetchResponse response;
    response.error_code = error;
    answer_with(request_, response);
}

void Fetch::refuse_replica() {
    // Only brokers may fetch as replicas, and they have a listener of their own.
    kafka::FetchResponse response;
    response.error_code = ErrorCode::cluster_authorization_failed;
    for (const kafka::FetchTopic& topic : body_.topics) {
        auto& answers = response.topics.push_back({.topic = topic.topic, .partitions = {}});
        for (const kafka::FetchPartition& partition : topic.partitions) {
            auto& answer = answers.partitions.push_back({});
            answer.partition_index = partition.partition;
            answer.error_code = ErrorCode::cluster_authorization_failed;
            answer.high_watermark = -1;
            answer.records = kafka::Blob();
        }
    }
    answer_with(request_, response);
}

io::Task<void> Fetch::run() {
    if (body_.replica_id >= 0) {
        const bool answered = co_await take_named_bytes(connection_, request_, named_bytes());
        if (answered) {
            refuse_replica();
        }
        co_return;
    }
    const ErrorCode taken = co_await take_session();
    if (taken != ErrorCode::none) {
        answer_error(taken);
        co_return;
    }
    const bool room = co_await take_named_bytes(connection_, request_, named_bytes());
    if (!room) {
        co_await return_session();
        co_return;
    }
    update_session();
    co_await add_items();
    co_await wait_and_read();
    co_await answer();
    co_await return_session();
    connection_.note_owner(shares_.size() == 1 ? shares_.front().owner().index()
                                               : Connection::kManyOwners);
    if (!waited_) {
        core_.metrics().record(Timing::fetch, reactor().exact_now() - request_.received_ns);
    }
}

}  // namespace

io::Task<void> handle_fetch(Connection& connection, Request& request) {
    auto body = read_request<kafka::FetchRequest>(connection, request);
    if (body) {
        Fetch fetch(connection, request, std::move(*body));
        co_await fetch.run();
    }
}

}  // namespace ringlog::broker

// Connections, requests and what watches over them. Partitions are in core_partitions.cc. See
// broker/core.h.
#include "broker/core.h"

#include <algorithm>
#include <utility>

#include "broker/broker.h"
#include "broker/named_partitions.h"
#include "io/mesh.h"

namespace ringlog::broker {

namespace {

constexpr int64_t kProduceCheckNs = 100 * kMillisecondNs;
constexpr int64_t kConnectionCheckNs = kSecondNs;
constexpr int64_t kRefusalLogNs = 10 * kSecondNs;
constexpr size_t kConnectionsPerSlice = 1000;
constexpr size_t kSpareRequestsMax = 256;
constexpr uint32_t kSpareRequestBytes = 16 << 10;
constexpr size_t kSpareRequestParts = 256;  ///< 16 KiB of a frame can name thousands.
constexpr uint32_t kSmallestRequestBytes = 2048;

size_t sessions_of_core(const BrokerConfig& config, uint16_t cores) {
    return std::max<size_t>(1, config.fetch_sessions_max / cores);
}

}  // namespace

void ProducePart::deliver(io::Reactor&) {
    if (appended) {
        request->core.part_arrived(*this);
    } else {
        owner->start_append(*this);
    }
}

BrokerCore::BrokerCore(Broker& broker, io::Reactor& reactor)
    : broker_(broker),
      reactor_(reactor),
      request_bytes_(reactor, kRequestBytesPerCore),
      named_bytes_(reactor, kNamedBytesPerCore),
      sessions_(reactor.core().value(), sessions_of_core(broker.config(), reactor.core_count())),
      refusal_limit_(kRefusalLogNs),
      disk_full_text_(fmt::format("The disk of {} is full.", broker.config().data_directory)),
      work_(reactor),
      connection_gone_(reactor),
      request_back_(reactor) {
    housekeeping_task_.spawn(housekeeping());
}

BrokerCore::~BrokerCore() {
    RL_ASSERT(closing_ && connections_.empty());
}

std::unique_ptr<Connection> BrokerCore::attach(int32_t descriptor, uint16_t listener) {
    if (draining_ || closing_) {
        reactor_.network().close(descriptor);
        connection_count.fetch_sub(1, std::memory_order_relaxed);
        return nullptr;
    }
    auto socket = io::Socket::attach(reactor_, descriptor);
    if (!socket) {
        log_warn("broker", "core {}: a connection is refused: {}", index(),
                 describe(socket.error()));
        connection_count.fetch_sub(1, std::memory_order_relaxed);
        return nullptr;
    }
    return std::make_unique<Connection>(*this, std::move(*socket), listener);
}

io::Task<bool> BrokerCore::adopt(int32_t descriptor, uint16_t listener) {
    auto connection = attach(descriptor, listener);
    if (connection == nullptr) {
        co_return false;
    }
    metrics_.add(Counter::connections_accepted);
    tasks_.spawn(serve(std::move(connection)));
    co_return true;
}

io::Task<bool> BrokerCore::adopt_moved(Connection::Move move) {
    auto connection = attach(move.descriptor, move.listener);
    if (connection == nullptr) {
        co_return false;
    }
    metrics_.add(Counter::connections_moved);
    connection->set_unread(std::move(move.unread));
    tasks_.spawn(serve(std::move(connection)));
    co_return true;
}

io::Task<void> BrokerCore::serve(std::unique_ptr<Connection> connection) {
    connections_.push_back(*connection);
    work_.notify_all();
    co_await connection->run();
    std::optional<Connection::Move> move = connection->take_move();
    static_cast<ListNode&>(*connection).unlink();
    connection.reset();
    if (move) {
        BrokerCore* const target = &broker_.core(move->core);
        target->connection_count.fetch_add(1, std::memory_order_relaxed);
        (void)co_await io::call_on(
            reactor_, target->reactor().core(),
            [target, &move](io::Reactor&) { return target->adopt_moved(std::move(*move)); });
    } else {
        metrics_.add(Counter::connections_closed);
    }
    connection_count.fetch_sub(1, std::memory_order_relaxed);
    connection_gone_.notify_all();
}

io::Task<bool> BrokerCore::drain_connections(MonotonicNs deadline) {
    draining_ = true;
    for (Connection* at = connections_.front(); at != nullptr; at = connections_.next(*at)) {
        at->drain();
    }
    while (!connections_.empty() && reactor_.now() < deadline) {
        co_await connection_gone_.wait_until(deadline);
    }
    co_return connections_.empty();
}

io::Task<bool> BrokerCore::break_connections() {
    draining_ = true;
    closing_ = true;
    for (Connection* at = connections_.front(); at != nullptr; at = connections_.next(*at)) {
        at->abort();
    }
    work_.notify_all();
    co_await housekeeping_task_.close();
    while (!connections_.empty()) {
        co_await connection_gone_.wait();
    }
    co_return true;
}

io::Task<bool> BrokerCore::close() {
    co_await tasks_.close();
    routes_.clear();
    image_ = nullptr;
    co_return true;
}

io::Task<void> BrokerCore::quiesced() {
    while (requests_out_ > 0) {
        co_await request_back_.wait();
    }
}

io::Task<bool> BrokerCore::close_shard(bool clean) {
    if (shard_ == nullptr) {
        co_return true;
    }
    auto closed = co_await shard_->close(clean);
    if (!closed) {
        log_error("broker",
                  "core {}: the journal was not closed in order: {}; the next start "
                  "recovers it",
                  index(), describe(closed.error()));
    }
    shard_.reset();
    co_return closed.has_value();
}

void BrokerCore::log_refusal(const Connection& connection, std::string_view problem) {
    if (refusal_limit_.allow(reactor_.now())) {
        log_warn("broker", "connection of {} closed: {} ({} such lines left out)",
                 connection.peer(), problem, refusal_limit_.suppressed());
    }
}

Request& BrokerCore::take_request(uint32_t size) {
    std::unique_ptr<Request> request;
    if (spare_requests_.empty()) {
        request = std::make_unique<Request>(*this);
        request->waiting_node.request = request.get();
    } else {
        request = std::move(spare_requests_.back());
        spare_requests_.pop_back();
    }
    if (request->capacity < size || request->bytes == nullptr) {
        request->capacity = std::max(size, kSmallestRequestBytes);
        request->bytes = std::make_unique_for_overwrite<std::byte[]>(request->capacity);
    }
    ++requests_out_;
    request->size = size;
    request->filled = 0;
    return *request.release();
}

void BrokerCore::recycle(Request& taken) {
    std::unique_ptr<Request> request(&taken);
    static_cast<ListNode&>(*request).unlink();
    request->waiting_node.unlink();
    request_bytes_.give(request->size);
    if (request->named_bytes > 0) {
        named_bytes_.give(std::exchange(request->named_bytes, 0));
    }
    if (--requests_out_ == 0) {
        request_back_.notify_all();
    }
    if (spare_requests_.size() >= kSpareRequestsMax || request->capacity > kSpareRequestBytes ||
        request->parts.size() > kSpareRequestParts) {
        return;
    }
    request->connection = nullptr;
    request->state = RequestState::waiting;
    request->silent = false;
    request->close_after = false;
    request->answer.clear();
    request->data.clear();
    request->part_count = 0;
    request->superseded = {};
    request->deadline_ns = INT64_MAX;
    spare_requests_.push_back(std::move(request));
}

void BrokerCore::await_parts(Request& request) {
    const bool first = waiting_produces_.empty();
    waiting_produces_.push_back(request.waiting_node);
    if (first) {
        work_.notify_all();
    }
}

io::Task<void> BrokerCore::housekeeping() {
    while (!closing_) {
        MonotonicNs next = INT64_MAX;
        if (!waiting_produces_.empty()) {
            next = reactor_.now() + kProduceCheckNs;
        }
        if (!connections_.empty()) {
            next = std::min(next, std::max(next_check_, reactor_.now()));
        }
        co_await work_.wait_until(next);
        if (closing_) {
            break;
        }
        expire_produces();
        if (reactor_.now() >= next_check_) {
            next_check_ = reactor_.now() + kConnectionCheckNs;
            co_await check_connections();
        }
    }
}

io::Task<void> BrokerCore::check_connections() {
    const int64_t idle_ns = broker_.config().connections_idle_ms * kMillisecondNs;
    // A connection may go away while others have their turn: the list is walked by taking each to
    // its end once.
    const size_t count = connection_count.load(std::memory_order_relaxed);
    for (size_t i = 0; i < count && !connections_.empty() && !closing_; ++i) {
        Connection& connection = *connections_.pop_front();
        connections_.push_back(connection);
        connection.check(reactor_.now(), idle_ns);
        if (i % kConnectionsPerSlice == kConnectionsPerSlice - 1) {
            co_await reactor_.yield();
        }
    }
}

io::Task<FetchSessionCache::Taken> BrokerCore::take_session(int32_t id, int32_t epoch) {
    co_return sessions_.take(id, epoch);
}

io::Task<bool> BrokerCore::return_session(std::unique_ptr<FetchSession> session) {
    sessions_.give_back(std::move(session), reactor_.now());
    co_return true;
}

io::Task<bool> BrokerCore::remove_session(int32_t id) {
    sessions_.remove(id);
    co_return true;
}

io::Task<std::vector<std::string>> BrokerCore::problems() {
    std::vector<std::string> all;
    if (shard_ == nullptr) {
        co_return all;
    }
    if (shard_->journal().failure()) {
        all.push_back(fmt::format("Journal {} is closed for writing: {}",
                                  shard_->journal().id().value(),
                                  describe(*shard_->journal().failure())));
    }
    if (shard_->space().full) {
        all.push_back(disk_full_text_ + " Appends are refused.");
    }
    if (shard_->counters().damaged_partitions > 0) {
        all.push_back(fmt::format("Core {}: {} partitions were damaged and are read-only.", index(),
                                  shard_->counters().damaged_partitions));
    }
    co_return all;
}

io::Task<MetricSnapshot> BrokerCore::take_snapshot() {
    metrics_.set(Gauge::connections, connection_count.load(std::memory_order_relaxed));
    metrics_.set(Gauge::request_bytes_held, kRequestBytesPerCore - request_bytes_.available() +
                                                kNamedBytesPerCore - named_bytes_.available());
    metrics_.set(Gauge::fetch_sessions, static_cast<int64_t>(sessions_.size()));
    metrics_.set(Gauge::partitions, 0);
    MetricSnapshot all;
    all.core = index();
    if (shard_ != nullptr) {
        metrics_.set(Gauge::partitions, static_cast<int64_t>(shard_->partitions().size()));
        collect(shard_->counters(), all);
        collect(shard_->journal().counters(), all);
        collect(shard_->destager().counters(), all);
    }
    collect(metrics_, all);
    collect(reactor_.counters(), all);
    co_return all;
}

}  // namespace ringlog::broker

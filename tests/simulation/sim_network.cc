#include "tests/simulation/sim_network.h"

#include <fmt/format.h>

#include <cerrno>
#include <charconv>

namespace ringlog::simulation {
namespace {

/// How long a host waits before it asks again for a connection that nobody answered.
constexpr int64_t kConnectRetryNs = kSecondNs;
constexpr HostId kNoHost = UINT32_MAX;

}  // namespace

SimNetwork::SimNetwork(const WorldTime& time, EventQueue& events, Trace& trace, uint64_t seed,
                       NetworkOptions options)
    : time_(time), events_(events), trace_(trace), random_(seed), options_(options) {}

HostId SimNetwork::add_host() {
    up_.insert(hosts_);
    return hosts_++;
}

std::string SimNetwork::ip_of(HostId host) {
    return fmt::format("10.0.{}.{}", host / 250, host % 250 + 1);
}

void SimNetwork::set_up(HostId host, bool up) {
    if (!up) {
        up_.erase(host);
        return;
    }
    up_.insert(host);
    for_each_connection([&](Connection& connection) {
        for (uint32_t side = 0; side < 2; ++side) {
            if (connection.sides[1 - side].host == host && connection.sides[side].stalled) {
                connection.sides[side].stalled = false;
                connection.move_later(side);
            }
        }
    });
}

void SimNetwork::process_ended(HostId host, bool power) {
    set_up(host, !power);
    std::vector<std::shared_ptr<ListenQueue>> queues;
    for (const auto& [key, queue] : listening_) {
        if (key.first == host) {
            queues.push_back(queue);
        }
    }
    for (const std::shared_ptr<ListenQueue>& queue : queues) {
        stop_listening(*queue);
    }
    for_each_connection([&](Connection& connection) {
        for (Connection::Side& side : connection.sides) {
            const std::shared_ptr<StreamEnd> end = side.end.lock();
            if (side.host == host && end && power) {
                end->vanish();
            } else if (side.host == host && end) {
                end->close();
            }
        }
    });
}

Result<std::shared_ptr<ListenQueue>> SimNetwork::listen(HostId host, const std::string& ip,
                                                        uint16_t port) {
    const bool loopback = ip == "127.0.0.1";
    if (!ip.empty() && !loopback && ip != "0.0.0.0" && ip != ip_of(host)) {
        return fail(Errc::io_failed, EADDRNOTAVAIL);
    }
    while (port == 0) {
        const uint16_t candidate = next_port_;
        next_port_ = candidate == 65'535 ? 40'000 : static_cast<uint16_t>(candidate + 1);
        port = listening_.contains({host, candidate}) ? 0 : candidate;
    }
    auto queue = std::make_shared<ListenQueue>(ListenQueue{
        .host = host, .port = port, .loopback = loopback, .waiting = {}, .on_change = {}});
    if (!listening_.emplace(std::pair(host, port), queue).second) {
        return fail(Errc::io_failed, EADDRINUSE);
    }
    return queue;
}

void SimNetwork::stop_listening(ListenQueue& queue) {
    queue.open = false;
    queue.on_change = nullptr;
    for (const std::shared_ptr<StreamEnd>& end : std::exchange(queue.waiting, {})) {
        if (is_up(queue.host)) {
            end->reset();
        } else {
            end->vanish();
        }
    }
    listening_.erase({queue.host, queue.port});
}

std::pair<HostId, uint16_t> SimNetwork::resolve(HostId from, const std::string& address) const {
    const size_t colon = address.rfind(':');
    uint16_t port = 0;
    if (colon == std::string::npos ||
        std::from_chars(address.data() + colon + 1, address.data() + address.size(), port).ec !=
            std::errc{}) {
        return {kNoHost, 0};
    }
    const std::string ip = address.substr(0, colon);
    if (ip == "127.0.0.1") {
        return {from, port};
    }
    for (HostId host = 0; host < hosts_; ++host) {
        if (ip_of(host) == ip) {
            return {host, port};
        }
    }
    return {kNoHost, port};
}

void SimNetwork::connect(HostId from, const std::string& address, LifeId life, Connected done) {
    const auto [to, port] = resolve(from, address);
    start_connecting({.from = from,
                      .to = to,
                      .port = port,
                      .loopback_too = to == from,
                      .life = life,
                      .done = std::move(done)});
}

void SimNetwork::connect_to(HostId from, HostId to, uint16_t port, LifeId life, Connected done) {
    start_connecting({.from = from,
                      .to = to,
                      .port = port,
                      .loopback_too = true,
                      .life = life,
                      .done = std::move(done)});
}

void SimNetwork::start_connecting(Attempt attempt) {
    attempt.give_up = now() + options_.give_up_ns;
    auto shared = std::make_shared<Attempt>(std::move(attempt));
    events_.at(draw_arrival(), shared->life, [this, shared] { try_connect(shared); });
}

void SimNetwork::try_connect(const std::shared_ptr<Attempt>& attempt) {
    const HostId to = attempt->to;
    if (to == kNoHost) {
        finish(attempt, fail(Errc::io_failed, EHOSTUNREACH));
        return;
    }
    const auto found = listening_.find({to, attempt->port});
    const bool reachable = !is_cut(attempt->from, to) && !is_cut(to, attempt->from) && is_up(to);
    const bool listens =
        found != listening_.end() && (!found->second->loopback || attempt->loopback_too);
    if (reachable && !listens) {
        finish(attempt, fail(Errc::io_failed, ECONNREFUSED));
    } else if (reachable && found->second->waiting.size() < options_.backlog) {
        establish(attempt, *found->second);
    } else if (now() >= attempt->give_up) {
        finish(attempt, fail(Errc::io_failed, ETIMEDOUT));
    } else {
        events_.at(now() + kConnectRetryNs, attempt->life,
                   [this, attempt] { try_connect(attempt); });
    }
}

void SimNetwork::establish(const std::shared_ptr<Attempt>& attempt, ListenQueue& queue) {
    const uint64_t capacity = 1024 + random_.below(options_.capacity_bytes);
    auto connection = std::make_shared<Connection>(*this, next_connection_++, capacity);
    const uint16_t from_port = static_cast<uint16_t>(10'000 + connection->number % 30'000);
    connection->sides[0].host = attempt->from;
    connection->sides[0].address = fmt::format("{}:{}", ip_of(attempt->from), from_port);
    connection->sides[1].host = queue.host;
    connection->sides[1].address = fmt::format("{}:{}", ip_of(attempt->to), attempt->port);
    auto near = std::make_shared<StreamEnd>(connection, 0);
    auto far = std::make_shared<StreamEnd>(connection, 1);
    connection->sides[0].end = near;
    connection->sides[1].end = far;
    connections_.emplace(connection->number, connection);
    record("connect", *connection, 0, 0, 0);
    queue.waiting.push_back(std::move(far));
    if (queue.on_change) {
        queue.on_change();
    }
    finish(attempt, std::move(near));
}

void SimNetwork::finish(const std::shared_ptr<Attempt>& attempt,
                        Result<std::shared_ptr<StreamEnd>> result) {
    events_.at(draw_arrival(), attempt->life,
               [attempt, result = std::move(result)] { attempt->done(result); });
}

void SimNetwork::cut(HostId from, HostId to) {
    cut_.emplace(from, to);
}

void SimNetwork::cut_both(HostId a, HostId b) {
    cut(a, b);
    cut(b, a);
}

void SimNetwork::heal(HostId from, HostId to) {
    cut_.erase({from, to});
    for_each_connection([&](Connection& connection) {
        for (uint32_t side = 0; side < 2; ++side) {
            Connection::Side& sender = connection.sides[side];
            if (sender.host == from && connection.sides[1 - side].host == to && sender.stalled) {
                sender.stalled = false;
                connection.move_later(side);
            }
        }
    });
}

void SimNetwork::heal_all() {
    for (const auto& [from, to] : std::set(cut_)) {
        heal(from, to);
    }
}

void SimNetwork::clog(HostId from, HostId to, int64_t duration_ns) {
    cut(from, to);
    at(now() + duration_ns, [this, from, to] { heal(from, to); });
}

void SimNetwork::reset_between(HostId a, HostId b) {
    for_each_connection([&](Connection& connection) {
        const HostId first = connection.sides[0].host;
        const HostId second = connection.sides[1].host;
        if ((first == a && second == b) || (first == b && second == a)) {
            connection.break_both(ECONNRESET);
        }
    });
}

MonotonicNs SimNetwork::draw_arrival() {
    return now() + options_.latency_ns +
           static_cast<int64_t>(random_.below(static_cast<uint64_t>(options_.jitter_ns)));
}

void SimNetwork::record(std::string_view what, const Connection& connection, uint32_t side,
                        uint64_t length, uint64_t content) {
    trace_.add(now(), {.what = what,
                       .node = connection.sides[side].host,
                       .position = connection.number,
                       .length = length,
                       .content = content});
}

void SimNetwork::for_each_connection(const std::function<void(Connection&)>& each) {
    std::vector<std::shared_ptr<Connection>> alive;
    for (auto it = connections_.begin(); it != connections_.end();) {
        if (std::shared_ptr<Connection> connection = it->second.lock()) {
            alive.push_back(std::move(connection));
            ++it;
        } else {
            it = connections_.erase(it);
        }
    }
    for (const std::shared_ptr<Connection>& connection : alive) {
        each(*connection);
    }
}

}  // namespace ringlog::simulation

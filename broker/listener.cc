// Binding, accepting, handing over. See broker/listener.h.
#include "broker/listener.h"

#include <fmt/format.h>

#include <cerrno>

#include "broker/broker.h"
#include "io/mesh.h"

namespace ringlog::broker {

namespace {

constexpr int64_t kFullLogNs = 10 * kSecondNs;

cluster::StartFailure bind_failure(const Listener& listener, const Error& error) {
    const std::string address = fmt::format("{}:{}", listener.host, listener.port);
    if (error.os_errno == EADDRINUSE) {
        return {error,
                fmt::format("listener {}: {} is in use by another program; stop it, or choose "
                            "another port in `listeners`",
                            listener.name, address)};
    }
    if (error.os_errno == EADDRNOTAVAIL) {
        return {error, fmt::format("listener {}: {} is not an address of this machine; `listeners` "
                                   "names local addresses, `advertised.listeners` what clients use",
                                   listener.name, address)};
    }
    return {error, fmt::format("listener {}: cannot listen on {}: {}", listener.name, address,
                               describe(error))};
}

/// The rings of a killed predecessor hold its listening sockets for some milliseconds after it is
/// gone.
constexpr int64_t kBindPatienceNs = kSecondNs;
constexpr int64_t kBindRetryNs = 10 * kMillisecondNs;

}  // namespace

Listeners::Listeners(Broker& broker, io::Reactor& reactor)
    : broker_(broker), reactor_(reactor), full_limit_(kFullLogNs) {}

Listeners::~Listeners() = default;

io::Task<std::expected<void, cluster::StartFailure>> Listeners::bind(
    const std::vector<Listener>& listeners) {
    const MonotonicNs give_up = reactor_.exact_now() + kBindPatienceNs;
    for (const Listener& listener : listeners) {
        auto descriptor = reactor_.network().listen(listener.host, listener.port);
        while (!descriptor && descriptor.error().os_errno == EADDRINUSE &&
               reactor_.exact_now() < give_up) {
            co_await reactor_.sleep_for(kBindRetryNs);
            descriptor = reactor_.network().listen(listener.host, listener.port);
        }
        if (!descriptor) {
            co_return std::unexpected(bind_failure(listener, descriptor.error()));
        }
        const auto port = reactor_.network().local_port(*descriptor);
        bound_.push_back(
            {.descriptor = *descriptor, .port = port.value_or(listener.port), .listener = nullptr});
    }
    co_return std::expected<void, cluster::StartFailure>{};
}

std::vector<cluster::Endpoint> Listeners::endpoints(const std::vector<Listener>& listeners) const {
    std::vector<cluster::Endpoint> all;
    for (size_t i = 0; i < listeners.size(); ++i) {
        const Listener& listener = listeners[i];
        all.push_back(
            {.listener = listener.name,
             .security_protocol = listener.protocol,
             .host = listener.advertised_host,
             .port = listener.advertised_port != 0 ? listener.advertised_port : bound_[i].port});
    }
    return all;
}

Result<void> Listeners::accept() {
    const auto index_end = static_cast<uint16_t>(bound_.size());
    for (uint16_t index = 0; index < index_end; ++index) {
        auto started = io::Listener::start(
            reactor_, std::exchange(bound_[index].descriptor, -1),
            [this, index](int32_t descriptor) { on_accept(descriptor, index); });
        if (!started) {
            return fail(started.error());
        }
        bound_[index].listener = std::move(*started);
    }
    return {};
}

void Listeners::on_accept(int32_t descriptor, uint16_t index) {
    uint64_t total = 0;
    uint16_t core = 0;
    uint32_t fewest = UINT32_MAX;
    for (uint16_t i = 0; i < broker_.core_count(); ++i) {
        const uint32_t count = broker_.core(i).connection_count.load(std::memory_order_relaxed);
        total += count;
        if (count < fewest) {
            fewest = count;
            core = i;
        }
    }
    if (total >= broker_.config().connections_max) {
        if (full_limit_.allow(reactor_.now())) {
            log_warn("broker",
                     "a connection is refused: there are {} already, as max.connections "
                     "allows ({} such lines left out)",
                     total, full_limit_.suppressed());
        }
        reactor_.network().close(descriptor);
        return;
    }
    broker_.core(core).connection_count.fetch_add(1, std::memory_order_relaxed);
    tasks_.spawn(hand_over(descriptor, index, core));
}

io::Task<void> Listeners::hand_over(int32_t descriptor, uint16_t index, uint16_t core) {
    BrokerCore* const target = &broker_.core(core);
    (void)co_await io::call_on(reactor_, io::CoreId(core),
                               [=](io::Reactor&) { return target->adopt(descriptor, index); });
}

io::Task<void> Listeners::close() {
    for (Bound& bound : bound_) {
        if (bound.descriptor >= 0) {
            reactor_.network().close(std::exchange(bound.descriptor, -1));
        }
        if (bound.listener != nullptr) {
            co_await bound.listener->close();
            bound.listener.reset();
        }
    }
    co_await tasks_.close();
}

}  // namespace ringlog::broker

// What tests with sockets share: collectors of bytes, acceptors, connected pairs.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "io/socket.h"
#include "tests/support/io_suite.h"

namespace ringlog::io::suite {

/// Keeps what a socket received.
class Collector : public Receiver {
public:
    explicit Collector(Reactor& reactor) : reactor_(reactor), changed_(reactor) {}
    void on_bytes(ByteView bytes) override {
        received_.insert(received_.end(), bytes.begin(), bytes.end());
        changed_.notify_all();
    }
    void on_end(Error error) override {
        EXPECT_FALSE(ended_);
        ended_ = true;
        error_ = error;
        changed_.notify_all();
    }
    /// False if they have not come in time.
    Task<bool> wait_for_bytes(size_t count) {
        const MonotonicNs deadline = reactor_.now() + kPatienceNs;
        while (received_.size() < count && !ended_ && reactor_.now() < deadline) {
            co_await changed_.wait_until(deadline);
        }
        co_return received_.size() >= count;
    }
    Task<bool> wait_for_end() {
        const MonotonicNs deadline = reactor_.now() + kPatienceNs;
        while (!ended_ && reactor_.now() < deadline) {
            co_await changed_.wait_until(deadline);
        }
        co_return ended_;
    }
    [[nodiscard]] const std::vector<std::byte>& received() const { return received_; }
    [[nodiscard]] bool ended() const { return ended_; }
    [[nodiscard]] Error error() const { return error_; }

private:
    Reactor& reactor_;
    Event changed_;
    std::vector<std::byte> received_;
    bool ended_ = false;
    Error error_{Errc::io_failed};
};

/// A listener that keeps what it accepted.
class Acceptor {
public:
    explicit Acceptor(Reactor& reactor) : reactor_(reactor), changed_(reactor) {}

    void start(const std::string& host) {
        const auto descriptor = reactor_.network().listen(host, 0);
        RL_ASSERT(descriptor.has_value(), "{}", describe(descriptor.error()));
        const uint16_t port = reactor_.network().local_port(*descriptor).value();
        address_ = host + ":" + std::to_string(port);
        listener_ = Listener::start(reactor_, *descriptor, [this](int32_t accepted) {
                        accepted_.push_back(accepted);
                        changed_.notify_all();
                    }).value();
    }
    /// The next accepted descriptor.
    Task<int32_t> next() {
        const MonotonicNs deadline = reactor_.now() + kPatienceNs;
        while (accepted_.empty()) {
            const bool notified = co_await changed_.wait_until(deadline);
            RL_ASSERT(notified, "no connection was accepted in time");
        }
        const int32_t descriptor = accepted_.front();
        accepted_.erase(accepted_.begin());
        co_return descriptor;
    }
    [[nodiscard]] const std::string& address() const { return address_; }
    Task<void> close() {
        co_await listener_->close();
        listener_.reset();
    }

private:
    Reactor& reactor_;
    Event changed_;
    std::string address_;
    std::unique_ptr<Listener> listener_;
    std::vector<int32_t> accepted_;
};

using SocketPointer = std::unique_ptr<Socket>;

inline Task<SocketPointer> connect_to(Reactor& reactor, std::string address) {
    auto socket = co_await connect_socket(reactor, address, reactor.now() + kPatienceNs);
    RL_ASSERT(socket.has_value(), "{}", describe(socket.error()));
    co_return std::move(*socket);
}

struct Pair {
    SocketPointer client;
    SocketPointer server;
};

inline Task<Pair> connected_pair(Reactor& reactor, std::string host) {
    Acceptor acceptor(reactor);
    acceptor.start(host);
    Pair pair;
    pair.client = co_await connect_to(reactor, acceptor.address());
    const int32_t accepted = co_await acceptor.next();
    pair.server = Socket::attach(reactor, accepted).value();
    co_await acceptor.close();
    co_return std::move(pair);
}

inline Task<void> close_pair(Pair& pair) {
    co_await pair.client->close();
    co_await pair.server->close();
}

inline Task<Result<void>> send_bytes(Socket& socket, ByteView bytes) {
    iovec part{.iov_base = const_cast<std::byte*>(bytes.data()), .iov_len = bytes.size()};
    const auto outcome = co_await socket.send(std::span(&part, 1));
    co_return outcome;
}

/// Gives what was sent before the time to arrive: returns when bytes have gone over a connection
/// that was made after it, there and back.
inline Task<void> let_bytes_arrive(Reactor& reactor, std::string host) {
    Pair pair = co_await connected_pair(reactor, host);
    for (Socket* from : {pair.client.get(), pair.server.get()}) {
        Socket& to = from == pair.client.get() ? *pair.server : *pair.client;
        Collector collector(reactor);
        to.start_receiving(collector);
        const auto sent = co_await send_bytes(*from, as_bytes("x"));
        EXPECT_TRUE(sent.has_value());
        const bool arrived = co_await collector.wait_for_bytes(1);
        EXPECT_TRUE(arrived);
        co_await to.pause();
    }
    co_await close_pair(pair);
}

}  // namespace ringlog::io::suite

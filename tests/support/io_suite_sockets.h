// The part of the suite of the seam that is about sockets. See tests/support/io_suite.h.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "io/mesh.h"
#include "io/socket.h"
#include "tests/support/io_suite.h"
#include "tests/support/socket_helpers.h"

namespace ringlog::io::suite {

/// Sends back what arrives, as much per turn as has arrived.
class Echo : public Receiver {
public:
    Echo(Reactor& reactor, Socket& socket) : socket_(socket), changed_(reactor) {}
    void on_bytes(ByteView bytes) override {
        pending_.insert(pending_.end(), bytes.begin(), bytes.end());
        changed_.notify_all();
    }
    void on_end(Error) override {
        ended_ = true;
        changed_.notify_all();
    }
    Task<void> serve() {
        while (!ended_ || !pending_.empty()) {
            if (pending_.empty()) {
                co_await changed_.wait();
                continue;
            }
            const std::vector<std::byte> batch = std::exchange(pending_, {});
            const auto sent = co_await send_bytes(socket_, batch);
            if (!sent) {
                break;
            }
        }
    }

private:
    Socket& socket_;
    Event changed_;
    std::vector<std::byte> pending_;
    bool ended_ = false;
};

inline Task<void> echo_of_random_sizes(Reactor& reactor, std::string host) {
    Pair pair = co_await connected_pair(reactor, host);
    EXPECT_FALSE(pair.client->peer().empty());
    Echo echo(reactor, *pair.server);
    TaskGroup tasks;
    pair.server->start_receiving(echo);
    tasks.spawn(echo.serve());
    Collector collector(reactor);
    pair.client->start_receiving(collector);
    Random random(11);
    AlignedBuffer data(300 * 1024);
    data.fill(5);
    std::vector<std::byte> expected;
    for (int i = 0; i < 60; ++i) {
        const size_t size = 1 + random.below(random.chance(1, 4) ? 300 * 1024 : 2000);
        const ByteView piece = data.bytes().first(size);
        expected.insert(expected.end(), piece.begin(), piece.end());
        const auto sent = co_await send_bytes(*pair.client, piece);
        EXPECT_TRUE(sent.has_value());
        for (uint64_t turns = random.chance(1, 3) ? random.below(100) : 0; turns > 0; --turns) {
            co_await reactor.yield();
        }
        if (random.chance(1, 2)) {
            const bool all = co_await collector.wait_for_bytes(expected.size());
            EXPECT_TRUE(all);
        }
    }
    const bool all = co_await collector.wait_for_bytes(expected.size());
    EXPECT_TRUE(all);
    EXPECT_TRUE(same_bytes(collector.received(), expected));
    co_await pair.client->close();
    co_await tasks.close();
    co_await pair.server->close();
}

/// Several parts, some of them empty, much more than a socket buffers, while the other end pauses
/// now and then.
inline Task<void> large_send(Reactor& reactor, std::string host) {
    constexpr size_t kPartBytes = 6 * 1024 * 1024;
    Pair pair = co_await connected_pair(reactor, host);
    AlignedBuffer first(kPartBytes);
    AlignedBuffer second(kPartBytes);
    first.fill(1);
    second.fill(2);
    Collector collector(reactor);
    TaskGroup tasks;
    Result<void> outcome = fail(Errc::cancelled);
    std::vector<iovec> parts = {{first.bytes().data(), 0},  {first.bytes().data(), kPartBytes},
                                {second.bytes().data(), 0}, {second.bytes().data(), kPartBytes},
                                {first.bytes().data(), 1},  {first.bytes().data(), 0}};
    const auto send_all = [](Socket& socket, std::vector<iovec>& all,
                             Result<void>& result) -> Task<void> {
        result = co_await socket.send(all);
    };
    tasks.spawn(send_all(*pair.client, parts, outcome));
    pair.server->start_receiving(collector);
    for (size_t mark = kPartBytes / 2; mark < 2 * kPartBytes; mark += kPartBytes / 2) {
        const bool arrived = co_await collector.wait_for_bytes(mark);
        EXPECT_TRUE(arrived);
        co_await pair.server->pause();
        co_await let_bytes_arrive(reactor, host);
        pair.server->start_receiving(collector);
    }
    const bool all = co_await collector.wait_for_bytes(2 * kPartBytes + 1);
    EXPECT_TRUE(all);
    co_await tasks.close();
    EXPECT_TRUE(outcome.has_value());
    const ByteView received(collector.received());
    EXPECT_EQ(received.size(), 2 * kPartBytes + 1);
    EXPECT_TRUE(same_bytes(received.first(kPartBytes), first.bytes()));
    EXPECT_TRUE(same_bytes(received.subspan(kPartBytes, kPartBytes), second.bytes()));
    co_await close_pair(pair);
}

inline Task<void> blocked_send(Socket& socket, ByteView bytes, Result<void>& outcome) {
    outcome = co_await send_bytes(socket, bytes);
}

inline Task<void> shutdown_ends_what_waits(Reactor& reactor, std::string host) {
    Pair pair = co_await connected_pair(reactor, host);
    AlignedBuffer data(64 * 1024 * 1024);
    TaskGroup tasks;
    Result<void> outcome;
    Collector collector(reactor);
    pair.client->start_receiving(collector);
    tasks.spawn(blocked_send(*pair.client, data.bytes(), outcome));
    // It is under way when its first bytes are there. Then nobody reads: it ends in the middle.
    Collector begun(reactor);
    pair.server->start_receiving(begun);
    const bool under_way = co_await begun.wait_for_bytes(1);
    EXPECT_TRUE(under_way);
    co_await pair.server->pause();
    EXPECT_LT(begun.received().size(), data.bytes().size());
    EXPECT_EQ(tasks.running(), 1U);
    pair.client->shutdown();
    co_await tasks.close();
    EXPECT_FALSE(outcome.has_value());
    EXPECT_EQ(outcome.error().code, Errc::closed);
    const bool ended = co_await collector.wait_for_end();
    EXPECT_TRUE(ended);
    EXPECT_FALSE(pair.client->receiving());
    const auto after = co_await send_bytes(*pair.client, data.bytes().first(1));
    EXPECT_EQ(after.error().code, Errc::closed);
    co_await close_pair(pair);
}

inline Task<void> close_ends_the_other_side(Reactor& reactor, std::string host) {
    Pair pair = co_await connected_pair(reactor, host);
    Collector collector(reactor);
    pair.server->start_receiving(collector);
    const auto sent = co_await send_bytes(*pair.client, as_bytes("last words"));
    EXPECT_TRUE(sent.has_value());
    co_await pair.client->close();
    const bool ended = co_await collector.wait_for_end();
    EXPECT_TRUE(ended);
    EXPECT_EQ(collector.error(), Error{Errc::closed});
    EXPECT_EQ(as_text(collector.received()), "last words");
    co_await pair.server->close();
}

inline Task<void> pause_leaves_the_rest(Reactor& reactor, std::string host) {
    Pair pair = co_await connected_pair(reactor, host);
    Collector before(reactor);
    pair.server->start_receiving(before);
    const auto first = co_await send_bytes(*pair.client, as_bytes("one"));
    EXPECT_TRUE(first.has_value());
    const bool arrived = co_await before.wait_for_bytes(3);
    EXPECT_TRUE(arrived);
    co_await pair.server->pause();
    EXPECT_FALSE(pair.server->receiving());
    const auto second = co_await send_bytes(*pair.client, as_bytes("two"));
    EXPECT_TRUE(second.has_value());
    co_await let_bytes_arrive(reactor, host);
    Collector behind(reactor);
    pair.server->start_receiving(behind);
    const bool rest = co_await behind.wait_for_bytes(3);
    EXPECT_TRUE(rest);
    EXPECT_EQ(as_text(before.received()), "one");
    EXPECT_EQ(as_text(behind.received()), "two");
    co_await close_pair(pair);
    EXPECT_TRUE(behind.ended());
    EXPECT_FALSE(before.ended());
}

/// The end of the stream waits for the next start_receiving, as bytes do.
inline Task<void> the_end_waits(Reactor& reactor, std::string host) {
    Pair pair = co_await connected_pair(reactor, host);
    Collector first(reactor);
    pair.server->start_receiving(first);
    const auto sent = co_await send_bytes(*pair.client, as_bytes("x"));
    EXPECT_TRUE(sent.has_value());
    const bool arrived = co_await first.wait_for_bytes(1);
    EXPECT_TRUE(arrived);
    co_await pair.server->pause();
    co_await pair.server->pause();  // Once more does nothing.
    co_await pair.client->close();
    co_await let_bytes_arrive(reactor, host);
    EXPECT_FALSE(first.ended());
    Collector second(reactor);
    pair.server->start_receiving(second);
    const bool ended = co_await second.wait_for_end();
    EXPECT_TRUE(ended);
    EXPECT_TRUE(second.received().empty());
    EXPECT_FALSE(first.ended());
    co_await pair.server->close();
}

inline Task<void> many_clients(Reactor& reactor, std::string host) {
    constexpr size_t kClients = 40;
    Acceptor acceptor(reactor);
    acceptor.start(host);
    std::vector<SocketPointer> sockets;
    for (size_t i = 0; i < kClients; ++i) {
        sockets.push_back(co_await connect_to(reactor, acceptor.address()));
    }
    for (size_t i = 0; i < kClients; ++i) {
        const int32_t accepted = co_await acceptor.next();
        sockets.push_back(Socket::attach(reactor, accepted).value());
    }
    co_await acceptor.close();
    for (const SocketPointer& socket : sockets) {
        co_await socket->close();
    }
}

inline Task<void> refused(Reactor& reactor, std::string host) {
    const auto listening = reactor.network().listen(host, 0);
    const uint16_t port = reactor.network().local_port(*listening).value();
    const auto second = reactor.network().listen(host, port);
    EXPECT_EQ(second.error().os_errno, EADDRINUSE);
    reactor.network().close(*listening);
    const std::string address = host + ":" + std::to_string(port);
    const auto nobody = co_await connect_socket(reactor, address, reactor.now() + kPatienceNs);
    EXPECT_EQ(nobody.error().os_errno, ECONNREFUSED);
    const auto nonsense = co_await connect_socket(reactor, "nonsense", INT64_MAX);
    EXPECT_EQ(nonsense.error().code, Errc::invalid_argument);
}

inline Task<Result<bool>> echo_once(Reactor& there, int32_t descriptor) {
    SocketPointer socket = Socket::attach(there, descriptor).value();
    Collector collector(there);
    socket->start_receiving(collector);
    const bool arrived = co_await collector.wait_for_bytes(5);
    const auto sent = co_await send_bytes(*socket, collector.received());
    co_await socket->close();
    co_return arrived&& sent.has_value();
}

/// A connection moves to another core in the middle of its stream.
inline Task<void> hand_over(Reactor& reactor, std::string host) {
    Pair pair = co_await connected_pair(reactor, host);
    Collector at_server(reactor);
    Collector at_client(reactor);
    pair.server->start_receiving(at_server);
    pair.client->start_receiving(at_client);
    const auto first = co_await send_bytes(*pair.client, as_bytes("here"));
    EXPECT_TRUE(first.has_value());
    const bool arrived = co_await at_server.wait_for_bytes(4);
    EXPECT_TRUE(arrived);
    co_await pair.server->pause();
    const auto second = co_await send_bytes(*pair.client, as_bytes("there"));
    EXPECT_TRUE(second.has_value());
    const int32_t descriptor = pair.server->release();
    const auto echoed = co_await call_on(
        reactor, CoreId(1), [descriptor](Reactor& there) { return echo_once(there, descriptor); });
    EXPECT_TRUE(*echoed);
    const bool back = co_await at_client.wait_for_bytes(5);
    EXPECT_TRUE(back);
    EXPECT_EQ(as_text(at_client.received()), "there");
    co_await pair.client->close();
}

template <typename Fixture>
class IoSockets : public testing::Test {
protected:
    static void run(Task<void> (*body)(Reactor&, std::string), uint16_t cores = 1) {
        Fixture fixture(cores);
        const std::string host = fixture.host();
        fixture.run([body, &host](Reactor& reactor) { return body(reactor, host); });
    }
};
TYPED_TEST_SUITE_P(IoSockets);

TYPED_TEST_P(IoSockets, WhatIsSentComesBackWhateverItsSize) {
    this->run(&echo_of_random_sizes);
}
TYPED_TEST_P(IoSockets, ASendLargerThanTheBuffersArrivesInOrder) {
    this->run(&large_send);
}
TYPED_TEST_P(IoSockets, ShutdownEndsASendAndAReceive) {
    this->run(&shutdown_ends_what_waits);
}
TYPED_TEST_P(IoSockets, CloseIsTheEndOfTheOtherSide) {
    this->run(&close_ends_the_other_side);
}
TYPED_TEST_P(IoSockets, PauseLeavesTheRestInTheKernel) {
    this->run(&pause_leaves_the_rest);
}
TYPED_TEST_P(IoSockets, TheEndWaitsForWhoeverReceivesNext) {
    this->run(&the_end_waits);
}
TYPED_TEST_P(IoSockets, ManyClientsAreAccepted) {
    this->run(&many_clients);
}
TYPED_TEST_P(IoSockets, APortInUseAndAPortOfNobodyAreErrors) {
    this->run(&refused);
}
TYPED_TEST_P(IoSockets, AConnectionMovesToAnotherCore) {
    this->run(&hand_over, 2);
}
REGISTER_TYPED_TEST_SUITE_P(IoSockets, WhatIsSentComesBackWhateverItsSize,
                            ASendLargerThanTheBuffersArrivesInOrder, ShutdownEndsASendAndAReceive,
                            CloseIsTheEndOfTheOtherSide, PauseLeavesTheRestInTheKernel,
                            TheEndWaitsForWhoeverReceivesNext, ManyClientsAreAccepted,
                            APortInUseAndAPortOfNobodyAreErrors, AConnectionMovesToAnotherCore);

}  // namespace ringlog::io::suite

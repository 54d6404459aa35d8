// What only real sockets do: a peer that resets, a connect that nobody answers.
#include "io/socket.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/support/kernel_fixture.h"
#include "tests/support/socket_helpers.h"

namespace ringlog::io {
namespace {

using suite::Collector;
using suite::Pair;
using suite::SocketPointer;

template <typename Fixture>
class KernelSocket : public testing::Test {};
using Fixtures = testing::Types<test::UringFixture, test::EpollFixture>;
TYPED_TEST_SUITE(KernelSocket, Fixtures);

Task<void> reset_by_peer(Reactor& reactor) {
    Pair pair = co_await suite::connected_pair(reactor, "127.0.0.1");
    Collector collector(reactor);
    pair.server->start_receiving(collector);
    const int client = pair.client->release();
    const linger at_once{.l_onoff = 1, .l_linger = 0};
    setsockopt(client, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
    close(client);
    const bool ended = co_await collector.wait_for_end();
    EXPECT_TRUE(ended);
    EXPECT_EQ(collector.error(), (Error{Errc::io_failed, ECONNRESET}));
    const auto sent = co_await suite::send_bytes(*pair.server, as_bytes("too late"));
    EXPECT_FALSE(sent.has_value());
    EXPECT_EQ(sent.error().code, Errc::io_failed);
    co_await pair.server->close();
}

TYPED_TEST(KernelSocket, AResetIsAnErrorAndNotTheEndOfTheStream) {
    TypeParam fixture(1);
    fixture.run([](Reactor& reactor) { return reset_by_peer(reactor); });
}

/// A listener that accepts nobody drops what does not fit its queue: such a connect never ends by
/// itself.
Task<void> connect_past_a_full_queue(Reactor& reactor) {
    const int listening = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    bind(listening, reinterpret_cast<const sockaddr*>(&address), sizeof(address));
    listen(listening, 0);
    const uint16_t port = reactor.network().local_port(listening).value();
    const std::string name = "127.0.0.1:" + std::to_string(port);
    std::vector<SocketPointer> connected;
    bool timed_out = false;
    for (int i = 0; i < 8 && !timed_out; ++i) {
        const MonotonicNs deadline = reactor.now() + 50 * kMillisecondNs;
        auto socket = co_await connect_socket(reactor, name, deadline);
        if (socket) {
            connected.push_back(std::move(*socket));
        } else {
            timed_out = socket.error() == Error{Errc::timed_out};
        }
    }
    EXPECT_TRUE(timed_out);
    for (const SocketPointer& socket : connected) {
        co_await socket->close();
    }
    close(listening);
}

TYPED_TEST(KernelSocket, AConnectThatNobodyAnswersEndsAtItsDeadline) {
    TypeParam fixture(1);
    fixture.run([](Reactor& reactor) { return connect_past_a_full_queue(reactor); });
}

}  // namespace
}  // namespace ringlog::io

// The simulated network under real sockets: order, bounds, ends, breaks, cuts.
#include "tests/simulation/sim_network.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <string>

#include "io/socket.h"
#include "tests/simulation/sim_client.h"
#include "tests/simulation/sim_world.h"

namespace ringlog::simulation {
namespace {

using io::Task;

/// Sends back what it receives, one connection; or only collects.
class Echo final : public io::Receiver {
public:
    Echo(SimNode& node, std::unique_ptr<io::Socket> socket, bool answers)
        : socket_(std::move(socket)), changed_(node.reactor()), answers_(answers) {}

    void on_bytes(ByteView bytes) override {
        got.append(as_text(bytes));
        if (answers_) {
            unsent_.append(as_text(bytes));
        }
        changed_.notify_all();
    }
    void on_end(Error why) override {
        error = why;
        ended = true;
        changed_.notify_all();
    }
    io::Socket& socket() { return *socket_; }
    /// Receives so many bytes, then closes.
    Task<void> collect(size_t count) {
        socket_->start_receiving(*this);
        while (got.size() < count && !ended) {
            co_await changed_.wait();
        }
        co_await socket_->close();
        closed = true;
    }
    Task<void> serve() {
        socket_->start_receiving(*this);
        while (!ended || !unsent_.empty()) {
            if (unsent_.empty()) {
                co_await changed_.wait();
                continue;
            }
            std::string sending = std::exchange(unsent_, {});
            iovec part{.iov_base = sending.data(), .iov_len = sending.size()};
            auto sent = co_await socket_->send(std::span(&part, 1));
            if (!sent) {
                break;
            }
        }
        co_await socket_->close();
        closed = true;
    }

    std::string got;
    Error error{Errc::closed};
    bool ended = false;
    bool closed = false;

private:
    std::unique_ptr<io::Socket> socket_;
    io::Event changed_;
    bool answers_;
    std::string unsent_;
};

/// A node that listens and serves each connection by an Echo.
struct Server {
    explicit Server(SimNode& n, bool answers = true, const std::string& ip = "")
        : node(n), life(n.starts()) {
        const int32_t descriptor = *node.network().listen(ip, 0);
        port = *node.network().local_port(descriptor);
        auto started = io::Listener::start(node.reactor(), descriptor, [this, answers](int32_t d) {
            auto socket = io::Socket::attach(node.reactor(), d);
            echoes.push_back(&node.own(std::make_unique<Echo>(node, std::move(*socket), answers)));
            node.spawn(0, echoes.back()->serve());
        });
        listener = &node.own(std::move(*started));
    }
    ~Server() {
        if (node.up() && node.starts() == life) {
            node.run(0, listener->close());
        }
    }

    SimNode& node;
    uint64_t life;
    uint16_t port = 0;
    io::Listener* listener = nullptr;
    std::vector<Echo*> echoes;
};

std::string numbers(uint64_t count) {
    std::string text;
    for (uint64_t i = 0; i < count; ++i) {
        text += std::to_string(i) + ",";
    }
    return text;
}

TEST(SimNetwork, BytesArriveInOrderWhateverTheSegments) {
    for (uint64_t seed = 1; seed <= 20; ++seed) {
        SCOPED_TRACE(seed);
        SimWorld world(seed);
        Server server(world.add_node());
        SimClient client(world);
        client.connect(server.node, server.port);
        const std::string text = numbers(20'000);
        client.send(as_bytes(text));
        ASSERT_TRUE(world.run_until([&] { return client.received().size() >= text.size(); }));
        EXPECT_EQ(as_text(client.received()), text);
        client.end();
        ASSERT_TRUE(world.run_until([&] { return client.ended() && server.echoes[0]->closed; }));
        EXPECT_EQ(client.error(), 0);
        EXPECT_EQ(server.echoes[0]->error.code, Errc::closed);
    }
}

TEST(SimNetwork, NobodyListensNobodyAnswersNoSuchHost) {
    SimWorld world(1);
    SimNode& node = world.add_node();
    SimClient client(world);
    client.connect(node, 9092);
    ASSERT_TRUE(world.run_until([&] { return client.ended(); }));
    EXPECT_EQ(client.error(), ECONNREFUSED);
    world.network().cut_both(client.host(), node.host());
    client.connect(node, 9092);
    ASSERT_TRUE(world.run_until([&] { return client.ended(); }));
    EXPECT_EQ(client.error(), ETIMEDOUT);
    EXPECT_GT(world.now(), 19 * kSecondNs);
}

TEST(SimNetwork, TwoListenersOfOnePortAreRefusedUntilTheFirstIsClosed) {
    SimWorld world(1);
    SimNode& node = world.add_node();
    const int32_t first = *node.network().listen("127.0.0.1", 9092);
    EXPECT_EQ(node.network().listen("", 9092).error().os_errno, EADDRINUSE);
    EXPECT_EQ(node.network().listen("10.9.9.9", 9093).error().os_errno, EADDRNOTAVAIL);
    node.network().close(first);
    EXPECT_TRUE(node.network().listen("", 9092));
}

TEST(SimNetwork, AReaderThatStopsStopsTheSender) {
    SimWorld world(2);
    Server server(world.add_node());
    SimClient client(world);
    client.connect(server.node, server.port);
    client.set_reading(false);
    const std::string text = numbers(200'000);
    client.send(as_bytes(text));
    EXPECT_TRUE(world.run_until_idle());
    EXPECT_LT(client.received().size(), 1u);
    client.set_reading(true);
    ASSERT_TRUE(world.run_until([&] { return client.received().size() >= text.size(); }));
    client.end();
    ASSERT_TRUE(world.run_until([&] { return server.echoes[0]->closed; }));
}

TEST(SimNetwork, AResetReachesBothEnds) {
    SimWorld world(3);
    Server server(world.add_node());
    SimClient client(world);
    client.connect(server.node, server.port);
    client.send(as_bytes("hello"));
    ASSERT_TRUE(world.run_until([&] { return client.received().size() == 5; }));
    world.network().reset_between(client.host(), server.node.host());
    ASSERT_TRUE(world.run_until([&] { return server.echoes[0]->closed; }));
    EXPECT_EQ(client.error(), ECONNRESET);
    EXPECT_EQ(server.echoes[0]->error.os_errno, ECONNRESET);
}

TEST(SimNetwork, ACutDelaysAndLosesNothing) {
    SimWorld world(4);
    Server server(world.add_node());
    SimClient client(world);
    client.connect(server.node, server.port);
    ASSERT_TRUE(world.run_until([&] { return client.connected(); }));
    world.network().clog(server.node.host(), client.host(), kSecondNs);
    client.send(as_bytes("hello"));
    world.run_for(kSecondNs / 2);
    EXPECT_EQ(server.echoes.at(0)->got, "hello");  // the other direction is open
    EXPECT_TRUE(client.received().empty());
    ASSERT_TRUE(world.run_until([&] { return client.received().size() == 5; }));
    EXPECT_GT(world.now(), kSecondNs);
    client.end();
    ASSERT_TRUE(world.run_until([&] { return server.echoes[0]->closed; }));
}

TEST(SimNetwork, ASenderGivesUpOnACutThatLasts) {
    SimWorld world(5);
    Server server(world.add_node());
    SimClient client(world);
    client.connect(server.node, server.port);
    ASSERT_TRUE(world.run_until([&] { return !server.echoes.empty() && client.connected(); }));
    world.network().cut(client.host(), server.node.host());
    client.send(as_bytes("hello"));
    ASSERT_TRUE(world.run_until([&] { return client.ended(); }));
    EXPECT_EQ(client.error(), ETIMEDOUT);
    EXPECT_FALSE(server.echoes[0]->ended);  // it knows of nothing
    world.network().heal_all();
    server.node.crash(CrashKind::kill);
}

TEST(SimNetwork, AKilledServerEndsItsConnectionsAPowerLossDoesNotUntilItIsBack) {
    SimWorld world(6);
    SimNode& node = world.add_node();
    auto server = std::make_unique<Server>(node);
    SimClient client(world);
    client.connect(node, server->port);
    client.send(as_bytes("hello"));
    ASSERT_TRUE(world.run_until([&] { return client.received().size() == 5; }));
    node.crash(CrashKind::kill);
    ASSERT_TRUE(world.run_until([&] { return client.ended(); }));
    node.restart();

    server = std::make_unique<Server>(node);
    client.connect(node, server->port);
    client.send(as_bytes("hello"));
    ASSERT_TRUE(world.run_until([&] { return client.received().size() == 5; }));
    node.crash(CrashKind::power_loss);
    client.send(as_bytes("again"));
    world.run_for(kSecondNs);
    EXPECT_FALSE(client.ended());
    node.restart();
    ASSERT_TRUE(world.run_until([&] { return client.ended(); }));
    EXPECT_EQ(client.error(), ECONNRESET);
}

Task<Result<std::string>> ask(SimNode& from, std::string address, std::string text) {
    const MonotonicNs deadline = from.reactor().now() + 60 * kSecondNs;
    auto socket = co_await io::connect_socket(from.reactor(), std::move(address), deadline);
    if (!socket) {
        co_return fail(socket.error());
    }
    iovec part{.iov_base = text.data(), .iov_len = text.size()};
    Echo echo(from, std::move(*socket), false);
    auto sent = co_await echo.socket().send(std::span(&part, 1));
    if (!sent) {
        co_return fail(sent.error());
    }
    co_await echo.collect(text.size());
    co_return echo.got;
}

TEST(SimNetwork, NodesTalkToEachOtherByAddressAndLoopbackStaysAtHome) {
    SimWorld world(8);
    Server server(world.add_node(), true, "127.0.0.1");
    SimNode& other = world.add_node();
    const std::string port = std::to_string(server.port);
    auto answer = other.run(0, ask(other, server.node.ip() + ":" + port, "hello"));
    EXPECT_EQ(answer->error().os_errno, ECONNREFUSED);
    answer = server.node.run(0, ask(server.node, "127.0.0.1:" + port, "hello"));
    EXPECT_EQ(**answer, "hello");
    Server open(world.add_node());
    answer = other.run(0, ask(other, open.node.ip() + ":" + std::to_string(open.port), "hello"));
    EXPECT_EQ(**answer, "hello");
    ASSERT_TRUE(
        world.run_until([&] { return server.echoes.at(0)->closed && open.echoes.at(0)->closed; }));
}

TEST(SimNetwork, TwoRunsOfOneSeedAreTheSame) {
    const auto run = [](uint64_t seed) {
        SimWorld world(seed);
        Server server(world.add_node());
        SimClient client(world);
        client.connect(server.node, server.port);
        client.send(as_bytes(numbers(1'000)));
        world.run_until_idle();
        client.end();
        world.run_until_idle();
        return world.trace().hash();
    };
    EXPECT_EQ(run(1), run(1));
    EXPECT_NE(run(1), run(2));
}

}  // namespace
}  // namespace ringlog::simulation

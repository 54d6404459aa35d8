// A client of a simulated world that a test drives by hand: bytes in, bytes out, on a machine of
// its own. For clients that are programs of their own, add a node and use io::Socket on it. One
// thread.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <vector>

#include "base/bytes.h"
#include "tests/simulation/sim_network.h"

namespace ringlog::simulation {

class SimNode;
class SimWorld;

class SimClient {
public:
    /// On a new machine.
    explicit SimClient(SimWorld& world);
    SimClient(const SimClient&) = delete;
    SimClient& operator=(const SimClient&) = delete;
    ~SimClient();

    /// Starts to connect to a port of `node`; drops what it was connected to. Run the world to see
    /// it happen.
    void connect(const SimNode& node, uint16_t port);
    [[nodiscard]] bool connected() const { return state_->stream != nullptr; }
    /// 0, or why connecting failed or the connection broke.
    [[nodiscard]] int32_t error() const;
    /// The server has ended its stream, or the connection failed or broke.
    [[nodiscard]] bool ended() const;

    /// Queues `bytes`; they leave as the network takes them, after connecting too.
    void send(ByteView bytes);
    /// Bytes queued and not yet taken by the network.
    [[nodiscard]] size_t unsent() const { return state_->unsent.size(); }
    /// What has come and was not taken.
    [[nodiscard]] ByteView received() const { return state_->received; }
    /// Drops the first `count` bytes of received().
    void consume(size_t count);
    /// False: reads nothing until true again, as a slow client.
    void set_reading(bool reading);

    /// Ends the own stream after what was sent.
    void end();
    /// Closes in order, or breaks the connection.
    void close();
    void reset();

    [[nodiscard]] HostId host() const { return host_; }
    /// Called when it connected, bytes came, or the connection ended. Do nothing in it that could
    /// end a node or this client: it may run within a turn of a broker.
    void set_on_change(std::function<void()> on_change) { on_change_ = std::move(on_change); }

private:
    /// Outlives the client while an event refers to it.
    struct State {
        std::shared_ptr<StreamEnd> stream;
        std::deque<std::byte> unsent;
        std::vector<std::byte> received;
        int32_t error = 0;
        bool reading = true;
        bool end_wanted = false;
        std::function<void()> on_change;

        void pump();
        void notify() const {
            if (on_change) {
                on_change();
            }
        }
    };
    void drop();

    SimNetwork& network_;
    HostId host_;
    std::shared_ptr<State> state_;
    std::function<void()> on_change_;
};

}  // namespace ringlog::simulation

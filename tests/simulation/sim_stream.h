// One connection of the simulated network: two directions of bytes in order, each cut into segments
// that arrive later, and its two ends. One thread. Explained in tests/simulation/README.md.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/clock.h"

namespace ringlog::simulation {

/// A machine on the network: a node, or a client. It has an address of its own.
using HostId = uint32_t;

class SimNetwork;
class Connection;

/// What an application holds of a connection.
class StreamEnd {
public:
    StreamEnd(std::shared_ptr<Connection> connection, uint32_t side)
        : connection_(std::move(connection)), side_(side) {}

    /// Takes as many of `bytes` as there is room for; how many, 0 if full.
    uint64_t write(ByteView bytes);
    /// How many bytes write() would take now.
    [[nodiscard]] uint64_t room() const;
    /// Takes up to `limit` bytes that have arrived.
    std::vector<std::byte> read(uint64_t limit);
    [[nodiscard]] uint64_t readable() const;
    /// The other end has ended its stream and everything before that was read.
    [[nodiscard]] bool at_end() const;
    /// 0, or the errno that broke the connection: ECONNRESET, ETIMEDOUT, EPIPE after an own
    /// shutdown.
    [[nodiscard]] int32_t error() const;
    /// This end writes no more: it was shut down or closed.
    [[nodiscard]] bool ended() const;
    /// Something that the application would be woken for: bytes, the end, an error.
    [[nodiscard]] bool wants_read() const { return readable() > 0 || at_end() || error() != 0; }

    /// No more bytes from this end; the other reads the end after what is under way.
    void end_writing();
    /// Both directions: reads give the end at once.
    void shutdown();
    /// As a kernel closes a socket: the end of the stream, or a reset if bytes were not read.
    void close();
    /// Breaks the connection for both.
    void reset();
    /// The machine lost its power: the other end learns nothing.
    void vanish();

    [[nodiscard]] const std::string& peer() const;
    /// Called when reading or writing may have become possible.
    std::function<void()> on_change;

private:
    friend class Connection;

    std::shared_ptr<Connection> connection_;
    uint32_t side_;
};

/// Both directions. The network owns the pace; the ends own the connection.
class Connection : public std::enable_shared_from_this<Connection> {
public:
    struct Side {
        HostId host = 0;
        std::string address;
        std::weak_ptr<StreamEnd> end;
        // What this side sends.
        std::deque<std::byte> under_way;
        bool end_written = false;
        bool end_arrived = false;  ///< At the other side.
        bool moving = false;       ///< An event will move the next segment.
        bool stalled = false;      ///< The path is cut: nothing moves until it heals.
        uint64_t stall =
            0;  ///< Counts stalls, so that a time-out knows whether it is still the same one.
        MonotonicNs last_arrival = 0;
        // What has arrived for this side.
        std::deque<std::byte> arrived;
        bool reading_ended = false;
        bool closed = false;
        bool vanished = false;
        int32_t error = 0;
    };

    Connection(SimNetwork& network, uint64_t number, uint64_t capacity_bytes)
        : number(number), capacity_bytes(capacity_bytes), network_(network) {}

    void write(uint32_t from, ByteView bytes);
    void end_writing(uint32_t from);
    /// Makes sure that an event moves what `from` has sent.
    void move_later(uint32_t from);
    void notify(uint32_t side);
    /// Both ends break with `error`; what was under way is gone.
    void break_both(int32_t error);
    void break_side(uint32_t side, int32_t error);
    /// Room for what `from` sends: bounded by what the other end has not read.
    [[nodiscard]] uint64_t room(uint32_t from) const;

    const uint64_t number;
    const uint64_t capacity_bytes;
    Side sides[2];

private:
    void move_one(uint32_t from);
    void arrive(uint32_t from);
    void stall(uint32_t from);
    [[nodiscard]] bool has_something_under_way(uint32_t from) const;

    SimNetwork& network_;
};

}  // namespace ringlog::simulation

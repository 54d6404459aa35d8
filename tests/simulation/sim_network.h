// The network of a simulated world: hosts, listeners, connections, and what goes wrong on the paths
// between them. One thread. Explained in tests/simulation/README.md.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/random.h"
#include "tests/simulation/event_queue.h"
#include "tests/simulation/sim_clock.h"
#include "tests/simulation/sim_stream.h"
#include "tests/simulation/trace.h"

namespace ringlog::simulation {

struct NetworkOptions {
    int64_t latency_ns = 20'000;  ///< The least that a segment takes.
    int64_t jitter_ns = 200'000;  ///< Added: uniform below this.
    uint64_t capacity_bytes =
        64 * 1024;  ///< Sent and not read, per direction; drawn per connection up to this.
    uint64_t segment_bytes = 16 * 1024;   ///< The largest; the sizes are drawn.
    uint32_t backlog = 128;               ///< Connections that a listener has not accepted.
    int64_t give_up_ns = 20 * kSecondNs;  ///< After which a sender on a cut path gets ETIMEDOUT.
    uint32_t reset_per_million = 0;       ///< Of the segments: the connection breaks instead.
    uint32_t corrupt_per_million =
        0;  ///< Of the segments: one bit is another, unseen by checksums of the network.
};

/// A listening socket.
struct ListenQueue {
    HostId host = 0;
    uint16_t port = 0;
    bool loopback = false;  ///< Reached by its own host only.
    bool open = true;
    std::deque<std::shared_ptr<StreamEnd>> waiting;
    std::function<void()> on_change;
};

class SimNetwork {
public:
    using Connected = std::function<void(Result<std::shared_ptr<StreamEnd>>)>;

    SimNetwork(const WorldTime& time, EventQueue& events, Trace& trace, uint64_t seed,
               NetworkOptions options);

    // Hosts.
    HostId add_host();
    /// "10.0.0.1" of the first.
    static std::string ip_of(HostId host);
    /// A host that is down answers nothing; one that is up answers a reset to what it does not
    /// know.
    void set_up(HostId host, bool up);
    [[nodiscard]] bool is_up(HostId host) const { return up_.contains(host); }
    /// The process of `host` has ended: the kernel closes its sockets; with `power` gone, nobody
    /// tells the other ends.
    void process_ended(HostId host, bool power);

    // Connections. The life is whose events these are.
    Result<std::shared_ptr<ListenQueue>> listen(HostId host, const std::string& ip, uint16_t port);
    void stop_listening(ListenQueue& queue);
    /// To "ip:port" as `from` sees it. `done` is called later, with the end or ECONNREFUSED,
    /// ETIMEDOUT, EHOSTUNREACH.
    void connect(HostId from, const std::string& address, LifeId life, Connected done);
    /// To a port of a host, whatever address it listens on: for clients of a test.
    void connect_to(HostId from, HostId to, uint16_t port, LifeId life, Connected done);

    // Faults. Paths have a direction.
    /// Nothing passes from `from` to `to` until heal(). Nothing is lost: it arrives then, or the
    /// sender gives up.
    void cut(HostId from, HostId to);
    void cut_both(HostId a, HostId b);
    void heal(HostId from, HostId to);
    void heal_all();
    /// As cut(), ends by itself.
    void clog(HostId from, HostId to, int64_t duration_ns);
    /// Breaks every connection between two hosts.
    void reset_between(HostId a, HostId b);
    NetworkOptions& options() { return options_; }

    // What connections ask.
    [[nodiscard]] bool is_cut(HostId from, HostId to) const { return cut_.contains({from, to}); }
    [[nodiscard]] MonotonicNs now() const { return time_.now; }
    Random& random() { return random_; }
    void at(MonotonicNs time, std::function<void()> action) {
        events_.at(time, kNobody, std::move(action));
    }
    [[nodiscard]] MonotonicNs draw_arrival();
    void record(std::string_view what, const Connection& connection, uint32_t side, uint64_t length,
                uint64_t content);

private:
    struct Attempt {
        HostId from = 0;
        HostId to = 0;
        uint16_t port = 0;
        bool loopback_too = false;  ///< Reaches a listener of the loopback address as well.
        LifeId life = kNobody;
        Connected done;
        MonotonicNs give_up = 0;
    };
    void start_connecting(Attempt attempt);
    void try_connect(const std::shared_ptr<Attempt>& attempt);
    void establish(const std::shared_ptr<Attempt>& attempt, ListenQueue& queue);
    void finish(const std::shared_ptr<Attempt>& attempt, Result<std::shared_ptr<StreamEnd>> result);
    [[nodiscard]] std::pair<HostId, uint16_t> resolve(HostId from,
                                                      const std::string& address) const;
    void for_each_connection(const std::function<void(Connection&)>& each);

    const WorldTime& time_;
    EventQueue& events_;
    Trace& trace_;
    Random random_;
    NetworkOptions options_;
    HostId hosts_ = 0;
    std::set<HostId> up_;
    std::map<std::pair<HostId, uint16_t>, std::shared_ptr<ListenQueue>> listening_;
    std::set<std::pair<HostId, HostId>> cut_;
    uint64_t next_connection_ = 1;
    uint16_t next_port_ = 40'000;
    std::map<uint64_t, std::weak_ptr<Connection>> connections_;
};

}  // namespace ringlog::simulation

// A Kafka client of a simulated world: one connection at a time, requests under way, their answers
// and their time limits. Everything happens in events of the world, never within a broker's turn.
// One thread.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "kafka/message.h"
#include "tests/simulation/cluster/judge.h"
#include "tests/simulation/sim_client.h"
#include "tests/simulation/sim_world.h"

namespace ringlog::simulation {

class WireClient {
public:
    /// The frame of the answer; nothing if the connection ended before.
    using OnAnswer = std::function<void(std::optional<ByteView> frame)>;

    WireClient(SimWorld& world, Judge& judge, std::string name);
    WireClient(const WireClient&) = delete;
    WireClient& operator=(const WireClient&) = delete;
    ~WireClient();

    /// Begins a new connection; what was under way ends without answers.
    void connect(const SimNode& node, uint16_t port, std::function<void(bool connected)> done);
    /// Ends the connection, in order or with a reset; what was under way ends without answers.
    void disconnect(bool reset = false);
    [[nodiscard]] bool connected() const { return connected_; }
    [[nodiscard]] size_t under_way() const { return waiting_.size(); }
    /// Counts connections.
    [[nodiscard]] uint64_t epoch() const { return epoch_; }
    [[nodiscard]] HostId host() const { return client_.host(); }
    /// Called after a connection that had been there has ended.
    void set_on_lost(std::function<void()> on_lost) { on_lost_ = std::move(on_lost); }
    void set_reading(bool reading) { client_.set_reading(reading); }

    /// Sends a request whose answer is due in `timeout_ns`: beyond, the connection is given up.
    template <kafka::Message T>
    void request(const T& message, int16_t version, int64_t timeout_ns, OnAnswer on_answer) {
        kafka::Writer writer;
        kafka::encode_request(writer, ++correlation_, name_, message, version);
        client_.send(writer.bytes());
        expect(kafka::api_of<T::kApi>().name, timeout_ns, std::move(on_answer));
    }
    /// Sends a request that is never answered.
    template <kafka::Message T>
    void send_only(const T& message, int16_t version) {
        kafka::Writer writer;
        kafka::encode_request(writer, ++correlation_, name_, message, version);
        client_.send(writer.bytes());
    }

private:
    struct Waiting {
        int32_t correlation;
        std::string_view api;
        MonotonicNs sent;
        MonotonicNs deadline;
        OnAnswer on_answer;
    };
    /// What events refer to; gone when the client is.
    struct Alive {
        WireClient* client;
    };
    void expect(std::string_view api, int64_t timeout_ns, OnAnswer on_answer);
    void look_later();
    void look();
    bool take_answer();
    void end();
    void check_deadline(uint64_t epoch, int32_t correlation);

    SimWorld& world_;
    Judge& judge_;
    std::string name_;
    SimClient client_;
    std::shared_ptr<Alive> alive_;
    std::function<void(bool)> on_connected_;
    std::function<void()> on_lost_;
    std::deque<Waiting> waiting_;
    bool connected_ = false;
    bool look_planned_ = false;
    uint64_t epoch_ = 0;
    int32_t correlation_ = 0;
};

/// The body of an answer; a malformed one is a violation.
template <kafka::Message T>
std::optional<T> decode_answer(Judge& judge, ByteView frame, int16_t version) {
    auto answer = kafka::decode_response<T>(frame, version);
    if (!answer) {
        judge.violate(Invariant::never_wrong_bytes, "an answer that cannot be decoded");
        return std::nullopt;
    }
    return std::move(answer->message);
}

}  // namespace ringlog::simulation

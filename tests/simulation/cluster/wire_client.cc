#include "tests/simulation/cluster/wire_client.h"

#include <fmt/format.h>

namespace ringlog::simulation {

WireClient::WireClient(SimWorld& world, Judge& judge, std::string name)
    : world_(world),
      judge_(judge),
      name_(std::move(name)),
      client_(world),
      alive_(std::make_shared<Alive>(Alive{this})) {
    client_.set_on_change([this] { look_later(); });
}

WireClient::~WireClient() {
    alive_->client = nullptr;
}

void WireClient::connect(const SimNode& node, uint16_t port, std::function<void(bool)> done) {
    disconnect();
    ++epoch_;
    on_connected_ = std::move(done);
    client_.connect(node, port);
}

void WireClient::disconnect(bool reset) {
    if (reset) {
        client_.reset();
    }
    client_.close();
    connected_ = false;
    on_connected_ = nullptr;
    for (Waiting& waiting : std::exchange(waiting_, {})) {
        waiting.on_answer(std::nullopt);
    }
}

void WireClient::expect(std::string_view api, int64_t timeout_ns, OnAnswer on_answer) {
    waiting_.push_back({.correlation = correlation_,
                        .api = api,
                        .sent = world_.now(),
                        .deadline = world_.now() + timeout_ns,
                        .on_answer = std::move(on_answer)});
    world_.after(timeout_ns, [alive = alive_, epoch = epoch_, correlation = correlation_] {
        if (alive->client != nullptr) {
            alive->client->check_deadline(epoch, correlation);
        }
    });
}

void WireClient::check_deadline(uint64_t epoch, int32_t correlation) {
    if (epoch != epoch_ || waiting_.empty() || waiting_.front().correlation > correlation) {
        return;
    }
    const Waiting& late = waiting_.front();
    judge_.request_not_answered(client_.host(), late.api, late.sent);
    disconnect(true);
    if (on_lost_) {
        on_lost_();
    }
}

void WireClient::look_later() {
    if (!std::exchange(look_planned_, true)) {
        world_.after(0, [alive = alive_] {
            if (alive->client != nullptr) {
                alive->client->look_planned_ = false;
                alive->client->look();
            }
        });
    }
}

void WireClient::look() {
    if (!connected_ && client_.connected() && on_connected_) {
        connected_ = true;
        std::exchange(on_connected_, nullptr)(true);
    }
    while (take_answer()) {
    }
    if (client_.ended()) {
        end();
    }
}

bool WireClient::take_answer() {
    const ByteView bytes = client_.received();
    if (bytes.size() < 4) {
        return false;
    }
    const auto size = static_cast<size_t>(load_be<int32_t>(bytes.data()));
    if (bytes.size() < 4 + size) {
        return false;
    }
    const std::vector<std::byte> frame(bytes.begin() + 4,
                                       bytes.begin() + 4 + static_cast<ptrdiff_t>(size));
    client_.consume(4 + size);
    if (waiting_.empty() || size < 4 ||
        load_be<int32_t>(frame.data()) != waiting_.front().correlation) {
        judge_.violate(
            Invariant::answers_in_order,
            fmt::format("{} got an answer that is not that of its oldest request", name_));
        return false;
    }
    const Waiting waiting = std::move(waiting_.front());
    waiting_.pop_front();
    waiting.on_answer(ByteView(frame));
    return true;
}

void WireClient::end() {
    const bool was_connected = connected_;
    const auto refused = std::exchange(on_connected_, nullptr);
    disconnect();
    if (refused) {
        refused(false);
    } else if (was_connected && on_lost_) {
        on_lost_();
    }
}

}  // namespace ringlog::simulation

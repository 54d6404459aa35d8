#include "tests/simulation/sim_client.h"

#include <algorithm>
#include <utility>

#include "tests/simulation/sim_world.h"

namespace ringlog::simulation {

SimClient::SimClient(SimWorld& world)
    : network_(world.network()), host_(network_.add_host()), state_(std::make_shared<State>()) {}

SimClient::~SimClient() {
    drop();
}

void SimClient::drop() {
    if (state_->stream) {
        state_->stream->close();
    }
    state_ = std::make_shared<State>();
}

void SimClient::connect(const SimNode& node, uint16_t port) {
    drop();
    state_->on_change = on_change_;
    network_.connect_to(host_, node.host(), port, kNobody,
                        [weak = std::weak_ptr(state_)](Result<std::shared_ptr<StreamEnd>> result) {
                            const std::shared_ptr<State> state = weak.lock();
                            if (!state) {
                                if (result) {
                                    (*result)->close();
                                }
                                return;
                            }
                            if (!result) {
                                state->error = result.error().os_errno;
                                state->notify();
                                return;
                            }
                            state->stream = *result;
                            state->stream->on_change = [weak] {
                                if (const auto alive = weak.lock()) {
                                    alive->pump();
                                    alive->notify();
                                }
                            };
                            state->pump();
                            state->notify();
                        });
}

void SimClient::State::pump() {
    if (!stream) {
        return;
    }
    while (reading && stream->readable() > 0) {
        const std::vector<std::byte> bytes = stream->read(stream->readable());
        received.insert(received.end(), bytes.begin(), bytes.end());
    }
    const auto end =
        unsent.begin() + static_cast<ptrdiff_t>(std::min<uint64_t>(unsent.size(), stream->room()));
    const std::vector<std::byte> bytes(unsent.begin(), end);
    const uint64_t taken = stream->write(bytes);
    unsent.erase(unsent.begin(), unsent.begin() + static_cast<ptrdiff_t>(taken));
    if (end_wanted && unsent.empty()) {
        stream->end_writing();
    }
}

int32_t SimClient::error() const {
    return state_->stream ? state_->stream->error() : state_->error;
}

bool SimClient::ended() const {
    return error() != 0 || (state_->stream && state_->stream->at_end());
}

void SimClient::send(ByteView bytes) {
    state_->unsent.insert(state_->unsent.end(), bytes.begin(), bytes.end());
    state_->pump();
}

void SimClient::consume(size_t count) {
    std::vector<std::byte>& received = state_->received;
    received.erase(received.begin(), received.begin() + static_cast<ptrdiff_t>(count));
}

void SimClient::set_reading(bool reading) {
    state_->reading = reading;
    state_->pump();
}

void SimClient::end() {
    state_->end_wanted = true;
    state_->pump();
}

void SimClient::close() {
    drop();
}

void SimClient::reset() {
    if (state_->stream) {
        state_->stream->reset();
    }
}

}  // namespace ringlog::simulation

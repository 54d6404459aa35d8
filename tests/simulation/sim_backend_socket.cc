// The sockets of a simulated core. See tests/simulation/sim_backend.h.
#include <algorithm>
#include <cerrno>

#include "base/assert.h"
#include "tests/simulation/sim_backend.h"

namespace ringlog::simulation {
namespace {

/// The largest piece that one receive completion carries: the size of a shared receive buffer.
constexpr uint64_t kReceiveBytes = 16 * 1024;
/// A multishot operation ends by itself after about so many completions, as the kernel's may.
constexpr uint64_t kMultishotLife = 16;

}  // namespace

void SimBackend::issue_connect(io::Op& op) {
    const uint64_t id = next_flight_++;
    op.backend_data = id;
    flights_.emplace(id, Flight{.op = &op, .file = nullptr});
    network_.connect(host_, *op.address, life_,
                     [this, id](Result<std::shared_ptr<StreamEnd>> result) {
                         connected(id, std::move(result));
                     });
}

void SimBackend::connected(uint64_t id, Result<std::shared_ptr<StreamEnd>> result) {
    const auto found = flights_.find(id);
    if (found == flights_.end()) {  // cancelled meanwhile
        if (result) {
            (*result)->close();
        }
        return;
    }
    io::Op& op = *found->second.op;
    flights_.erase(found);
    if (!result) {
        finish(op, {.result = -result.error().os_errno});
        return;
    }
    slot(op.handle).socket->stream = *result;
    watch(op.handle);
    finish(op, {.result = 0});
}

void SimBackend::watch(io::Handle handle) {
    Slot& target = slot(handle);
    if (!target.socket) {
        return;
    }
    if (target.socket->stream) {
        target.socket->stream->on_change = [this, handle] { mark_ready(handle); };
    }
    if (target.socket->listening) {
        target.socket->listening->on_change = [this, handle] { mark_ready(handle); };
    }
}

void SimBackend::mark_ready(io::Handle handle) {
    if (std::ranges::find(ready_handles_, handle) == ready_handles_.end()) {
        ready_handles_.push_back(handle);
    }
}

uint32_t SimBackend::run_ready_handles() {
    std::vector<io::Handle> ready = std::exchange(ready_handles_, {});
    uint32_t count = 0;
    while (!ready.empty()) {
        std::swap(ready[random_.below(ready.size())], ready.back());
        const io::Handle handle = ready.back();
        ready.pop_back();
        if (slots_.contains(handle)) {
            count += run_socket(handle);
        }
    }
    return count;
}

uint32_t SimBackend::run_socket(io::Handle handle) {
    uint32_t count = run_accept(handle);
    if (slots_.contains(handle)) {
        count += run_receive(handle);
    }
    if (slots_.contains(handle)) {
        count += run_send(slot(handle));
    }
    return count;
}

bool SimBackend::goes_on(io::Op*& multishot) {
    const bool more = !random_.chance(1, kMultishotLife);
    if (!more) {
        multishot = nullptr;
    }
    return more;
}

uint32_t SimBackend::run_accept(io::Handle handle) {
    uint32_t count = 0;
    while (slots_.contains(handle)) {
        Slot& target = slot(handle);
        if (target.accept == nullptr || !target.socket->listening ||
            target.socket->listening->waiting.empty()) {
            break;
        }
        io::Op& op = *target.accept;
        auto socket = std::make_shared<OpenSocket>();
        socket->stream = std::move(target.socket->listening->waiting.front());
        target.socket->listening->waiting.pop_front();
        const int32_t descriptor = descriptors_.add(std::move(socket));
        const bool more = goes_on(target.accept);
        complete(op, {.result = descriptor, .more = more});
        ++count;
    }
    return count;
}

uint32_t SimBackend::run_receive(io::Handle handle) {
    Slot& target = slot(handle);
    if (target.receive == nullptr || !target.socket->stream) {
        return 0;
    }
    io::Op& op = *target.receive;
    StreamEnd& stream = *target.socket->stream;
    if (stream.readable() > 0) {
        const std::vector<std::byte> bytes =
            stream.read(1 + random_.below(std::min(kReceiveBytes, stream.readable())));
        if (stream.wants_read()) {
            mark_ready(handle);
        }
        const bool more = goes_on(target.receive);
        complete(op, {.result = static_cast<int32_t>(bytes.size()), .more = more, .bytes = bytes});
        return 1;
    }
    if (!stream.wants_read()) {
        return 0;
    }
    target.receive = nullptr;
    complete(op, {.result = stream.at_end() ? 0 : -stream.error()});
    return 1;
}

uint32_t SimBackend::run_send(Slot& target) {
    if (target.send == nullptr || !target.socket->stream) {
        return 0;
    }
    io::Op& op = *target.send;
    StreamEnd& stream = *target.socket->stream;
    int32_t result = -stream.error();
    if (result == 0 && stream.ended()) {
        result = -EPIPE;
    }
    if (result == 0) {
        uint64_t left = random_.chance(1, 2) ? UINT64_MAX : 1 + random_.below(stream.room());
        for (uint32_t i = 0; i < op.iov_count && left > 0; ++i) {
            const ByteView part(static_cast<const std::byte*>(op.iov[i].iov_base),
                                std::min<uint64_t>(op.iov[i].iov_len, left));
            const uint64_t taken = stream.write(part);
            result += static_cast<int32_t>(taken);
            left -= taken;
            if (taken < part.size()) {
                break;
            }
        }
        if (result == 0) {
            return 0;  // full: on_change comes when the other end has read
        }
    }
    target.send = nullptr;
    complete(op, {.result = result});
    return 1;
}

}  // namespace ringlog::simulation

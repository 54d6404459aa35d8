// What one socket does when it may go on: accept, receive, send, connect, each until the kernel has
// no more. See io/epoll_backend.h.
#include <sys/socket.h>

#include <cerrno>
#include <utility>

#include "base/assert.h"
#include "io/address.h"
#include "io/epoll_backend.h"

namespace ringlog::io {

namespace {

/// Turns of one socket before the others have theirs.
constexpr int kAcceptsPerTurn = 16;
constexpr int kReceivesPerTurn = 4;

}  // namespace

uint32_t EpollBackend::run_sockets() {
    running_.swap(ready_);
    uint32_t ran = 0;
    for (const Ready& item : running_) {
        ran += advance(item.handle, item.out);
    }
    running_.clear();
    return ran;
}

uint32_t EpollBackend::advance(Handle handle, bool out) {
    Entry& entry = entries_[static_cast<size_t>(handle)];
    Side& side = out ? entry.out : entry.in;
    side.queued = false;
    if (side.op == nullptr) {
        return 0;
    }
    if (side.cancelled) {
        finish(side, -ECANCELED);
        return 1;
    }
    switch (side.op->kind) {
        case Op::Kind::accept: return accept_some(handle);
        case Op::Kind::receive: return receive_some(handle);
        case Op::Kind::send: return send_some(handle);
        default: return connect_some(handle);
    }
}

void EpollBackend::finish(Side& side, int32_t result) {
    Op* op = std::exchange(side.op, nullptr);
    op->backend_data = 0;
    op->done(*op, Completion{.result = result});
}

uint32_t EpollBackend::accept_some(Handle handle) {
    Entry& entry = entry_of(handle);
    Side& side = entry.in;
    uint32_t ran = 0;
    for (int i = 0; i < kAcceptsPerTurn && !side.cancelled; ++i) {
        const int descriptor =
            accept4(entry.descriptor, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (descriptor < 0 && errno == EAGAIN) {
            return ran;
        }
        if (descriptor < 0) {
            finish(side, -errno);
            return ran + 1;
        }
        side.op->done(*side.op, Completion{.result = descriptor, .more = true});
        ++ran;
    }
    enqueue(handle, false);
    return ran;
}

uint32_t EpollBackend::receive_some(Handle handle) {
    Entry& entry = entry_of(handle);
    Side& side = entry.in;
    uint32_t ran = 0;
    for (int i = 0; i < kReceivesPerTurn && !side.cancelled; ++i) {
        const ssize_t count = recv(entry.descriptor, buffer_.get(), kReceiveBytes, 0);
        if (count < 0 && errno == EAGAIN) {
            return ran;
        }
        if (count <= 0) {
            finish(side, count < 0 ? -errno : 0);
            return ran + 1;
        }
        const ByteView bytes(buffer_.get(), static_cast<size_t>(count));
        side.op->done(
            *side.op,
            Completion{.result = static_cast<int32_t>(count), .more = true, .bytes = bytes});
        ++ran;
    }
    enqueue(handle, false);
    return ran;
}

uint32_t EpollBackend::send_some(Handle handle) {
    Entry& entry = entry_of(handle);
    const Op& op = *entry.out.op;
    msghdr message{};
    message.msg_iov = const_cast<iovec*>(op.iov);
    message.msg_iovlen = op.iov_count;
    const ssize_t count = sendmsg(entry.descriptor, &message, MSG_NOSIGNAL);
    if (count < 0 && errno == EAGAIN) {
        return 0;
    }
    finish(entry.out, count < 0 ? -errno : static_cast<int32_t>(count));
    return 1;
}

uint32_t EpollBackend::connect_some(Handle handle) {
    Entry& entry = entry_of(handle);
    Side& side = entry.out;
    if (!std::exchange(side.started, true)) {
        const auto address = parse_address(*side.op->address);
        if (!address) {
            finish(side, -EINVAL);
            return 1;
        }
        if (::connect(entry.descriptor, address->get(), address->length) == 0) {
            finish(side, 0);
            return 1;
        }
        if (errno != EINPROGRESS) {
            finish(side, -errno);
            return 1;
        }
        return 0;
    }
    int error = 0;
    socklen_t length = sizeof(error);
    getsockopt(entry.descriptor, SOL_SOCKET, SO_ERROR, &error, &length);
    sockaddr_storage peer{};
    socklen_t peer_length = sizeof(peer);
    if (error == 0 &&
        getpeername(entry.descriptor, reinterpret_cast<sockaddr*>(&peer), &peer_length) != 0) {
        return 0;  // Not there yet: the event was older than the connect.
    }
    finish(side, -error);
    return 1;
}

}  // namespace ringlog::io

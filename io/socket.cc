// Connected sockets. The listener is in listener.cc. See io/socket.h.
#include "io/socket.h"

#include <algorithm>
#include <cerrno>
#include <climits>
#include <utility>

namespace ringlog::io {

namespace {

/// The kernel takes no more parts in one call.
constexpr size_t kPartsPerSend = IOV_MAX;

/// Drops the first `count` bytes of `parts`, and every empty part that then stands first.
std::span<iovec> drop_sent(std::span<iovec> parts, size_t count) {
    while (!parts.empty() && count >= parts.front().iov_len) {
        count -= parts.front().iov_len;
        parts.front().iov_len = 0;
        parts = parts.subspan(1);
    }
    if (count > 0) {
        iovec& first = parts.front();
        first.iov_base = static_cast<std::byte*>(first.iov_base) + count;
        first.iov_len -= count;
    }
    return parts;
}

}  // namespace

class Socket::Inside {
public:
    explicit Inside(Socket& socket) : socket_(socket) { ++socket_.inside_; }
    Inside(const Inside&) = delete;
    Inside& operator=(const Inside&) = delete;
    ~Inside() {
        --socket_.inside_;
        socket_.idle_.notify_all();
    }

private:
    Socket& socket_;
};

struct Socket::SendAwaiter : Op {
    Reactor& reactor;
    std::coroutine_handle<> waiter;
    int32_t result = 0;

    SendAwaiter(Reactor& r, const Op& op) : Op(op), reactor(r) {}
    bool await_ready() const noexcept { return false; }
    void await_suspend(std::coroutine_handle<> awaiting) {
        waiter = awaiting;
        done = [](Op& op, const Completion& completion) {
            auto& self = static_cast<SendAwaiter&>(op);
            self.result = completion.result;
            self.reactor.schedule(self.waiter);
        };
        reactor.backend().submit(*this);
    }
    [[nodiscard]] int32_t await_resume() const noexcept { return result; }
};

Result<std::unique_ptr<Socket>> Socket::attach(Reactor& reactor, int32_t descriptor) {
    std::string peer = reactor.network().peer_address(descriptor);
    auto handle = reactor.backend().attach(descriptor);
    if (!handle) {
        reactor.network().close(descriptor);
        return fail(handle.error());
    }
    return std::unique_ptr<Socket>(new Socket(reactor, *handle, descriptor, std::move(peer)));
}

Socket::Socket(Reactor& reactor, Handle handle, int32_t descriptor, std::string peer)
    : reactor_(reactor),
      handle_(handle),
      descriptor_(descriptor),
      peer_(std::move(peer)),
      idle_(reactor) {
    receive_op_.socket = this;
    receive_op_.kind = Op::Kind::receive;
    receive_op_.handle = handle;
    receive_op_.done = &Socket::on_received;
}

Socket::~Socket() {
    RL_ASSERT(handle_ < 0 && inside_ == 0 && !receive_in_flight_, "socket of {} is not closed",
              peer_);
}

void Socket::start_receiving(Receiver& receiver) {
    RL_ASSERT(handle_ >= 0 && !receiving_ && !receive_in_flight_);
    receiver_ = &receiver;
    receiving_ = true;
    arm_receive();
}

void Socket::arm_receive() {
    receive_in_flight_ = true;
    reactor_.backend().submit(receive_op_);
}

void Socket::on_received(Op& op, const Completion& completion) {
    Socket& self = *static_cast<ReceiveOp&>(op).socket;
    if (completion.result > 0) {
        self.receiver_->on_bytes(completion.bytes);
    }
    if (completion.more) {
        return;
    }
    self.receive_in_flight_ = false;
    if (completion.result > 0 && self.receiving_) {
        self.arm_receive();
        return;
    }
    self.idle_.notify_all();
    if (std::exchange(self.receiving_, false)) {
        const bool ended = completion.result == 0 || completion.result == -ECANCELED;
        self.receiver_->on_end(ended ? Error{Errc::closed}
                                     : Error{Errc::io_failed, -completion.result});
    }
}

Task<void> Socket::pause() {
    const Inside inside(*this);
    receiving_ = false;
    if (receive_in_flight_) {
        reactor_.backend().cancel(receive_op_);
    }
    while (receive_in_flight_) {
        co_await idle_.wait();
    }
}

Task<Result<void>> Socket::send(std::span<iovec> parts) {
    RL_ASSERT(!sending_, "two sends at a time to {}", peer_);
    const Inside inside(*this);
    sending_ = true;
    Result<void> outcome;
    parts = drop_sent(parts, 0);
    while (!parts.empty()) {
        if (broken_) {
            outcome = fail(Errc::closed);
            break;
        }
        const Op op{.kind = Op::Kind::send,
                    .handle = handle_,
                    .iov_count = static_cast<uint32_t>(std::min(parts.size(), kPartsPerSend)),
                    .iov = parts.data()};
        SendAwaiter sent(reactor_, op);
        const int32_t result = co_await sent;
        if (result <= 0) {
            outcome = broken_ ? fail(Errc::closed) : fail(Errc::io_failed, -result);
            broken_ = true;
            break;
        }
        parts = drop_sent(parts, static_cast<size_t>(result));
    }
    sending_ = false;
    co_return outcome;
}

void Socket::shutdown() {
    if (handle_ >= 0) {
        broken_ = true;
        reactor_.network().shutdown(descriptor_);
    }
}

Task<void> Socket::close() {
    if (handle_ < 0) {
        co_return;
    }
    shutdown();
    if (receive_in_flight_) {
        reactor_.backend().cancel(receive_op_);
    }
    while (receive_in_flight_ || inside_ > 0) {
        co_await idle_.wait();
    }
    reactor_.backend().close(std::exchange(handle_, -1));
}

int32_t Socket::release() {
    RL_ASSERT(handle_ >= 0 && inside_ == 0 && !receive_in_flight_, "socket of {} is busy", peer_);
    return reactor_.backend().detach(std::exchange(handle_, -1));
}

namespace {

/// A connect that a timer may cancel. It waits for the completion in every case.
struct ConnectAwaiter : Op {
    struct Deadline : Timer {
        ConnectAwaiter* owner = nullptr;
    };
    Reactor& reactor;
    MonotonicNs deadline;
    Deadline timer;
    std::coroutine_handle<> waiter;
    int32_t result = 0;
    bool expired = false;

    ConnectAwaiter(Reactor& r, const Op& op, MonotonicNs d) : Op(op), reactor(r), deadline(d) {}
    bool await_ready() const noexcept { return false; }
    void await_suspend(std::coroutine_handle<> awaiting) {
        waiter = awaiting;
        timer.owner = this;
        timer.fire = [](Timer& fired) {
            ConnectAwaiter& self = *static_cast<Deadline&>(fired).owner;
            self.expired = true;
            self.reactor.backend().cancel(self);
        };
        done = [](Op& op, const Completion& completion) {
            auto& self = static_cast<ConnectAwaiter&>(op);
            self.reactor.timers().disarm(self.timer);
            self.result = completion.result;
            self.reactor.schedule(self.waiter);
        };
        if (deadline != INT64_MAX) {
            reactor.timers().arm(timer, deadline);
        }
        reactor.backend().submit(*this);
    }
    [[nodiscard]] Result<void> await_resume() const {
        if (result == 0) {
            return {};
        }
        return expired ? fail(Errc::timed_out) : fail(Errc::io_failed, -result);
    }
};

}  // namespace

Task<Result<std::unique_ptr<Socket>>> connect_socket(Reactor& reactor, std::string address,
                                                     MonotonicNs deadline) {
    auto descriptor = reactor.network().open_socket(address);
    if (!descriptor) {
        co_return fail(descriptor.error());
    }
    auto handle = reactor.backend().attach(*descriptor);
    if (!handle) {
        reactor.network().close(*descriptor);
        co_return fail(handle.error());
    }
    const Op op{.kind = Op::Kind::connect, .handle = *handle, .address = &address};
    ConnectAwaiter connected(reactor, op, deadline);
    const Result<void> outcome = co_await connected;
    if (!outcome) {
        reactor.backend().close(*handle);
        co_return fail(outcome.error());
    }
    co_return Socket::attach(reactor, reactor.backend().detach(*handle));
}

}  // namespace ringlog::io

// Accepting connections. See io/socket.h.
#include <cerrno>
#include <utility>

#include "io/socket.h"

namespace ringlog::io {

namespace {

/// How long accepting rests after an error that will not pass by itself: no descriptors, no memory.
constexpr int64_t kRestNs = 100 * kMillisecondNs;
constexpr int64_t kLogIntervalNs = 10 * kSecondNs;

}  // namespace

Result<std::unique_ptr<Listener>> Listener::start(Reactor& reactor, int32_t descriptor,
                                                  OnAccept on_accept) {
    auto handle = reactor.backend().attach(descriptor);
    if (!handle) {
        reactor.network().close(descriptor);
        return fail(handle.error());
    }
    std::unique_ptr<Listener> listener(new Listener(reactor, *handle, std::move(on_accept)));
    listener->arm();
    return listener;
}

Listener::Listener(Reactor& reactor, Handle handle, OnAccept on_accept)
    : reactor_(reactor),
      handle_(handle),
      on_accept_(std::move(on_accept)),
      changed_(reactor),
      log_limit_(kLogIntervalNs) {
    op_.listener = this;
    op_.kind = Op::Kind::accept;
    op_.handle = handle;
    op_.done = &Listener::on_accepted;
}

Listener::~Listener() {
    RL_ASSERT(handle_ < 0, "a listener is not closed");
}

void Listener::arm() {
    in_flight_ = true;
    reactor_.backend().submit(op_);
}

void Listener::on_accepted(Op& op, const Completion& completion) {
    Listener& self = *static_cast<AcceptOp&>(op).listener;
    if (completion.result >= 0) {
        if (self.closing_) {
            self.reactor_.network().close(completion.result);
        } else {
            self.reactor_.network().tune(completion.result);
            self.on_accept_(completion.result);
        }
    }
    if (!completion.more) {
        self.accept_ended(completion.result);
    }
}

void Listener::accept_ended(int32_t result) {
    in_flight_ = false;
    changed_.notify_all();
    if (closing_) {
        return;
    }
    // A connection that ended before it was accepted says nothing about the next one.
    if (result >= 0 || result == -ECONNABORTED || result == -EINTR || result == -EPROTO) {
        arm();
    } else {
        tasks_.spawn(arm_later(-result));
    }
}

Task<void> Listener::arm_later(int32_t error) {
    if (log_limit_.allow(reactor_.now())) {
        log_warn("io",
                 "no connection can be accepted: {}; trying again every {} ms ({} such lines "
                 "left out)",
                 describe(Error{Errc::io_failed, error}), kRestNs / kMillisecondNs,
                 log_limit_.suppressed());
    }
    const MonotonicNs deadline = reactor_.now() + kRestNs;
    while (!closing_ && reactor_.now() < deadline) {
        co_await changed_.wait_until(deadline);
    }
    if (!closing_) {
        arm();
    }
}

Task<void> Listener::close() {
    if (handle_ < 0) {
        co_return;
    }
    closing_ = true;
    changed_.notify_all();
    if (in_flight_) {
        reactor_.backend().cancel(op_);
    }
    while (in_flight_) {
        co_await changed_.wait();
    }
    co_await tasks_.close();
    reactor_.backend().close(std::exchange(handle_, -1));
}

}  // namespace ringlog::io

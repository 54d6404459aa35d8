// A connected stream socket of one core: received bytes are handed to a Receiver in the same turn,
// answers leave in vectored sends. Explained in docs/architecture.md, "Sockets".
#pragma once

#include <sys/uio.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>

#include "base/bytes.h"
#include "base/error.h"
#include "base/log.h"
#include "io/backend.h"
#include "io/event.h"
#include "io/reactor.h"
#include "io/task.h"

namespace ringlog::io {

/// Who takes a socket's bytes. Its calls come from inside the reactor's poll: they may start
/// operations and coroutines, and must not destroy the socket.
class Receiver {
public:
    virtual ~Receiver() = default;
    /// `bytes` lie in a buffer that is shared by the core and goes back when this returns: copy
    /// what is not complete.
    virtual void on_bytes(ByteView bytes) = 0;
    /// No more bytes: the stream ended (closed), or the connection broke (io_failed with the
    /// errno). Called once per start_receiving, unless paused before.
    virtual void on_end(Error error) = 0;
};

/// Lives on one core; close() is awaited before it is destroyed. At most one send at a time.
class Socket {
public:
    /// Takes over `descriptor`, also when it fails. Errors: limit_exceeded.
    static Result<std::unique_ptr<Socket>> attach(Reactor& reactor, int32_t descriptor);
    ~Socket();
    Socket(const Socket&) = delete;
    Socket& operator=(const Socket&) = delete;

    /// Bytes go to `receiver` from now on, until pause() has returned or the stream has ended.
    void start_receiving(Receiver& receiver);
    /// Stops receiving. Bytes that are already here still come before it returns, and none after:
    /// the rest stays in the kernel for the next start_receiving(), the end of the stream too.
    Task<void> pause();
    [[nodiscard]] bool receiving() const { return receiving_; }

    /// Sends all of `parts` in order; they stay valid until it returns. `parts` is consumed
    /// (advanced over what was sent). Errors: io_failed (the connection is unusable), closed
    /// (shutdown() was called).
    Task<Result<void>> send(std::span<iovec> parts);

    /// Breaks the connection: a pending send fails, the receiver gets on_end. Does not wait.
    void shutdown();
    /// shutdown(), waits for what the kernel still holds and for those who wait in send() and
    /// pause(), closes.
    Task<void> close();
    /// Gives the descriptor away to another core. Nothing may be in flight: pause() first. The
    /// object is then closed.
    int32_t release();

    [[nodiscard]] const std::string& peer() const { return peer_; }

private:
    struct ReceiveOp : Op {
        Socket* socket = nullptr;
    };
    struct SendAwaiter;
    /// Counts a coroutine that is inside a call of this socket.
    class Inside;

    Socket(Reactor& reactor, Handle handle, int32_t descriptor, std::string peer);
    static void on_received(Op& op, const Completion& completion);
    void arm_receive();

    Reactor& reactor_;
    Handle handle_;
    int32_t descriptor_;
    std::string peer_;
    Receiver* receiver_ = nullptr;
    bool receiving_ = false;          ///< Wanted; cleared by pause() and at the end.
    bool receive_in_flight_ = false;  ///< The kernel holds receive_op_.
    bool sending_ = false;
    bool broken_ = false;
    uint32_t inside_ = 0;
    ReceiveOp receive_op_;
    Event idle_;  ///< Notified when an operation or a call has ended.
};

/// Connects to the numeric "ip:port" and attaches the new socket to this core. Errors:
/// invalid_argument (not an address), timed_out (`deadline` on the monotonic clock has passed),
/// io_failed with the errno (ECONNREFUSED, ...).
Task<Result<std::unique_ptr<Socket>>> connect_socket(Reactor& reactor, std::string address,
                                                     MonotonicNs deadline);

/// A listening socket of one core. Where the process has no descriptors left it pauses and tries
/// again.
class Listener {
public:
    /// Called with each new descriptor, tuned but not attached.
    using OnAccept = std::function<void(int32_t descriptor)>;

    /// Starts to accept on `descriptor` (from Network::listen), which it takes over, also when it
    /// fails.
    static Result<std::unique_ptr<Listener>> start(Reactor& reactor, int32_t descriptor,
                                                   OnAccept on_accept);
    ~Listener();
    Listener(const Listener&) = delete;
    Listener& operator=(const Listener&) = delete;
    /// Stops accepting and closes the socket. Awaited before it is destroyed.
    Task<void> close();

private:
    struct AcceptOp : Op {
        Listener* listener = nullptr;
    };
    Listener(Reactor& reactor, Handle handle, OnAccept on_accept);
    void arm();
    Task<void> arm_later(int32_t error);
    void accept_ended(int32_t result);
    static void on_accepted(Op& op, const Completion& completion);

    Reactor& reactor_;
    Handle handle_;
    OnAccept on_accept_;
    bool closing_ = false;
    bool in_flight_ = false;
    AcceptOp op_;
    Event changed_;  ///< Notified when the accept has ended and when closing begins.
    TaskGroup tasks_;
    RateLimit log_limit_;
};

}  // namespace ringlog::io

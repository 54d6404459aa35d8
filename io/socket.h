// A connected stream socket of one core: received bytes are handed to a Receiver in the same turn, answers leave in
// vectored sends. Explained in docs/architecture.md, "Sockets".
#pragma once

#include <sys/uio.h>

#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "base/bytes.h"
#include "base/error.h"
#include "io/backend.h"
#include "io/event.h"
#include "io/reactor.h"
#include "io/task.h"

namespace ringlog::io {

/// Who takes a socket's bytes.
class Receiver {
public:
    virtual ~Receiver() = default;
    /// `bytes` lie in a buffer that is shared by the core and goes back when this returns: copy what is not complete.
    virtual void on_bytes(ByteView bytes) = 0;
    /// No more bytes: the peer ended the stream (os_errno 0) or the connection broke. Called once, unless paused before.
    virtual void on_end(Error error) = 0;
};

/// Lives on one core; close() is awaited before it is destroyed. At most one send at a time.
class Socket {
public:
    /// Takes over `descriptor`.
    static Result<std::unique_ptr<Socket>> attach(Reactor& reactor, int32_t descriptor);
    virtual ~Socket();
    Socket(const Socket&) = delete;
    Socket& operator=(const Socket&) = delete;

    /// Bytes go to `receiver` from now on, until pause() or the end.
    void start_receiving(Receiver& receiver);
    /// Stops receiving; no call to the receiver happens after it returns. Bytes not yet received stay in the kernel.
    Task<void> pause();
    [[nodiscard]] bool receiving() const { return receiving_; }

    /// Sends all of `parts` in order; they stay valid until it returns. `parts` is consumed (advanced over what was sent).
    /// Errors: io_failed (the connection is unusable), closed.
    Task<Result<void>> send(std::span<iovec> parts);

    /// Breaks the connection: a pending send fails, the receiver gets on_end. Does not wait.
    void shutdown();
    /// shutdown(), waits for what the kernel still holds, closes.
    Task<void> close();
    /// Gives the descriptor away to another core. Nothing may be in flight: pause() first. The object is then closed.
    int32_t release();

    [[nodiscard]] const std::string& peer() const { return peer_; }

protected:
    struct ReceiveOp : Op {
        Socket* socket = nullptr;
    };
    struct SendOp : Op {
        Socket* socket = nullptr;
        std::coroutine_handle<> waiter;
        int32_t result = 0;
    };
    struct SendAwaiter;

    Socket(Reactor& reactor, Handle handle, int32_t descriptor, std::string peer);
    static void on_received(Op& op, const Completion& completion);
    static void on_sent(Op& op, const Completion& completion);

    Reactor& reactor_;
    Handle handle_;
    int32_t descriptor_;
    std::string peer_;
    Receiver* receiver_ = nullptr;
    bool receiving_ = false;
    bool send_in_flight_ = false;
    bool broken_ = false;
    ReceiveOp receive_op_;
    SendOp send_op_;
    Event idle_;  ///< Notified when the last operation has completed.
};

/// A listening socket of one core.
class Listener {
public:
    /// Called with each new descriptor, tuned but not attached.
    using OnAccept = std::function<void(int32_t descriptor)>;

    /// Starts to accept on `descriptor` (from Network::listen), which it takes over.
    static Result<std::unique_ptr<Listener>> start(Reactor& reactor, int32_t descriptor,
                                                   OnAccept on_accept);
    ~Listener();
    /// Stops accepting and closes the socket.
    Task<void> close();

private:
    struct AcceptOp : Op {
        Listener* listener = nullptr;
    };
    Listener(Reactor& reactor, Handle handle, OnAccept on_accept);
    void arm();
    Task<void> arm_later();
    static void on_accepted(Op& op, const Completion& completion);

    Reactor& reactor_;
    Handle handle_;
    OnAccept on_accept_;
    bool closing_ = false;
    bool in_flight_ = false;
    AcceptOp op_;
    Event idle_;
    TaskGroup tasks_;
};

}  // namespace ringlog::io

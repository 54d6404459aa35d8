// The seam below the reactor: what the kernel (io_uring, or epoll and positioned I/O) and the
// simulation both provide. One Backend per core; every call but wake() on that core. Explained in
// docs/architecture.md, "Reactor".
#pragma once

#include <sys/uio.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/error.h"

namespace ringlog::io {

/// Names an open file or socket to a Backend. What attach() gave; -1 is none.
using Handle = int32_t;

/// What one operation came to.
struct Completion {
    int32_t result = 0;  ///< Bytes moved, or a descriptor (accept), or a negative errno.
    bool more = false;   ///< A multishot operation goes on; false on its last completion.
    ByteView bytes;      ///< receive: the bytes, valid only during the call.
};

/// One operation. The kernel owns it and its buffers from submit() to the completion with `more`
/// false: it lives in an object that waits for that (a coroutine frame, a Journal, a Socket), and
/// cancelling only asks.
struct Op {
    enum class Kind : uint8_t {
        read,     ///< `data`, `length`, `position`: positioned read into the buffer.
        write,    ///< `data`, `length`, `position`, `flushed`: positioned write.
        flush,    ///< fdatasync of the handle.
        accept,   ///< Multishot: each completion's result is a new descriptor, not yet attached.
        receive,  ///< Multishot: each completion carries bytes in a shared buffer; result 0 is the
                  ///< end of the stream.
        send,     ///< `iov`, `iov_count`: bytes to a socket, in order; a short result is possible.
        connect,  ///< `address`: to a numeric "ip:port"; the handle is a socket from
                  ///< Network::open_socket.
    };

    Kind kind = Kind::read;
    bool flushed = false;       ///< write: on stable media before it completes (RWF_DSYNC).
    int16_t buffer_index = -1;  ///< read, write: the registered buffer that holds `data`, or -1.
    Handle handle = -1;
    std::byte* data = nullptr;
    uint32_t length = 0;
    uint32_t iov_count = 0;
    const iovec* iov = nullptr;
    uint64_t position = 0;
    const std::string* address = nullptr;
    /// Called on the backend's core, from poll(), never from submit() or cancel().
    void (*done)(Op& op, const Completion& completion) = nullptr;
    uint64_t backend_data = 0;  ///< The backend's own; 0 when not submitted.
};

/// Runs operations of one core.
class Backend {
public:
    virtual ~Backend() = default;

    /// Starts `op`. It completes from poll(); errors arrive as its completion. Order between
    /// operations: none.
    virtual void submit(Op& op) = 0;
    /// Asks that `op` end soon. It still completes (often with -ECANCELED); a direct write may
    /// complete as if not asked.
    virtual void cancel(Op& op) = 0;
    /// Submits what is queued and runs completions. Waits for the first one, a wake(), or
    /// `deadline` on the monotonic clock, whichever is first; a deadline that has passed does not
    /// wait. Returns how many completions ran.
    virtual uint32_t poll(MonotonicNs deadline) = 0;
    /// Ends a wait of poll() now or the next one. Any thread.
    virtual void wake() = 0;

    /// Takes an open descriptor into this core's table (registered files). The descriptor then
    /// belongs to the backend.
    virtual Result<Handle> attach(int32_t descriptor) = 0;
    /// Gives the descriptor back, still open. No operation on the handle may be in flight.
    virtual int32_t detach(Handle handle) = 0;
    /// detach() and close. No operation on the handle may be in flight.
    virtual void close(Handle handle) = 0;

    /// Registers `memory` for reads and writes; the index for Op::buffer_index, or -1 where it is
    /// not possible (then operations work without, slower for large ones).
    virtual int16_t register_memory(Bytes memory) = 0;

    /// Operations submitted and not completed that read, write or flush files: a core must not spin
    /// while any is.
    [[nodiscard]] virtual uint32_t file_ops_in_flight() const = 0;
    /// "io_uring", "epoll" or "simulated".
    [[nodiscard]] virtual std::string_view name() const = 0;
};

/// Sockets that are not yet anyone's. Thread safe; does not block.
class Network {
public:
    virtual ~Network() = default;
    /// A listening socket on `host` (numeric, or empty for every address) and `port` (0: any).
    /// Errors: io_failed with EADDRINUSE, EACCES, EADDRNOTAVAIL, ...
    virtual Result<int32_t> listen(const std::string& host, uint16_t port) = 0;
    /// An unconnected stream socket for Op::Kind::connect.
    virtual Result<int32_t> open_socket(const std::string& address) = 0;
    /// The port that a listening descriptor got.
    virtual Result<uint16_t> local_port(int32_t descriptor) = 0;
    /// "ip:port" of the other end; empty if unknown.
    virtual std::string peer_address(int32_t descriptor) = 0;
    /// TCP_NODELAY, congestion control, keep-alive on a new connection.
    virtual void tune(int32_t descriptor) = 0;
    /// Half-closes both directions so that pending operations end.
    virtual void shutdown(int32_t descriptor) = 0;
    virtual void close(int32_t descriptor) = 0;
};

}  // namespace ringlog::io

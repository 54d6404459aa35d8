// Loopback TCP for the bench programs: sockets with Nagle off and an explicit congestion control
// (BBR, the default of some machines, halves loopback throughput), and whole messages over blocking
// sockets. Any thread.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/error.h"
#include "bench/fd.h"

namespace ringlog::bench {

struct Address {
    std::string host;
    uint16_t port = 0;
};

/// "host:port". Errors: malformed.
Result<Address> parse_address(const std::string& text);

/// A connected, blocking socket with TCP_NODELAY and cubic. Errors: io_failed with its errno,
/// not_found (no such host).
Result<Fd> connect_to(const Address& address);

/// A blocking listener on 127.0.0.1; `port` 0 takes a free one. Errors: io_failed.
Result<Fd> listen_on_loopback(uint16_t port);

/// The port that a listener is bound to.
uint16_t bound_port(const Fd& listener);

/// Accepts one connection and gives it the same options. Errors: io_failed.
Result<Fd> accept_on(const Fd& listener);

/// TCP_NODELAY and, where the kernel has it, cubic.
void set_options(int fd);

void set_nonblocking(int fd);

/// Gives up receiving on a blocking socket after `ns`.
void set_receive_timeout(int fd, int64_t ns);

/// Writes all of `bytes` to a blocking socket. Errors: io_failed, closed.
Result<void> send_all(int fd, ByteView bytes);

/// Reads exactly `into`. Errors: io_failed, closed, timed_out.
Result<void> receive_exactly(int fd, Bytes into);

/// Sends one Kafka request and reads its whole answer, without the four bytes of length. Errors: as
/// above, malformed.
Result<std::vector<std::byte>> call(int fd, ByteView request);

}  // namespace ringlog::bench

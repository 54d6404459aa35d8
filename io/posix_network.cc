// See io/posix_network.h.
#include "io/posix_network.h"

#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <memory>
#include <string_view>

#include "io/address.h"

namespace ringlog::io {

namespace {

/// The kernel cuts it to net.core.somaxconn.
constexpr int kBacklog = 4096;
/// A peer that vanished is found after about two minutes.
constexpr int kKeepIdleSeconds = 60;
constexpr int kKeepIntervalSeconds = 10;
constexpr int kKeepProbes = 6;

void set_option(int32_t descriptor, int level, int option, int value) {
    setsockopt(descriptor, level, option, &value, sizeof(value));
}

/// Binds and listens; the descriptor, or the negative errno.
int32_t listen_on(const addrinfo& address, bool every_address) {
    const int32_t descriptor =
        socket(address.ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (descriptor < 0) {
        return -errno;
    }
    // SO_REUSEADDR lets a restart pass connections in TIME_WAIT. Never SO_REUSEPORT: two brokers
    // would share a port.
    set_option(descriptor, SOL_SOCKET, SO_REUSEADDR, 1);
    if (address.ai_family == AF_INET6) {
        set_option(descriptor, IPPROTO_IPV6, IPV6_V6ONLY, every_address ? 0 : 1);
    }
    if (bind(descriptor, address.ai_addr, address.ai_addrlen) != 0 ||
        ::listen(descriptor, kBacklog) != 0) {
        const int32_t error = errno;
        ::close(descriptor);
        return -error;
    }
    return descriptor;
}

Error lookup_error(int code) {
    switch (code) {
        case EAI_NONAME:
        case EAI_NODATA:
        case EAI_FAIL: return Error{Errc::not_found};
        case EAI_SYSTEM: return Error{Errc::io_failed, errno};
        case EAI_MEMORY: return Error{Errc::io_failed, ENOMEM};
        default: return Error{Errc::io_failed, EADDRNOTAVAIL};
    }
}

}  // namespace

Result<int32_t> PosixNetwork::listen(const std::string& host, uint16_t port) {
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
    addrinfo* found = nullptr;
    const char* node = host.empty() ? nullptr : host.c_str();
    const int code = getaddrinfo(node, std::to_string(port).c_str(), &hints, &found);
    if (code != 0) {
        return fail(lookup_error(code));
    }
    const std::unique_ptr<addrinfo, decltype(&freeaddrinfo)> owner(found, &freeaddrinfo);
    int32_t error = EADDRNOTAVAIL;
    // Every address: IPv6 first, whose socket takes IPv4 too. A name: its IPv4 address first, as
    // clients are told.
    const int first_family = host.empty() ? AF_INET6 : AF_INET;
    for (const bool preferred : {true, false}) {
        for (const addrinfo* item = found; item != nullptr; item = item->ai_next) {
            if ((item->ai_family == first_family) != preferred) {
                continue;
            }
            const int32_t descriptor = listen_on(*item, host.empty());
            if (descriptor >= 0) {
                return descriptor;
            }
            error = -descriptor;
            if (error == EADDRINUSE) {
                return fail(Errc::io_failed, error);
            }
        }
    }
    return fail(Errc::io_failed, error);
}

Result<int32_t> PosixNetwork::open_socket(const std::string& address) {
    const auto parsed = parse_address(address);
    if (!parsed) {
        return fail(Errc::invalid_argument);
    }
    const int32_t descriptor =
        socket(parsed->storage.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (descriptor < 0) {
        return fail(Errc::io_failed, errno);
    }
    tune(descriptor);
    return descriptor;
}

Result<uint16_t> PosixNetwork::local_port(int32_t descriptor) {
    sockaddr_storage storage{};
    socklen_t length = sizeof(storage);
    if (getsockname(descriptor, reinterpret_cast<sockaddr*>(&storage), &length) != 0) {
        return fail(Errc::io_failed, errno);
    }
    if (storage.ss_family == AF_INET) {
        return ntohs(reinterpret_cast<const sockaddr_in&>(storage).sin_port);
    }
    return ntohs(reinterpret_cast<const sockaddr_in6&>(storage).sin6_port);
}

std::string PosixNetwork::peer_address(int32_t descriptor) {
    sockaddr_storage storage{};
    socklen_t length = sizeof(storage);
    if (getpeername(descriptor, reinterpret_cast<sockaddr*>(&storage), &length) != 0) {
        return {};
    }
    return format_address(storage);
}

void PosixNetwork::tune(int32_t descriptor) {
    // Each only makes a connection better; a kernel that refuses one serves all the same.
    set_option(descriptor, IPPROTO_TCP, TCP_NODELAY, 1);
    set_option(descriptor, SOL_SOCKET, SO_KEEPALIVE, 1);
    set_option(descriptor, IPPROTO_TCP, TCP_KEEPIDLE, kKeepIdleSeconds);
    set_option(descriptor, IPPROTO_TCP, TCP_KEEPINTVL, kKeepIntervalSeconds);
    set_option(descriptor, IPPROTO_TCP, TCP_KEEPCNT, kKeepProbes);
    // BBR, the default of some distributions, streams at half the speed of cubic on loopback and in
    // a rack.
    constexpr std::string_view kCongestion = "cubic";
    setsockopt(descriptor, IPPROTO_TCP, TCP_CONGESTION, kCongestion.data(), kCongestion.size());
}

void PosixNetwork::shutdown(int32_t descriptor) {
    ::shutdown(descriptor, SHUT_RDWR);
}

void PosixNetwork::close(int32_t descriptor) {
    ::close(descriptor);
}

}  // namespace ringlog::io

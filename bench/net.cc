#include "bench/net.h"

#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <cerrno>
#include <charconv>
#include <memory>

namespace ringlog::bench {
namespace {

constexpr int kBacklog = 1024;
constexpr int32_t kAnswerBytesMax = 256 << 20;

std::unexpected<Error> os_error() {
    if (errno == EAGAIN || errno == EWOULDBLOCK) {
        return fail(Errc::timed_out, errno);
    }
    return fail(Errc::io_failed, errno);
}

}  // namespace

Result<Address> parse_address(const std::string& text) {
    const size_t colon = text.rfind(':');
    if (colon == std::string::npos || colon == 0) {
        return fail(Errc::malformed);
    }
    Address address{.host = text.substr(0, colon)};
    const char* end = text.data() + text.size();
    const auto [stop, code] = std::from_chars(text.data() + colon + 1, end, address.port);
    if (code != std::errc() || stop != end || address.port == 0) {
        return fail(Errc::malformed);
    }
    return address;
}

void set_options(int fd) {
    const int on = 1;
    ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    constexpr char kCongestion[] = "cubic";
    ::setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, kCongestion, sizeof(kCongestion) - 1);
}

void set_nonblocking(int fd) {
    ::fcntl(fd, F_SETFL, ::fcntl(fd, F_GETFL) | O_NONBLOCK);
}

void set_receive_timeout(int fd, int64_t ns) {
    const timeval limit{.tv_sec = ns / kSecondNs, .tv_usec = ns % kSecondNs / kMicrosecondNs};
    ::setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
}

Result<Fd> connect_to(const Address& address) {
    addrinfo hints{};
    hints.ai_family = AF_UNSPEC;
    hints.ai_socktype = SOCK_STREAM;
    addrinfo* found = nullptr;
    const std::string port = std::to_string(address.port);
    if (::getaddrinfo(address.host.c_str(), port.c_str(), &hints, &found) != 0) {
        return fail(Errc::not_found);
    }
    const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> owned(found, &::freeaddrinfo);
    errno = EHOSTUNREACH;
    for (const addrinfo* each = found; each != nullptr; each = each->ai_next) {
        Fd fd(::socket(each->ai_family, each->ai_socktype | SOCK_CLOEXEC, each->ai_protocol));
        if (!fd.valid()) {
            continue;
        }
        set_options(fd.get());
        if (::connect(fd.get(), each->ai_addr, each->ai_addrlen) == 0) {
            return fd;
        }
    }
    return fail(Errc::io_failed, errno);
}

Result<Fd> listen_on_loopback(uint16_t port) {
    Fd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (!fd.valid()) {
        return fail(Errc::io_failed, errno);
    }
    const int on = 1;
    ::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    set_options(fd.get());
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0 ||
        ::listen(fd.get(), kBacklog) != 0) {
        return fail(Errc::io_failed, errno);
    }
    return fd;
}

uint16_t bound_port(const Fd& listener) {
    sockaddr_in address{};
    socklen_t length = sizeof(address);
    ::getsockname(listener.get(), reinterpret_cast<sockaddr*>(&address), &length);
    return ntohs(address.sin_port);
}

Result<Fd> accept_on(const Fd& listener) {
    Fd fd(::accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC));
    if (!fd.valid()) {
        return os_error();
    }
    set_options(fd.get());
    return fd;
}

Result<void> send_all(int fd, ByteView bytes) {
    while (!bytes.empty()) {
        const ssize_t sent = ::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR) {
            continue;
        }
        if (sent < 0) {
            return os_error();
        }
        bytes = bytes.subspan(static_cast<size_t>(sent));
    }
    return {};
}

Result<void> receive_exactly(int fd, Bytes into) {
    while (!into.empty()) {
        const ssize_t got = ::recv(fd, into.data(), into.size(), 0);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got < 0) {
            return os_error();
        }
        if (got == 0) {
            return fail(Errc::closed);
        }
        into = into.subspan(static_cast<size_t>(got));
    }
    return {};
}

Result<std::vector<std::byte>> call(int fd, ByteView request) {
    if (auto sent = send_all(fd, request); !sent) {
        return fail(sent.error());
    }
    std::byte length_bytes[4];
    if (auto read = receive_exactly(fd, length_bytes); !read) {
        return fail(read.error());
    }
    const auto length = load_be<int32_t>(length_bytes);
    if (length < 4 || length > kAnswerBytesMax) {
        return fail(Errc::malformed, 0, length);
    }
    std::vector<std::byte> answer(static_cast<size_t>(length));
    if (auto read = receive_exactly(fd, answer); !read) {
        return fail(read.error());
    }
    return answer;
}

}  // namespace ringlog::bench

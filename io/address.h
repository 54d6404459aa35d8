// Numeric socket addresses as text: "127.0.0.1:9092", "[::1]:9092". Any thread; never asks a name
// server.
#pragma once

#include <sys/socket.h>

#include <optional>
#include <string>
#include <string_view>

namespace ringlog::io {

struct SocketAddress {
    sockaddr_storage storage{};
    socklen_t length = 0;

    [[nodiscard]] const sockaddr* get() const {
        return reinterpret_cast<const sockaddr*>(&storage);
    }
};

/// Nothing if `text` is not a numeric address with a port. An IPv6 address stands in brackets.
std::optional<SocketAddress> parse_address(std::string_view text);

/// The form that parse_address reads; empty for a family other than IPv4 and IPv6. An IPv4 address
/// that arrived over an IPv6 socket is printed as IPv4.
std::string format_address(const sockaddr_storage& storage);

}  // namespace ringlog::io

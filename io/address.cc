// See io/address.h.
#include "io/address.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>

#include <array>
#include <charconv>
#include <cstring>

namespace ringlog::io {

std::optional<SocketAddress> parse_address(std::string_view text) {
    const size_t colon = text.rfind(':');
    if (colon == std::string_view::npos) {
        return std::nullopt;
    }
    std::string_view host = text.substr(0, colon);
    const std::string_view port_text = text.substr(colon + 1);
    uint16_t port = 0;
    const char* end = port_text.data() + port_text.size();
    const auto parsed = std::from_chars(port_text.data(), end, port);
    if (parsed.ec != std::errc() || parsed.ptr != end) {
        return std::nullopt;
    }
    SocketAddress address;
    if (host.starts_with('[') && host.ends_with(']')) {
        sockaddr_in6 ipv6{};
        ipv6.sin6_family = AF_INET6;
        ipv6.sin6_port = htons(port);
        const std::string inner(host.substr(1, host.size() - 2));
        if (inet_pton(AF_INET6, inner.c_str(), &ipv6.sin6_addr) != 1) {
            return std::nullopt;
        }
        std::memcpy(&address.storage, &ipv6, sizeof(ipv6));
        address.length = sizeof(ipv6);
        return address;
    }
    sockaddr_in ipv4{};
    ipv4.sin_family = AF_INET;
    ipv4.sin_port = htons(port);
    if (inet_pton(AF_INET, std::string(host).c_str(), &ipv4.sin_addr) != 1) {
        return std::nullopt;
    }
    std::memcpy(&address.storage, &ipv4, sizeof(ipv4));
    address.length = sizeof(ipv4);
    return address;
}

std::string format_address(const sockaddr_storage& storage) {
    std::array<char, INET6_ADDRSTRLEN> text{};
    if (storage.ss_family == AF_INET) {
        sockaddr_in ipv4{};
        std::memcpy(&ipv4, &storage, sizeof(ipv4));
        inet_ntop(AF_INET, &ipv4.sin_addr, text.data(), text.size());
        return fmt::format("{}:{}", text.data(), ntohs(ipv4.sin_port));
    }
    if (storage.ss_family != AF_INET6) {
        return {};
    }
    sockaddr_in6 ipv6{};
    std::memcpy(&ipv6, &storage, sizeof(ipv6));
    if (IN6_IS_ADDR_V4MAPPED(&ipv6.sin6_addr)) {
        inet_ntop(AF_INET, &ipv6.sin6_addr.s6_addr[12], text.data(), text.size());
        return fmt::format("{}:{}", text.data(), ntohs(ipv6.sin6_port));
    }
    inet_ntop(AF_INET6, &ipv6.sin6_addr, text.data(), text.size());
    return fmt::format("[{}]:{}", text.data(), ntohs(ipv6.sin6_port));
}

}  // namespace ringlog::io

// HTTP by libmicrohttpd. See broker/admin_server.h.
#include "broker/admin_server.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace ringlog::broker {

namespace {

/// A listening socket on `host`:`port`, or -1 with errno.
int listen_on(const std::string& host, uint16_t port) {
    sockaddr_in6 v6{};
    sockaddr_in v4{};
    v6.sin6_family = AF_INET6;
    v6.sin6_port = htons(port);
    v4.sin_family = AF_INET;
    v4.sin_port = htons(port);
    const bool is_v6 = inet_pton(AF_INET6, host.c_str(), &v6.sin6_addr) == 1;
    if (!is_v6 && !host.empty() && inet_pton(AF_INET, host.c_str(), &v4.sin_addr) != 1) {
        errno = EADDRNOTAVAIL;
        return -1;
    }
    const int fd =
        socket(is_v6 ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0) {
        return -1;
    }
    const int on = 1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    const auto* address =
        is_v6 ? reinterpret_cast<const sockaddr*>(&v6) : reinterpret_cast<const sockaddr*>(&v4);
    const socklen_t size = is_v6 ? sizeof(v6) : sizeof(v4);
    if (bind(fd, address, size) != 0 || listen(fd, AdminServer::kConnectionsMax) != 0) {
        const int reason = errno;
        close(fd);
        errno = reason;
        return -1;
    }
    return fd;
}

uint16_t bound_port(int fd) {
    sockaddr_storage address{};
    socklen_t size = sizeof(address);
    if (getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) != 0) {
        return 0;
    }
    return ntohs(address.ss_family == AF_INET6
                     ? reinterpret_cast<const sockaddr_in6&>(address).sin6_port
                     : reinterpret_cast<const sockaddr_in&>(address).sin_port);
}

MHD_Result send_answer(MHD_Connection* connection, const HttpAnswer& answer) {
    MHD_Response* response = MHD_create_response_from_buffer(
        answer.body.size(), const_cast<char*>(answer.body.data()), MHD_RESPMEM_MUST_COPY);
    if (response == nullptr) {
        return MHD_NO;
    }
    MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, answer.content_type.c_str());
    MHD_add_response_header(response, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store");
    MHD_add_response_header(response, "X-Content-Type-Options", "nosniff");
    const MHD_Result queued = MHD_queue_response(connection, answer.status, response);
    MHD_destroy_response(response);
    return queued;
}

MHD_Result handle(void* context, MHD_Connection* connection, const char* url, const char* method,
                  const char*, const char*, size_t* upload_size, void** seen) {
    static char marker;
    if (*seen == nullptr) {
        // The first call has only the headers; answering now would close the connection of a client
        // that keeps it.
        *seen = &marker;
        return MHD_YES;
    }
    if (*upload_size != 0) {
        *upload_size = 0;
        return MHD_YES;
    }
    const std::string_view verb = method;
    if (verb != MHD_HTTP_METHOD_GET && verb != MHD_HTTP_METHOD_HEAD) {
        return send_answer(connection,
                           {.status = MHD_HTTP_METHOD_NOT_ALLOWED, .body = "only GET and HEAD\n"});
    }
    return send_answer(connection, static_cast<AdminPages*>(context)->get(url));
}

}  // namespace

void AdminServer::Stop::operator()(MHD_Daemon* daemon) const {
    MHD_stop_daemon(daemon);
}

AdminServer::~AdminServer() = default;

std::expected<std::unique_ptr<AdminServer>, std::string> AdminServer::start(const HostPort& address,
                                                                            AdminPages& pages) {
    const std::string host =
        address.host.empty() ? std::string() : numeric_host(address.host).value_or(address.host);
    const int fd = listen_on(host, address.port);
    if (fd < 0) {
        return std::unexpected(
            fmt::format("cannot listen on ringlog.admin.listener {}:{}: {}; name another address, "
                        "or none",
                        address.host, address.port, strerrordesc_np(errno)));
    }
    std::unique_ptr<AdminServer> server(new AdminServer());
    server->port_ = bound_port(fd);
    server->daemon_.reset(MHD_start_daemon(
        MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_AUTO, 0, nullptr, nullptr, handle, &pages,
        MHD_OPTION_LISTEN_SOCKET, static_cast<MHD_socket>(fd), MHD_OPTION_CONNECTION_LIMIT,
        kConnectionsMax, MHD_OPTION_CONNECTION_TIMEOUT, kIdleSeconds,
        MHD_OPTION_CONNECTION_MEMORY_LIMIT, kConnectionBytes, MHD_OPTION_END));
    if (server->daemon_ == nullptr) {
        close(fd);
        return std::unexpected(std::string("the admin server's thread did not start"));
    }
    return server;
}

}  // namespace ringlog::broker

// A small HTTP server for people and monitors: libmicrohttpd on a thread of its own, never on a
// core. GET and HEAD only, every limit finite.
#pragma once

#include <cstdint>
#include <expected>
#include <memory>
#include <string>
#include <string_view>

#include "broker/config.h"

struct MHD_Daemon;

namespace ringlog::broker {

struct HttpAnswer {
    uint16_t status = 200;
    std::string content_type = "text/plain; charset=utf-8";
    std::string body;
};

/// What is served. Called on the server's thread, one call at a time.
class AdminPages {
public:
    virtual ~AdminPages() = default;
    /// `path` begins with '/'; without query. Status 404 for what is not there.
    virtual HttpAnswer get(std::string_view path) = 0;
};

class AdminServer {
public:
    static constexpr unsigned kConnectionsMax = 32;
    static constexpr unsigned kIdleSeconds = 10;
    static constexpr size_t kConnectionBytes = 32 * 1024;

    /// Listens on `address` (an empty host: every address; port 0: any free one). `pages` outlives
    /// it. The error is a sentence for the operator.
    static std::expected<std::unique_ptr<AdminServer>, std::string> start(const HostPort& address,
                                                                          AdminPages& pages);
    AdminServer(const AdminServer&) = delete;
    AdminServer& operator=(const AdminServer&) = delete;
    /// Ends the thread; waits for an answer that is being made.
    ~AdminServer();

    [[nodiscard]] uint16_t port() const { return port_; }

private:
    struct Stop {
        void operator()(MHD_Daemon* daemon) const;
    };

    AdminServer() = default;

    std::unique_ptr<MHD_Daemon, Stop> daemon_;
    uint16_t port_ = 0;
};

}  // namespace ringlog::broker

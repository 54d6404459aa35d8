// The sockets on which clients are accepted: all on core 0, which hands each connection to the core
// with the fewest. Explained in docs/architecture.md, "Threads".
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/log.h"
#include "broker/config.h"
#include "cluster/model.h"
#include "cluster/start_failure.h"
#include "io/socket.h"
#include "io/task.h"

namespace ringlog::broker {

class Broker;

/// Core 0.
class Listeners {
public:
    Listeners(Broker& broker, io::Reactor& reactor);
    ~Listeners();

    /// Binds every listener of the configuration; clients wait in the kernel until accept(). Fails
    /// with a text that names the address; a port in use is tried again for a second, for the
    /// kernel keeps those of a killed predecessor while it takes its rings apart.
    io::Task<std::expected<void, cluster::StartFailure>> bind(
        const std::vector<Listener>& listeners);
    /// What clients are told, by listener.
    [[nodiscard]] std::vector<cluster::Endpoint> endpoints(
        const std::vector<Listener>& listeners) const;
    /// Begins to accept. Errors: io_failed, limit_exceeded.
    Result<void> accept();
    /// Stops accepting and closes what is bound; waits for hand-overs.
    io::Task<void> close();
    [[nodiscard]] uint16_t port(size_t index) const { return bound_[index].port; }

private:
    struct Bound {
        int32_t descriptor = -1;  ///< Until accept().
        uint16_t port = 0;
        std::unique_ptr<io::Listener> listener;
    };

    void on_accept(int32_t descriptor, uint16_t index);
    io::Task<void> hand_over(int32_t descriptor, uint16_t index, uint16_t core);

    Broker& broker_;
    io::Reactor& reactor_;
    std::vector<Bound> bound_;
    RateLimit full_limit_;
    io::TaskGroup tasks_;
};

}  // namespace ringlog::broker

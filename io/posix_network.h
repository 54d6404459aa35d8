// The Network over the kernel's calls. Stateless and thread safe.
#pragma once

#include "io/backend.h"

namespace ringlog::io {

class PosixNetwork final : public Network {
public:
    /// `host` may also be a name such as "localhost", which is looked up (and may block): not_found
    /// if there is none. An empty host listens on every address of IPv6 and IPv4. A port that any
    /// other socket listens on is in use.
    Result<int32_t> listen(const std::string& host, uint16_t port) override;
    Result<int32_t> open_socket(const std::string& address) override;
    Result<uint16_t> local_port(int32_t descriptor) override;
    std::string peer_address(int32_t descriptor) override;
    void tune(int32_t descriptor) override;
    void shutdown(int32_t descriptor) override;
    void close(int32_t descriptor) override;
};

}  // namespace ringlog::io

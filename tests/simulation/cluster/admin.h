// The administrator of a simulated world: makes topics, deletes them, makes them again, and does
// not rest until it knows what became of what it asked for. One thread.
#pragma once

#include <cstdint>
#include <optional>

#include "tests/simulation/cluster/cluster.h"
#include "tests/simulation/cluster/wire_client.h"

namespace ringlog::simulation {

class Admin {
public:
    explicit Admin(Cluster& cluster);
    Admin(const Admin&) = delete;
    Admin& operator=(const Admin&) = delete;
    ~Admin();

    /// Makes every topic that is not there; deletes some now and then, until finish().
    void start();
    /// Only makes what is missing.
    void finish() { running_ = false; }
    /// Every topic lives.
    [[nodiscard]] bool all_alive() const;

private:
    void connect_later();
    void next_later(int64_t delay_ns);
    void next();
    void create(uint16_t topic);
    void remove(uint16_t topic);
    void create_answered(uint16_t topic, std::optional<ByteView> frame);
    void remove_answered(uint16_t topic, std::optional<ByteView> frame);

    Cluster& cluster_;
    Random random_;
    WireClient wire_;
    bool running_ = true;
    bool connecting_ = false;
    bool planned_ = false;
    std::vector<uint32_t> lives_;  ///< Of each topic.
};

}  // namespace ringlog::simulation

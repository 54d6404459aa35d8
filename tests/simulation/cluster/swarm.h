// What a seed decides before its run begins: which switches are on, how small the limits are, who
// the clients are. Pure. One thread.
#pragma once

#include <cstdint>
#include <vector>

#include "engine/shard.h"
#include "tests/simulation/cluster/switches.h"
#include "tests/simulation/disk_fault.h"
#include "tests/simulation/sim_world.h"

namespace ringlog::simulation {

/// How long a run is. The reducer makes these smaller.
struct RunLength {
    uint32_t lives = 8;      ///< Starts of each node in the safety phase.
    uint32_t life_ms = 300;  ///< Of serving, at the most; drawn per life.
    uint32_t nodes = 1;
};

struct TopicPlan {
    std::string name;
    int32_t partitions = 1;
    uint32_t segment_bytes = 16 << 10;
    bool log_append_time = false;
};

struct ProducerPlan {
    uint32_t id = 0;
    bool idempotent = false;
    int16_t acks = -1;
    uint32_t in_flight_max = 1;
    uint32_t batch_bytes_max = 3000;
    uint32_t large_bytes = 0;  ///< Now and then a batch of this size; 0: never.
    int64_t think_ns = 0;      ///< Between two batches, at the most.
    int64_t timeout_ns = kSecondNs;
    bool resends = true;  ///< Without idempotence: sends again what had no answer.
    int16_t version = 8;
};

struct ConsumerPlan {
    uint32_t id = 0;
    bool sessions = false;
    int16_t version = 11;
    int32_t max_wait_ms = 50;
    int32_t min_bytes = 1;
    int32_t max_bytes = 1 << 20;
    int32_t partition_max_bytes = 64 << 10;
    bool slow_reader = false;
};

struct Swarm {
    /// Draws everything from `seed`, as `orders` say.
    Swarm(uint64_t seed, const SwitchOrders& orders, const RunLength& length);

    [[nodiscard]] bool on(Switch name) const { return switches.has(name); }
    /// The disks may lose what was durable: what is asked for is honesty, not that nothing is lost.
    [[nodiscard]] bool honesty() const;

    uint64_t seed;
    RunLength length;
    SwitchSet switches;
    uint16_t cores_first = 1;
    uint16_t cores_max = 4;
    engine::Durability durability = engine::Durability::power;
    engine::ShardOptions shard;
    uint64_t journal_bytes = 512 << 10;
    uint64_t window_bytes = 512 << 10;
    uint64_t batch_bytes_max = 0;  ///< `max.message.bytes`: the largest that the limits allow.
    DiskOptions disk;
    DiskRates rates;              ///< While a broker serves.
    bool rates_in_start = false;  ///< And (but for what would lose data by design) while it starts.
    NetworkOptions network;
    uint32_t metadata_lost_permille = 0;
    int64_t metadata_delay_ns = 0;
    double drift_ppm = 0;
    std::vector<TopicPlan> topics;
    std::vector<ProducerPlan> producers;
    std::vector<ConsumerPlan> consumers;

private:
    void draw_limits(Random& random);
    void draw_faults(Random& random);
    void draw_topics(Random& random);
    void draw_clients(Random& random);
};

}  // namespace ringlog::simulation

// One seed from its first start to its last stop: setup, a safety phase with faults, a world at
// rest, everything read and compared, an orderly stop and one more start. One thread. Explained in
// tests/simulation/cluster/README.md.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <string>

#include "tests/simulation/cluster/judge.h"
#include "tests/simulation/cluster/swarm.h"

namespace ringlog::simulation {

struct RunOptions {
    uint64_t seed = 1;
    SwitchOrders orders;
    RunLength length;
    Judge::Sink story;         ///< Gets readable lines, if set;
    int32_t story_topic = -1;  ///< of this topic alone, if not -1,
    int32_t story_partition = -1;
    bool events = false;  ///< And every event of the world.
};

struct RunOutcome {
    std::string failure;  ///< Empty: everything held.
    uint64_t trace_hash = 0;
    uint64_t events = 0;
    int64_t virtual_ns = 0;
    bool honesty = false;
    bool gave_up = false;
    SwitchSet switches;
    std::array<uint64_t, kMetCount> marks{};
};

RunOutcome run_seed(const RunOptions& options);

}  // namespace ringlog::simulation

// The scripted lives that are recorded. Explained in tests/crash/README.md.
#pragma once

#include <string>
#include <vector>

#include "tests/crash/life.h"

namespace ringlog::crash {

/// Lives of one data directory: each but the first goes on from a crash of the one before, or from
/// its clean stop.
struct Scenario {
    std::string name;
    std::vector<LifePlan> lives;
};

/// Every scenario, at `durability`.
std::vector<Scenario> all_scenarios(engine::Durability durability);

}  // namespace ringlog::crash

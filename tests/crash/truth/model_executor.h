// The simulated disk as an executor of TruthScenario. Explained in tests/crash/README.md.
#pragma once

#include <cstdint>
#include <string>

#include "tests/crash/truth/steps.h"

namespace ringlog::truth {

struct Verdict {
    bool allowed = false;
    uint64_t outcomes = 0;  ///< Of names, sizes and extents that the model knows; sectors aside.
    std::string nearest;    ///< One that it allows, if `allowed` is false.
};

/// Whether the simulated disk may be left as `seen` by a power loss behind the scenario.
Verdict judge(const TruthScenario& scenario, const Tree& seen);

}  // namespace ringlog::truth

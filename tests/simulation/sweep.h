// "Fail the Nth operation, for N = 1, 2, 3... until a run sees no fault": every place of a scenario
// where the disk can fail is visited once per effect. For tests with GoogleTest.
#pragma once

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <memory>
#include <vector>

#include "tests/simulation/disk_fault.h"

namespace ringlog::simulation {

struct SweepOptions {
    std::vector<DiskEffect> effects;  ///< Each gets a sweep of its own.
    DiskOps kinds = kChanges;         ///< The operations that are counted.
    uint64_t first = 1;
    uint64_t stride = 1;      ///< 1 visits all; more for a quick run.
    uint64_t limit = 10'000;  ///< Of N: a scenario that reaches it is reported as a failure.
};

struct SweepResult {
    uint64_t runs = 0;
    uint64_t faults = 0;  ///< Runs in which the fault happened.
};

/// Runs `scenario(plan)` for each effect and N; the scenario builds its world anew, gives `plan` to
/// SimDisk::arm() where the faults are to begin, and checks what must hold. Ends at the first
/// failed check, which names effect and N.
template <typename Scenario>
SweepResult for_each_fault(const SweepOptions& options, Scenario scenario) {
    SweepResult result;
    for (const DiskEffect effect : options.effects) {
        for (uint64_t nth = options.first;; nth += options.stride) {
            const std::string name = fmt::format("fault: {} of operation {} among kinds {:#x}",
                                                 effect_name(effect), nth, options.kinds);
            SCOPED_TRACE(name);
            auto plan = std::make_shared<FaultPlan>(
                DiskFault{.effect = effect, .kinds = options.kinds, .nth = nth});
            scenario(plan);
            ++result.runs;
            if (::testing::Test::HasFailure()) {
                return result;
            }
            if (!plan->fired()) {
                break;
            }
            ++result.faults;
            if (nth + options.stride > options.limit) {
                ADD_FAILURE() << "the scenario has more operations than the sweep's limit";
                return result;
            }
        }
    }
    return result;
}

}  // namespace ringlog::simulation

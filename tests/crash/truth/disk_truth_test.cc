// Goal: a file system that loses its memory is left as the simulated disk says that it may be.
// Method: each scenario runs on loop-mounted ext4 and XFS, which are shut down without their log
// and mounted again, and on the simulated disk, which says whether what was found is allowed.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include "tests/crash/truth/kernel_executor.h"
#include "tests/crash/truth/model_executor.h"

namespace ringlog::truth {
namespace {

void compare_with(const std::string& type) {
    KernelExecutor kernel(type);
    const std::string refused = kernel.prepare();
    if (!refused.empty()) {
        GTEST_SKIP() << "disk truth of " << type << " is not checked: " << refused;
    }
    uint64_t checked = 0;
    uint64_t allowed = 0;
    for (const TruthScenario& scenario : truth_scenarios()) {
        const auto seen = kernel.run(scenario);
        ASSERT_TRUE(seen.has_value()) << scenario.name << ": " << describe(seen.error());
        const Verdict verdict = judge(scenario, *seen);
        fmt::print("{} {}: {}{}\n", type, scenario.name, describe(*seen),
                   verdict.allowed ? "" : "  FORBIDDEN");
        EXPECT_TRUE(verdict.allowed)
            << type << " " << scenario.name << " left: " << describe(*seen)
            << "\nthe simulated disk allows " << verdict.outcomes
            << " outcomes and not this one; one of them is: " << verdict.nearest;
        ++checked;
        allowed += verdict.allowed ? 1 : 0;
    }
    fmt::print("{}: {} scenarios, {} left as the simulated disk allows\n", type, checked, allowed);
}

TEST(DiskTruth, Ext4LeavesWhatTheSimulatedDiskAllows) {
    compare_with("ext4");
}

TEST(DiskTruth, XfsLeavesWhatTheSimulatedDiskAllows) {
    compare_with("xfs");
}

// What no file system may do is forbidden: else the two above would prove nothing.
TEST(DiskTruth, TheSimulatedDiskForbidsWhatWasPromised) {
    const auto scenarios = truth_scenarios();
    const auto verdict_of = [&](std::string_view name, const Tree& seen) {
        for (const TruthScenario& scenario : scenarios) {
            if (scenario.name == name) {
                return judge(scenario, seen).allowed;
            }
        }
        ADD_FAILURE() << "no scenario " << name;
        return false;
    };
    const std::string zeros(32768, '\0');
    std::string written = zeros;
    written.replace(4096, 8192, std::string(8192, 'a'));
    std::string torn = zeros;
    torn.replace(4096, 512, std::string(512, 'a'));
    std::string half_a_sector = zeros;
    half_a_sector.replace(4096, 100, std::string(100, 'a'));
    const std::string old(4096, 'o');
    EXPECT_TRUE(verdict_of("overwrite", {{"/f", zeros}}));
    EXPECT_TRUE(verdict_of("overwrite", {{"/f", written}}));
    EXPECT_TRUE(verdict_of("overwrite", {{"/f", torn}}));
    EXPECT_FALSE(verdict_of("overwrite", {{"/f", half_a_sector}}));
    EXPECT_FALSE(verdict_of("overwrite_durable", {{"/f", zeros}}));
    EXPECT_FALSE(verdict_of("overwrite_durable", {{"/f", torn}}));
    EXPECT_FALSE(verdict_of("overwrite_synced", {{"/f", zeros}}));
    EXPECT_FALSE(verdict_of("reserved_durable", {{"/f", zeros}}));
    EXPECT_FALSE(verdict_of("append_durable", {{"/f", ""}}));
    EXPECT_TRUE(verdict_of("rename", {{"/f", old}}));
    EXPECT_TRUE(verdict_of("rename", {{"/g", old}}));
    EXPECT_FALSE(verdict_of("rename", {{"/f", old}, {"/g", old}}));
    EXPECT_FALSE(verdict_of("rename", {}));
    EXPECT_FALSE(verdict_of("rename_synced", {{"/f", old}}));
    EXPECT_FALSE(verdict_of("replace", {}));
    EXPECT_FALSE(verdict_of("remove_synced", {{"/f", old}}));
}

}  // namespace
}  // namespace ringlog::truth

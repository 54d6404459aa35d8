// Goal: no acked batch is lost, whichever single disk operation fails, falls short, tears, or is
// the last one of its process or of the power. Method: fail the Nth operation for N = 1, 2, 3...
// until a run sees no fault; crash, recover, compare, append, and all of that once more.
#include <gtest/gtest.h>

#include "engine/journal_files.h"
#include "tests/fault/restarts.h"
#include "tests/simulation/sweep.h"
#include "tests/support/shard_harness.h"

namespace ringlog::engine::test {
namespace {

using simulation::CrashKind;
using simulation::DiskEffect;
using simulation::FaultPlan;

struct Sweep {
    DiskEffect effect;
    Durability durability;
    CrashKind end;  ///< How the run ends after the fault.
};

class JournalFault : public ::testing::TestWithParam<Sweep> {
protected:
    /// Acks enough for rolls, a checkpoint and recycled files; few enough for hundreds of runs.
    static constexpr uint64_t kAcks = 120;

    static HarnessOptions options() {
        HarnessOptions harness;
        harness.seed = 5;
        harness.durability = GetParam().durability;
        harness.partitions = 2;
        return harness;
    }
    static simulation::SweepOptions sweep() { return {.effects = {GetParam().effect}}; }
    /// What the sweep is for has happened: rolls, checkpoints, journal files used again.
    static void expect_all_steps(ShardHarness& harness) {
        size_t segments = 0;
        for (const Partition* partition : harness.shard()->partitions()) {
            segments = std::max(segments, partition->log().segments().size());
        }
        EXPECT_GT(segments, 1U);
        EXPECT_GT(harness.shard()->counters().checkpoints, 2U) << "only those of a new journal";
        uint64_t files = 0;
        Generation highest(0);
        for (const std::string& path : harness.node().disk().list_tree()) {
            const Generation generation =
                journal_file_generation(std::string_view(path).substr(path.rfind('/') + 1));
            files += generation.value() > 0 ? 1 : 0;
            highest = std::max(highest, generation);
        }
        EXPECT_GT(highest.value(), files) << "no file got a second generation";
    }
    static void check_restarts(ShardHarness& harness) {
        expect_everything_after_restarts(harness, GetParam().end);
    }
};

TEST_P(JournalFault, AnySingleOneWhileAppendingKeepsEveryAckedBatch) {
    const auto result = simulation::for_each_fault(sweep(), [](std::shared_ptr<FaultPlan> plan) {
        ShardHarness harness(options());
        ASSERT_TRUE(harness.create());
        harness.node().disk().arm(plan);
        harness.produce(kAcks);
        if (!plan->fired()) {
            expect_all_steps(harness);
        }
        check_restarts(harness);
    });
    EXPECT_GT(result.faults, 10U);
}

TEST_P(JournalFault, AnySingleOneWhileStartingKeepsEveryAckedBatch) {
    const auto result = simulation::for_each_fault(sweep(), [](std::shared_ptr<FaultPlan> plan) {
        ShardHarness harness(options());
        ASSERT_TRUE(harness.create());
        harness.produce(kAcks);
        harness.crash(GetParam().end);
        harness.restart();
        harness.node().disk().arm(std::move(plan));
        (void)harness.recover();  // it may fail or die: what counts is what the next start finds
        check_restarts(harness);
    });
    EXPECT_GT(result.faults, 3U);
}

std::string name_of(const ::testing::TestParamInfo<Sweep>& info) {
    return fmt::format("{}_{}_{}", simulation::effect_name(info.param.effect),
                       info.param.durability == Durability::power ? "power" : "crash",
                       info.param.end == CrashKind::kill ? "kill" : "power_loss");
}

INSTANTIATE_TEST_SUITE_P(
    Power, JournalFault,
    ::testing::Values(Sweep{DiskEffect::error, Durability::power, CrashKind::power_loss},
                      Sweep{DiskEffect::torn, Durability::power, CrashKind::power_loss},
                      Sweep{DiskEffect::short_io, Durability::power, CrashKind::power_loss},
                      Sweep{DiskEffect::no_space, Durability::power, CrashKind::power_loss},
                      Sweep{DiskEffect::power_loss, Durability::power, CrashKind::power_loss},
                      Sweep{DiskEffect::kill, Durability::power, CrashKind::kill}),
    name_of);

INSTANTIATE_TEST_SUITE_P(
    Crash, JournalFault,
    ::testing::Values(Sweep{DiskEffect::error, Durability::crash, CrashKind::kill},
                      Sweep{DiskEffect::short_io, Durability::crash, CrashKind::kill},
                      Sweep{DiskEffect::kill, Durability::crash, CrashKind::kill}),
    name_of);

}  // namespace
}  // namespace ringlog::engine::test

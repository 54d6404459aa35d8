// What every fault sweep over one shard demands behind its fault.
#pragma once

#include <gtest/gtest.h>

#include "tests/support/shard_harness.h"

namespace ringlog::engine::test {

/// A start without faults finds everything, and goes on: what is appended then is there at the next
/// start, and nothing that recovery cut comes back behind it. `end`: how the life of the fault
/// ends, if it has not yet; the one behind it ends with a kill.
inline void expect_everything_after_restarts(ShardHarness& harness, simulation::CrashKind end) {
    constexpr uint64_t kAcksBehind = 4;
    harness.node().disk().arm(nullptr);
    for (int start = 0; start < 2; ++start) {
        harness.crash(start == 0 ? end : simulation::CrashKind::kill);
        harness.restart();
        Error error{Errc::io_failed};
        ASSERT_TRUE(harness.recover(&error)) << describe(error) << " at start " << start;
        EXPECT_EQ(harness.shard()->counters().damaged_partitions, 0U);
        ASSERT_EQ(harness.verify(), "");
        const uint64_t acked = harness.acked_count();
        harness.produce(kAcksBehind);
        ASSERT_GE(harness.acked_count(), acked + kAcksBehind) << "start " << start;
    }
    ASSERT_EQ(harness.verify(), "");
}

}  // namespace ringlog::engine::test

// When a core polls without waiting: while it expects work soon, and never while a file operation
// is in flight.
#include <gtest/gtest.h>

#include "tests/support/io_suite.h"
#include "tests/support/kernel_fixture.h"

namespace ringlog::io {
namespace {

RuntimeOptions spinning(IoChoice choice) {
    RuntimeOptions options = test::runtime_options(choice, 1);
    options.spin_ns = 100 * kMillisecondNs;
    return options;
}

Task<void> spin_for_a_timer(Reactor& reactor) {
    const uint64_t before = reactor.counters().spins;
    co_await reactor.yield();  // Spinning is counted from a turn in which something ran.
    co_await reactor.sleep_for(2 * kMillisecondNs);
    EXPECT_GT(reactor.counters().spins, before);
}

// Goal: a spinning core was measured to hold up the completion of a direct write by a whole clock
// tick of 4 ms.
Task<void> wait_for_writes(Reactor& reactor, std::string path) {
    File file = co_await suite::open_file(reactor, path);
    suite::AlignedBuffer block(4096);
    const uint64_t before = reactor.counters().spins;
    for (uint64_t i = 0; i < 30; ++i) {
        FileOp write = file.write(block.bytes(), 0, WriteMode::flushed);
        const auto written = co_await write;
        EXPECT_EQ(written, 4096U);
    }
    EXPECT_EQ(reactor.counters().spins, before);
    file.close();
}

TEST(Spin, ACoreThatMaySpinPollsWhileNoFileOperationIsInFlight) {
    for (const IoChoice choice : {IoChoice::uring, IoChoice::epoll}) {
        test::KernelFixture<IoChoice::automatic> timer(spinning(choice));
        timer.run([](Reactor& reactor) { return spin_for_a_timer(reactor); });
        test::KernelFixture<IoChoice::automatic> writes(spinning(choice));
        const std::string path = writes.directory() + "/file";
        writes.run([&path](Reactor& reactor) { return wait_for_writes(reactor, path); });
    }
}

}  // namespace
}  // namespace ringlog::io

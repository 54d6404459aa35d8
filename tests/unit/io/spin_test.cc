// When a core polls without waiting: while it expects work soon, and never while a file operation
// is in flight.
#include <gtest/gtest.h>

#include <set>

#include "io/posix_file_system.h"
#include "io/posix_network.h"
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

class ManualClock final : public Clock {
public:
    [[nodiscard]] MonotonicNs monotonic_ns() const override { return now; }
    [[nodiscard]] WallMs wall_ms() const override { return now / kMillisecondNs; }
    MonotonicNs now = kSecondNs;
};

/// Each poll takes a microsecond, or waits for the next completion. A completion resumes nobody, as
/// that of a receive does not.
class PlannedBackend final : public Backend {
public:
    explicit PlannedBackend(ManualClock& clock) : clock_(clock) {}

    uint32_t poll(MonotonicNs deadline) override {
        const bool waits = deadline > clock_.now;
        if (waits) {
            waited_from.push_back(clock_.now);
            clock_.now =
                std::max(clock_.now, completions.empty() ? deadline : *completions.begin());
        } else {
            clock_.now += kMicrosecondNs;
        }
        uint32_t done = 0;
        for (; !completions.empty() && *completions.begin() <= clock_.now; ++done) {
            completions.erase(completions.begin());
        }
        return done;
    }
    void submit(Op&) override {}
    void cancel(Op&) override {}
    void wake() override {}
    Result<Handle> attach(int32_t) override { return fail(Errc::closed); }
    int32_t detach(Handle) override { return -1; }
    void close(Handle) override {}
    int16_t register_memory(Bytes) override { return -1; }
    [[nodiscard]] uint32_t file_ops_in_flight() const override { return 0; }
    [[nodiscard]] std::string_view name() const override { return "planned"; }

    std::multiset<MonotonicNs> completions;  ///< When they come.
    std::vector<MonotonicNs> waited_from;

private:
    ManualClock& clock_;
};

class NoHelpers final : public Helpers {
public:
    void run(Reactor& home, BlockingCall& call) override {
        call.run();
        home.blocking_call_done(call);
    }
};

TEST(Spin, LastsFromTheLastCompletionWhateverItResumes) {
    constexpr int64_t kSpinNs = 50 * kMicrosecondNs;
    ManualClock clock;
    PlannedBackend backend(clock);
    NoHelpers helpers;
    PosixFileSystem files;
    PosixNetwork network;
    Reactor reactor({.backend = backend,
                     .helpers = helpers,
                     .files = files,
                     .network = network,
                     .clock = clock,
                     .spin_ns = kSpinNs});
    const MonotonicNs begin = clock.now;
    // One ends a wait, one comes while it spins behind that, one ends the next wait.
    const std::vector<MonotonicNs> comes = {begin + kMillisecondNs,
                                            begin + kMillisecondNs + 40 * kMicrosecondNs,
                                            begin + 5 * kMillisecondNs};
    backend.completions = {comes.begin(), comes.end()};
    while (clock.now < begin + 6 * kMillisecondNs && backend.waited_from.size() < 3) {
        reactor.turn(true);
    }
    ASSERT_EQ(backend.waited_from.size(), 3U);
    for (size_t wait = 1; wait < 3; ++wait) {
        const MonotonicNs idle = backend.waited_from[wait] - comes[wait];
        EXPECT_GE(idle, kSpinNs) << "it waits again before its time";
        EXPECT_LE(idle, kSpinNs + 2 * kMicrosecondNs) << "it spins on for nothing";
    }
}

}  // namespace
}  // namespace ringlog::io

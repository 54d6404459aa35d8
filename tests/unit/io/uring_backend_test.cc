// io_uring where its queues are far too small: full submission queues, overflowing completions, no
// receive buffer free.
#include "io/uring_backend.h"

#include <gtest/gtest.h>

#include "tests/support/io_suite.h"
#include "tests/support/io_suite_sockets.h"
#include "tests/support/kernel_fixture.h"

namespace ringlog::io::suite {

/// Two receive buffers, four submissions, eight completions, two registered files.
class TinyRingFixture : public test::KernelFixture<IoChoice::uring> {
public:
    explicit TinyRingFixture(uint16_t cores) : KernelFixture(options(cores)) {}

private:
    static RuntimeOptions options(uint16_t cores) {
        RuntimeOptions options = test::runtime_options(IoChoice::uring, cores);
        options.uring.sizes = {
            .submissions = 4, .completions = 8, .file_slots = 2, .memory_slots = 1};
        options.uring.receive_buffers = 2;
        return options;
    }
};

INSTANTIATE_TYPED_TEST_SUITE_P(TinyRing, IoFiles, testing::Types<TinyRingFixture>);
INSTANTIATE_TYPED_TEST_SUITE_P(TinyRing, IoSockets, testing::Types<TinyRingFixture>);

namespace {

/// More sockets with bytes waiting than there are buffers: the kernel ends receives with ENOBUFS,
/// and each goes on.
Task<void> receive_without_buffers(Reactor& reactor, std::string host) {
    constexpr size_t kPairs = 12;
    constexpr size_t kBytes = 400'000;
    std::vector<Pair> pairs;
    std::vector<std::unique_ptr<Collector>> collectors;
    AlignedBuffer data(kBytes);
    data.fill(9);
    for (size_t i = 0; i < kPairs; ++i) {
        pairs.push_back(co_await connected_pair(reactor, host));
        collectors.push_back(std::make_unique<Collector>(reactor));
    }
    TaskGroup tasks;
    std::vector<Result<void>> outcomes(kPairs);
    for (size_t i = 0; i < kPairs; ++i) {
        tasks.spawn(blocked_send(*pairs[i].client, data.bytes(), outcomes[i]));
    }
    co_await let_bytes_arrive(reactor, host);
    for (size_t i = 0; i < kPairs; ++i) {
        pairs[i].server->start_receiving(*collectors[i]);
    }
    for (size_t i = 0; i < kPairs; ++i) {
        const bool all = co_await collectors[i]->wait_for_bytes(kBytes);
        EXPECT_TRUE(all);
        EXPECT_TRUE(same_bytes(collectors[i]->received(), data.bytes()));
    }
    co_await tasks.close();
    for (Pair& pair : pairs) {
        co_await close_pair(pair);
    }
}

TEST(UringBackend, ReceivesGoOnWhenNoBufferWasFree) {
    TinyRingFixture fixture(1);
    fixture.run([](Reactor& reactor) { return receive_without_buffers(reactor, "127.0.0.1"); });
}

TEST(UringBackend, MemoryBeyondTheTableIsUsedUnregistered) {
    TinyRingFixture fixture(1);
    Backend& backend = fixture.runtime().reactor(CoreId(0)).backend();
    AlignedBuffer first(4096);
    AlignedBuffer second(4096);
    EXPECT_EQ(backend.register_memory(first.bytes()), 0);
    EXPECT_EQ(backend.register_memory(second.bytes()), -1);
}

struct Seen : Op {
    std::vector<int32_t> results;
};

/// Submits, cancels and polls by hand, in the order in which a full queue hurts most.
TEST(UringBackend, CancelledOperationsCompleteOnceFromPoll) {
    UringOptions options;
    options.sizes.submissions = 4;
    auto backend = UringBackend::create(options).value();
    PosixNetwork network;
    std::vector<std::unique_ptr<Seen>> accepts;
    for (int i = 0; i < 20; ++i) {
        const int32_t descriptor = network.listen("127.0.0.1", 0).value();
        auto accept = std::make_unique<Seen>();
        accept->kind = Op::Kind::accept;
        accept->handle = backend->attach(descriptor).value();
        accept->done = [](Op& op, const Completion& completion) {
            EXPECT_FALSE(completion.more);
            static_cast<Seen&>(op).results.push_back(completion.result);
        };
        backend->submit(*accept);
        accepts.push_back(std::move(accept));
    }
    for (const auto& accept : accepts) {
        backend->cancel(*accept);
        backend->cancel(*accept);
        EXPECT_TRUE(accept->results.empty());
    }
    uint32_t completed = 0;
    for (int turn = 0; turn < 1000 && completed < accepts.size(); ++turn) {
        completed += backend->poll(SystemClock().monotonic_ns() + kMillisecondNs);
    }
    for (const auto& accept : accepts) {
        EXPECT_EQ(accept->results, std::vector<int32_t>{-ECANCELED});
        EXPECT_EQ(accept->backend_data, 0U);
        backend->close(accept->handle);
    }
}

TEST(UringBackend, PollEndsAtItsDeadlineAndAtAWake) {
    auto backend = UringBackend::create().value();
    const SystemClock clock;
    const MonotonicNs deadline = clock.monotonic_ns() + 5 * kMillisecondNs;
    EXPECT_EQ(backend->poll(deadline), 0U);
    EXPECT_GE(clock.monotonic_ns(), deadline);
    backend->wake();
    backend->poll(INT64_MAX);  // Returns: the wake came before.
    std::thread waker([&backend] { backend->wake(); });
    backend->poll(INT64_MAX);
    waker.join();
}

}  // namespace
}  // namespace ringlog::io::suite

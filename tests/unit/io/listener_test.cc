// Accepting where the process runs out of descriptors.
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include "tests/support/child_process.h"
#include "tests/support/kernel_fixture.h"
#include "tests/support/socket_helpers.h"

namespace ringlog::io {
namespace {

struct Connect : Op {
    bool finished = false;
    int32_t result = 0;
};

/// Starts a connection without a descriptor of its own.
void start_connect(Reactor& reactor, Connect& connect, Handle handle, const std::string& address) {
    connect.kind = Op::Kind::connect;
    connect.handle = handle;
    connect.address = &address;
    connect.done = [](Op& op, const Completion& completion) {
        static_cast<Connect&>(op).finished = true;
        static_cast<Connect&>(op).result = completion.result;
    };
    reactor.backend().submit(connect);
}

/// A client connects while no descriptor is left: accepting pauses, and goes on when one is free
/// again.
Task<bool> starve_and_recover(Reactor& reactor) {
    suite::Acceptor acceptor(reactor);
    acceptor.start("127.0.0.1");
    const int32_t descriptor = reactor.network().open_socket(acceptor.address()).value();
    const Handle handle = reactor.backend().attach(descriptor).value();
    std::vector<int> fillers;
    for (int filler = dup(descriptor); filler >= 0; filler = dup(descriptor)) {
        fillers.push_back(filler);
    }
    Connect connect;
    start_connect(reactor, connect, handle, acceptor.address());
    // Two rests of the listener: it must neither spin nor give up.
    const MonotonicNs until = reactor.now() + 250 * kMillisecondNs;
    while (!connect.finished || reactor.now() < until) {
        co_await reactor.sleep_for(kMillisecondNs);
    }
    close(fillers.back());
    const int32_t accepted = co_await acceptor.next();
    const bool well = connect.result == 0 && accepted == fillers.back();
    reactor.network().close(accepted);
    fillers.pop_back();
    for (const int filler : fillers) {
        close(filler);
    }
    reactor.backend().close(handle);
    co_await acceptor.close();
    co_return well;
}

TEST(Listener, WaitsWhileTheProcessHasNoDescriptorsAndSaysSoOnce) {
    for (const IoChoice choice : {IoChoice::uring, IoChoice::epoll}) {
        const auto child = test::run_in_child([choice] {
            const rlimit limit{.rlim_cur = 128, .rlim_max = 128};
            setrlimit(RLIMIT_NOFILE, &limit);
            auto runtime = Runtime::create(test::runtime_options(choice, 1)).value();
            Reactor& reactor = runtime->reactor(CoreId(0));
            const bool well = block_on(reactor, starve_and_recover(reactor));
            return well && reactor.counters().turns < 2000 ? 0 : 1;
        });
        EXPECT_EQ(child.exit_status, 0) << child.output;
        EXPECT_NE(child.output.find("EMFILE"), std::string::npos) << child.output;
        EXPECT_EQ(std::ranges::count(child.output, '\n'), 1) << child.output;
    }
}

Task<void> close_while_resting(Reactor& reactor) {
    suite::Acceptor acceptor(reactor);
    acceptor.start("127.0.0.1");
    const MonotonicNs before = reactor.now();
    co_await acceptor.close();
    EXPECT_LT(reactor.now() - before, suite::kPatienceNs);
}

TEST(Listener, ClosesWithoutAnyConnection) {
    test::UringFixture uring(1);
    uring.run([](Reactor& reactor) { return close_while_resting(reactor); });
    test::EpollFixture epoll(1);
    epoll.run([](Reactor& reactor) { return close_while_resting(reactor); });
}

}  // namespace
}  // namespace ringlog::io

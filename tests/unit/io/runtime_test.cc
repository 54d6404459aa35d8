// Building cores: the choice of the backend and its fallback, pinning, stopping from outside.
#include "io/runtime.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>

#include "tests/support/child_process.h"
#include "tests/support/io_suite.h"
#include "tests/support/io_suite_sockets.h"
#include "tests/support/kernel_fixture.h"

namespace ringlog::io {
namespace {

using testing::HasSubstr;
using testing::Not;

/// Uses files, sockets, helpers and two cores; 0 if the runtime that `choice` gives is the backend
/// `expected`.
int use_everything(IoChoice choice, std::string_view expected) {
    const test::TemporaryDirectory directory;
    auto runtime = Runtime::create(test::runtime_options(choice, 2));
    if (!runtime || (*runtime)->backend_name() != expected) {
        return 1;
    }
    TaskGroup tasks;
    (*runtime)->start([&](Reactor& reactor) {
        if (reactor.core().value() != 0) {
            return;
        }
        const auto body = [](Reactor& here, std::string path, Runtime& owner) -> Task<void> {
            co_await suite::write_and_read_back(here, path, WriteMode::flushed, true);
            co_await suite::hand_over(here, "127.0.0.1");
            owner.stop();
        };
        tasks.spawn(body(reactor, directory.path() + "/file", **runtime));
    });
    (*runtime)->join();
    return testing::Test::HasFailure() ? 2 : 0;
}

TEST(Runtime, AutomaticUsesIoUringWhereItIsAllowed) {
    const auto child =
        test::run_in_child([] { return use_everything(IoChoice::automatic, "io_uring"); });
    EXPECT_EQ(child.exit_status, 0) << child.output;
    EXPECT_THAT(child.output, Not(HasSubstr("io_uring is not available")));
}

// Goal: default container profiles refuse io_uring; the broker starts there, says why in one line,
// and works.
TEST(Runtime, AutomaticFallsBackToEpollAndSaysWhyInOneLine) {
    struct Refusal {
        int error;
        std::string_view name;
    };
    for (const Refusal refusal : {Refusal{EPERM, "EPERM"}, Refusal{ENOSYS, "ENOSYS"}}) {
        const auto child = test::run_in_child([&refusal] {
            if (!test::refuse_system_calls(
                    {SYS_io_uring_setup, SYS_io_uring_enter, SYS_io_uring_register},
                    refusal.error)) {
                return 99;
            }
            return use_everything(IoChoice::automatic, "epoll");
        });
        EXPECT_EQ(child.exit_status, 0) << child.output;
        EXPECT_THAT(child.output, HasSubstr("io_uring is not available"));
        EXPECT_THAT(child.output, HasSubstr(refusal.name));
        EXPECT_EQ(std::ranges::count(child.output, '\n'), 1) << child.output;
    }
}

TEST(Runtime, ARingThatCanBeMadeAndNotUsedIsNoRing) {
    const auto child = test::run_in_child([] {
        if (!test::refuse_system_calls({SYS_io_uring_enter}, EPERM)) {
            return 99;
        }
        return use_everything(IoChoice::automatic, "epoll");
    });
    EXPECT_EQ(child.exit_status, 0) << child.output;
    EXPECT_THAT(child.output, HasSubstr("io_uring is not available"));
}

TEST(Runtime, EpollWorksWithoutTheNewerWaitCall) {
    const auto child = test::run_in_child([] {
        if (!test::refuse_system_calls({SYS_epoll_pwait2}, ENOSYS)) {
            return 99;
        }
        return use_everything(IoChoice::epoll, "epoll");
    });
    EXPECT_EQ(child.exit_status, 0) << child.output;
    EXPECT_EQ(child.output, "");
}

TEST(Runtime, IoUringThatIsAskedForAndRefusedIsAnError) {
    const auto child = test::run_in_child([] {
        if (!test::refuse_system_calls({SYS_io_uring_setup}, EPERM)) {
            return 99;
        }
        const auto runtime = Runtime::create(test::runtime_options(IoChoice::uring, 1));
        return !runtime && runtime.error() == Error{Errc::io_failed, EPERM} ? 0 : 1;
    });
    EXPECT_EQ(child.exit_status, 0) << child.output;
}

TEST(Runtime, ACpuThatTheProcessMayNotUseIsRefused) {
    RuntimeOptions options = test::runtime_options(IoChoice::epoll, 1);
    options.cpus = {4000};
    const auto runtime = Runtime::create(options);
    ASSERT_FALSE(runtime.has_value());
    EXPECT_EQ(runtime.error().code, Errc::invalid_argument);
    EXPECT_EQ(runtime.error().at, 4000);
}

TEST(Runtime, CoresThatWaitStopWhenAnotherThreadAsks) {
    for (const IoChoice choice : {IoChoice::uring, IoChoice::epoll}) {
        auto runtime = Runtime::create(test::runtime_options(choice, 3));
        ASSERT_TRUE(runtime.has_value());
        std::atomic<int> started = 0;
        (*runtime)->start([&started](Reactor&) { ++started; });
        (*runtime)->stop();  // Some wait in the kernel by now, some have not begun.
        (*runtime)->join();
        EXPECT_EQ(started, 3);
    }
}

TEST(Runtime, ACoreIsPinnedToItsCpu) {
    const RuntimeOptions options = test::runtime_options(IoChoice::automatic, 2);
    auto runtime = Runtime::create(options);
    ASSERT_TRUE(runtime.has_value());
    std::array<std::atomic<int>, 2> cpus{};
    (*runtime)->start([&cpus](Reactor& reactor) { cpus[reactor.core().value()] = sched_getcpu(); });
    (*runtime)->stop();
    (*runtime)->join();
    EXPECT_EQ(cpus[0], options.cpus[0]);
    EXPECT_EQ(cpus[1], options.cpus[1]);
}

TEST(BlockOn, GivesTheResultWithoutTimers) {
    auto runtime = Runtime::create(test::runtime_options(IoChoice::automatic, 1));
    ASSERT_TRUE(runtime.has_value());
    Reactor& reactor = (*runtime)->reactor(CoreId(0));
    const auto body = [](Reactor& here) -> Task<int> {
        const int value = co_await here.run_blocking([] { return 41; });
        co_return value + 1;
    };
    EXPECT_EQ(block_on(reactor, body(reactor)), 42);
    EXPECT_EQ(block_on(reactor, body(reactor)), 42);
}

}  // namespace
}  // namespace ringlog::io

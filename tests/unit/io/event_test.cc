// Waits that end on the same core: Event, Semaphore, TaskGroup, yield.
#include "io/event.h"

#include <gtest/gtest.h>

#include <vector>

#include "tests/support/kernel_fixture.h"

namespace ringlog::io {
namespace {

/// One core over epoll, which every machine has.
class OneCore : public testing::Test {
protected:
    OneCore()
        : runtime_(Runtime::create(test::runtime_options(IoChoice::epoll, 1)).value()),
          reactor_(runtime_->reactor(CoreId(0))) {}
    std::unique_ptr<Runtime> runtime_;
    Reactor& reactor_;
};

Task<void> wait_and_note(Event& event, int value, std::vector<int>& order) {
    co_await event.wait();
    order.push_back(value);
}

using EventTest = OneCore;
TEST_F(EventTest, WaitersAreResumedInOrderOneOrAll) {
    Event event(reactor_);
    TaskGroup tasks;
    std::vector<int> order;
    event.notify_all();  // Nobody waits: lost.
    for (int i = 0; i < 4; ++i) {
        tasks.spawn(wait_and_note(event, i, order));
    }
    event.notify_one();
    reactor_.turn(false);
    EXPECT_EQ(order, (std::vector<int>{0}));
    event.notify_all();
    EXPECT_FALSE(event.has_waiters());
    reactor_.turn(false);
    EXPECT_EQ(order, (std::vector<int>{0, 1, 2, 3}));
    EXPECT_EQ(tasks.running(), 0U);
}

Task<bool> wait_until(Reactor& reactor, Event& event, MonotonicNs deadline) {
    const bool notified = co_await event.wait_until(deadline);
    EXPECT_TRUE(notified || reactor.now() >= deadline);
    co_return notified;
}

Task<void> notify_after(Reactor& reactor, Event& event, int64_t duration_ns) {
    co_await reactor.sleep_for(duration_ns);
    event.notify_all();
}

TEST_F(EventTest, AWaitEndsAtItsDeadlineOrItsNotification) {
    Event event(reactor_);
    const MonotonicNs soon = reactor_.exact_now() + 3 * kMillisecondNs;
    EXPECT_FALSE(block_on(reactor_, wait_until(reactor_, event, soon)));
    EXPECT_FALSE(block_on(reactor_, wait_until(reactor_, event, 0)));
    EXPECT_FALSE(event.has_waiters());
    TaskGroup tasks;
    tasks.spawn(notify_after(reactor_, event, kMillisecondNs));
    const MonotonicNs late = reactor_.exact_now() + 60 * kSecondNs;
    EXPECT_TRUE(block_on(reactor_, wait_until(reactor_, event, late)));
    EXPECT_EQ(reactor_.timers().next_deadline(), INT64_MAX);  // The deadline went with it.
}

Task<void> take_and_note(Semaphore& semaphore, int64_t amount, std::vector<int64_t>& order) {
    co_await semaphore.take(amount);
    order.push_back(amount);
}

using SemaphoreTest = OneCore;
TEST_F(SemaphoreTest, ALargeWaiterIsNotStarvedBySmallOnes) {
    Semaphore semaphore(reactor_, 10);
    TaskGroup tasks;
    std::vector<int64_t> order;
    EXPECT_TRUE(semaphore.try_take(6));
    tasks.spawn(take_and_note(semaphore, 8, order));
    EXPECT_FALSE(semaphore.try_take(1));  // There is room, and somebody waits before.
    tasks.spawn(take_and_note(semaphore, 1, order));
    reactor_.turn(false);
    EXPECT_TRUE(order.empty());
    semaphore.give(6);
    reactor_.turn(false);
    EXPECT_EQ(order, (std::vector<int64_t>{8, 1}));
    EXPECT_EQ(semaphore.available(), 1);
    semaphore.give(9);
    EXPECT_EQ(semaphore.available(), 10);
}

TEST_F(SemaphoreTest, MoreThanEverExistsIsGrantedWhenAllIsBack) {
    Semaphore semaphore(reactor_, 10);
    TaskGroup tasks;
    std::vector<int64_t> order;
    EXPECT_TRUE(semaphore.try_take(10));
    tasks.spawn(take_and_note(semaphore, 25, order));
    semaphore.give(9);
    reactor_.turn(false);
    EXPECT_TRUE(order.empty());
    semaphore.give(1);
    reactor_.turn(false);
    EXPECT_EQ(order, (std::vector<int64_t>{25}));
    EXPECT_EQ(semaphore.available(), -15);
    EXPECT_FALSE(semaphore.try_take(1));
    semaphore.give(25);
    EXPECT_EQ(semaphore.available(), 10);
}

Task<void> take_turns(Reactor& reactor, int value, std::vector<int>& order) {
    for (int i = 0; i < 3; ++i) {
        order.push_back(value);
        co_await reactor.yield();
    }
}

using ReactorTest = OneCore;
TEST_F(ReactorTest, CoroutinesThatYieldTakeTurns) {
    TaskGroup tasks;
    std::vector<int> order;
    tasks.spawn(take_turns(reactor_, 1, order));
    tasks.spawn(take_turns(reactor_, 2, order));
    for (int i = 0; i < 10 && tasks.running() > 0; ++i) {
        reactor_.turn(false);
    }
    EXPECT_EQ(order, (std::vector<int>{1, 2, 1, 2, 1, 2}));
    EXPECT_EQ(tasks.running(), 0U);
}

/// Yields until it is told to stop.
Task<void> busy(Reactor& reactor, const bool& stop) {
    while (!stop) {
        co_await reactor.yield();
    }
}

TEST_F(ReactorTest, ABusyCoreStillServesTimersAndBlockingCalls) {
    TaskGroup tasks;
    bool stop = false;
    tasks.spawn(busy(reactor_, stop));
    const auto body = [](Reactor& reactor) -> Task<int> {
        co_await reactor.sleep_for(kMillisecondNs);
        const int value = co_await reactor.run_blocking([] { return 7; });
        co_return value;
    };
    EXPECT_EQ(block_on(reactor_, body(reactor_)), 7);
    stop = true;
    reactor_.turn(false);
    EXPECT_EQ(tasks.running(), 0U);
}

TEST_F(ReactorTest, AnIdleCoreWaitsInTheKernel) {
    const ReactorCounters before = reactor_.counters();
    const auto body = [](Reactor& reactor) -> Task<void> {
        co_await reactor.sleep_for(20 * kMillisecondNs);
    };
    block_on(reactor_, body(reactor_));
    EXPECT_LT(reactor_.counters().turns - before.turns, 10U);
    EXPECT_EQ(reactor_.counters().spins, before.spins);
}

}  // namespace
}  // namespace ringlog::io

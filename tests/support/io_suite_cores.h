// The part of the suite of the seam that is about time, helpers and messages between cores. See
// tests/support/io_suite.h.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "io/event.h"
#include "io/mesh.h"
#include "tests/support/io_suite.h"

namespace ringlog::io::suite {

inline Task<void> note_after(Reactor& reactor, MonotonicNs deadline, int value,
                             std::vector<int>& order) {
    co_await reactor.sleep_until(deadline);
    EXPECT_GE(reactor.now(), deadline);
    order.push_back(value);
}

/// Deadlines decide, whatever the order of arming; equal deadlines fire as they were armed, unless
/// the scheduler shuffles.
inline Task<void> timers_in_order(Reactor& reactor, std::string) {
    std::vector<int> order;
    TaskGroup tasks;
    const MonotonicNs start = reactor.now();
    for (const int i : {7, 2, 9, 1, 5, 3, 8, 6, 4, 0}) {
        tasks.spawn(note_after(reactor, start + i * 2 * kMillisecondNs, i, order));
    }
    tasks.spawn(note_after(reactor, start - kSecondNs, -1, order));
    co_await tasks.close();
    EXPECT_EQ(order, (std::vector<int>{-1, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9}));
}

inline Task<void> blocking_call(Reactor& reactor, uint64_t value, uint64_t& sum) {
    const uint64_t doubled = co_await reactor.run_blocking([value] { return value * 2; });
    sum += doubled;
}

inline Task<void> many_blocking_calls(Reactor& reactor, std::string) {
    constexpr uint64_t kCalls = 500;
    TaskGroup tasks;
    uint64_t sum = 0;
    for (uint64_t i = 0; i < kCalls; ++i) {
        tasks.spawn(blocking_call(reactor, i, sum));
    }
    co_await tasks.close();
    EXPECT_EQ(sum, kCalls * (kCalls - 1));
}

inline Task<uint64_t> answer(Reactor& there, uint64_t value) {
    co_await there.yield();
    co_return value * 1000 + there.core().value();
}

inline Task<void> one_call(Reactor& reactor, CoreId to, uint64_t value, uint64_t& answered) {
    const uint64_t got =
        co_await call_on(reactor, to, [value](Reactor& there) { return answer(there, value); });
    EXPECT_EQ(got, value * 1000 + to.value());
    ++answered;
}

/// More calls at once than the queues hold, to every core, this one too.
inline Task<void> calls_from(Reactor& reactor, uint64_t calls_per_core) {
    TaskGroup tasks;
    uint64_t answered = 0;
    for (uint64_t i = 0; i < calls_per_core; ++i) {
        for (uint16_t core = 0; core < reactor.core_count(); ++core) {
            tasks.spawn(one_call(reactor, CoreId(core), i, answered));
        }
    }
    co_await tasks.close();
    EXPECT_EQ(answered, calls_per_core * reactor.core_count());
}

inline Task<bool> calls_from_there(Reactor& there) {
    co_await calls_from(there, Mesh::kQueueCapacity + 300);
    co_return true;
}

/// Every core calls every core at the same time.
inline Task<void> all_to_all(Reactor& reactor, std::string) {
    const auto start_on = [](Reactor& here, CoreId to) -> Task<void> {
        co_await call_on(here, to, [](Reactor& there) { return calls_from_there(there); });
    };
    TaskGroup tasks;
    for (uint16_t core = 1; core < reactor.core_count(); ++core) {
        tasks.spawn(start_on(reactor, CoreId(core)));
    }
    co_await calls_from(reactor, Mesh::kQueueCapacity + 300);
    co_await tasks.close();
}

/// What one core counts of the messages of another.
struct OrderCheck {
    uint64_t next = 0;
    bool ordered = true;
};

/// Goes to the other core, checks its place there, and comes home.
class Numbered final : public Message {
public:
    void deliver(Reactor& here) override {
        if (here.core() == home) {
            ++*returned;
            changed->notify_all();
            return;
        }
        check->ordered &= check->next == number;
        ++check->next;
        here.send(home, *this);
    }
    CoreId home;
    uint64_t number = 0;
    OrderCheck* check = nullptr;  ///< The other core's until every message is back.
    uint64_t* returned = nullptr;
    Event* changed = nullptr;  ///< Of home's core: `returned` grew.
};

inline Task<void> messages_in_order(Reactor& reactor, std::string) {
    constexpr uint64_t kMessages = 5000;
    std::vector<std::unique_ptr<Numbered>> messages;
    std::vector<OrderCheck> checks(reactor.core_count());
    Event changed(reactor);
    uint64_t returned = 0;
    uint64_t expected = 0;
    for (uint64_t i = 0; i < kMessages; ++i) {
        for (uint16_t core = 1; core < reactor.core_count(); ++core) {
            auto message = std::make_unique<Numbered>();
            message->home = reactor.core();
            message->number = i;
            message->check = &checks[core];
            message->returned = &returned;
            message->changed = &changed;
            reactor.send(CoreId(core), *message);
            messages.push_back(std::move(message));
            ++expected;
        }
    }
    const MonotonicNs deadline = reactor.now() + kPatienceNs;
    while (returned < expected && reactor.now() < deadline) {
        co_await changed.wait_until(deadline);
    }
    EXPECT_EQ(returned, expected);
    for (uint16_t core = 1; core < reactor.core_count(); ++core) {
        EXPECT_TRUE(checks[core].ordered);
        EXPECT_EQ(checks[core].next, kMessages);
    }
}

template <typename Fixture>
class IoCores : public testing::Test {
protected:
    static void run(Task<void> (*body)(Reactor&, std::string), uint16_t cores) {
        Fixture fixture(cores);
        fixture.run([body](Reactor& reactor) { return body(reactor, ""); });
    }
};
TYPED_TEST_SUITE_P(IoCores);

TYPED_TEST_P(IoCores, TimersFireInTheOrderOfTheirDeadlines) {
    this->run(&timers_in_order, 1);
}
TYPED_TEST_P(IoCores, BlockingCallsGiveTheirResults) {
    this->run(&many_blocking_calls, 1);
}
TYPED_TEST_P(IoCores, TwoCoresCallEachOtherBeyondTheirQueues) {
    this->run(&all_to_all, 2);
}
TYPED_TEST_P(IoCores, FourCoresCallEachOtherBeyondTheirQueues) {
    this->run(&all_to_all, 4);
}
TYPED_TEST_P(IoCores, MessagesOfAPairOfCoresStayInOrder) {
    this->run(&messages_in_order, 4);
}
REGISTER_TYPED_TEST_SUITE_P(IoCores, TimersFireInTheOrderOfTheirDeadlines,
                            BlockingCallsGiveTheirResults, TwoCoresCallEachOtherBeyondTheirQueues,
                            FourCoresCallEachOtherBeyondTheirQueues,
                            MessagesOfAPairOfCoresStayInOrder);

}  // namespace ringlog::io::suite

// Goal: the admin port may ask at any time, also while everything is being closed. Method: it asks
// again and again until the broker has ended.
#include "broker/broker_admin.h"

#include <gtest/gtest.h>

#include "tests/unit/broker_server/broker_world.h"

namespace ringlog::broker::test {
namespace {

using simulation::SimNode;
using simulation::SimWorld;

struct Asking {
    bool ended = false;
    bool in_order = false;
    int answers_while_closing = 0;
};

/// What a stop does, and what a start does that fails when it is about to accept.
io::Task<void> close_broker(Broker& broker, Asking& asking) {
    asking.in_order = co_await broker.stop();
    asking.ended = true;
}

io::Task<bool> ask_until_closed(io::Reactor& reactor, BrokerAdmin& admin, Asking& asking) {
    bool sound = true;
    while (!asking.ended) {
        const BrokerStatus status = co_await admin.status();
        const std::vector<MetricSnapshot> metrics = co_await admin.metrics();
        sound = sound && metrics.size() <= status.core_count;
        ++asking.answers_while_closing;
        co_await reactor.yield();
    }
    co_return sound;
}

TEST(BrokerAdmin, AsksNoCoreThatIsGone) {
    for (uint64_t seed = 1; seed <= 10; ++seed) {
        SCOPED_TRACE(seed);
        SimWorld world(seed);
        Metadata metadata;
        SimNode& node = world.add_node({.cores = 4});
        Broker& broker = boot(node, metadata);
        auto& admin = node.own(std::make_unique<BrokerAdmin>(broker, "simulated"));
        auto& asking = node.own(std::make_unique<Asking>());
        node.spawn(0, close_broker(broker, asking));
        EXPECT_EQ(node.run(0, ask_until_closed(node.reactor(0), admin, asking)), true);
        EXPECT_TRUE(asking.in_order);
        EXPECT_GT(asking.answers_while_closing, 1);
        node.stop();
    }
}

}  // namespace
}  // namespace ringlog::broker::test

// The suite that every implementation of the seam below the reactor passes, under several seeds.
#include <gtest/gtest.h>

#include "tests/simulation/sim_fixture.h"
#include "tests/support/io_suite.h"
#include "tests/support/io_suite_cores.h"
#include "tests/support/io_suite_sockets.h"

namespace ringlog::io::suite {

using Simulations =
    testing::Types<simulation::SimFixture<1>, simulation::SimFixture<2>, simulation::SimFixture<3>>;
/// The suite expects timers that are due together to resume their coroutines in order.
using InOrder = testing::Types<simulation::SimFixture<1, false>, simulation::SimFixture<2, false>,
                               simulation::SimFixture<3, false>>;
INSTANTIATE_TYPED_TEST_SUITE_P(Simulated, IoFiles, Simulations);
INSTANTIATE_TYPED_TEST_SUITE_P(Simulated, IoSockets, Simulations);
INSTANTIATE_TYPED_TEST_SUITE_P(Simulated, IoCores, InOrder);

}  // namespace ringlog::io::suite

// The fixture of tests/support/io_suite.h over a simulated node.
#pragma once

#include <functional>
#include <string>
#include <utility>

#include "tests/simulation/sim_world.h"

namespace ringlog::simulation {

/// `kShuffle`: whether what is ready at one moment runs in an order of the seed.
template <uint64_t kSeed, bool kShuffle = true>
class SimFixture {
public:
    explicit SimFixture(uint16_t cores)
        : world_(kSeed), node_(world_.add_node({.cores = cores, .shuffle = kShuffle})) {
        RL_ASSERT(node_.files().make_directory(directory()).has_value());
    }

    /// The coroutine ends, or the test fails with the assertion that it did not.
    void run(const std::function<io::Task<void>(io::Reactor&)>& body) {
        const bool ended = node_.run(0, body(node_.reactor()));
        RL_ASSERT(ended, "seed {}", kSeed);
    }
    [[nodiscard]] std::string directory() const { return "/suite"; }
    [[nodiscard]] std::string host() const { return "127.0.0.1"; }

private:
    SimWorld world_;
    SimNode& node_;
};

}  // namespace ringlog::simulation

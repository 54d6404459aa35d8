// Every image that a power cut could leave at this moment of a running scenario, as disks for
// another world: one run of the scenario visits all its crash points, and the scenario goes on.
#pragma once

#include <cstdint>
#include <memory>

#include "base/random.h"
#include "tests/simulation/choices.h"
#include "tests/simulation/sim_node.h"

namespace ringlog::simulation {

struct ImageOptions {
    uint64_t exhaustive_limit = 64;  ///< Up to so many outcomes, all are built.
    uint64_t samples = 8;  ///< Beyond that: so many random ones, and every single exception.
    uint64_t seed = 1;     ///< Of the random ones.
};

/// Calls `each(std::unique_ptr<SimDisk>)` for the outcomes of a power loss of `node` now: all of
/// them if they are few; else nothing left, everything left, all overwrites left, each of these
/// with every single exception, and random ones. How many.
template <typename Each>
uint64_t for_each_power_loss(const SimNode& node, const ImageOptions& options, Each each) {
    using Baseline = OneException::Baseline;
    uint64_t images = 0;
    const auto build = [&](Choices& choices) {
        std::unique_ptr<SimDisk> disk = node.copy_disk(options.seed);
        disk->lose_power({}, choices);
        each(std::move(disk));
        ++images;
    };
    const auto ask = [&](Baseline baseline) {
        OneException dry(baseline, UINT64_MAX, 0);
        node.copy_disk(options.seed)->lose_power({}, dry);
        return dry.bounds();
    };
    uint64_t outcomes = 1;
    for (const uint64_t bound : ask(Baseline::all_overwrites)) {
        outcomes = outcomes > options.exhaustive_limit ? outcomes : outcomes * bound;
    }
    if (outcomes <= options.exhaustive_limit) {
        EveryChoice every;
        do {
            build(every);
        } while (every.next());
        return images;
    }
    for (const Baseline baseline :
         {Baseline::nothing, Baseline::everything, Baseline::all_overwrites}) {
        OneException none(baseline, UINT64_MAX, 0);
        build(none);
        const std::vector<uint64_t> bounds = none.bounds();
        for (uint64_t question = 0; question < bounds.size(); ++question) {
            const uint64_t usual = baseline == Baseline::nothing ? 0 : bounds[question] - 1;
            for (uint64_t answer = 0; answer < bounds[question]; ++answer) {
                if (answer != usual) {
                    OneException exception(baseline, question, answer);
                    build(exception);
                }
            }
        }
    }
    Random random(options.seed);
    RandomChoices by_chance(random);
    for (uint64_t i = 0; i < options.samples; ++i) {
        build(by_chance);
    }
    return images;
}

}  // namespace ringlog::simulation

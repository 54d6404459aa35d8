// One recorded life of a log: what it began with, what it was told to do, and its trace. Explained
// in tests/crash/README.md.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "tests/crash/oracle.h"
#include "tests/crash/workload.h"

namespace ringlog::crash {

struct Life;

/// What a scripted client does in a life, in order. An error ends the script.
class Script {
public:
    Script(Life& life, Log& log, io::Reactor& here, Refusals& refusals, uint64_t seed)
        : life_(life), log_(log), here_(here), refusals_(refusals), seed_(seed) {}

    /// Ends deletions that a former life began, opens the topics that it left.
    io::Task<void> begin();
    /// The topic of that name, opened; a new one if there is none. (Names are literals.)
    io::Task<void> topic(std::string_view name, int32_t partitions);
    io::Task<void> produce(std::string_view name, Load load);
    /// To two topics at once.
    io::Task<void> produce_both(std::string_view one, std::string_view other, Load load);
    io::Task<void> remove(std::string_view name);
    io::Task<void> checkpoint();
    /// A few batches everywhere: what a life does that only shall show that one can go on.
    io::Task<void> a_little();
    /// Nothing happens for so long, but for what the log does by itself.
    io::Task<void> pause(int64_t duration_ns);
    /// The disk refuses whatever needs blocks, and then does not any more. `log` has noticed when
    /// this returns.
    io::Task<void> set_disk_full(bool full);

private:
    struct Known {
        uint32_t index;
        Topic topic;
    };
    [[nodiscard]] const Known* find(std::string_view name) const;

    Life& life_;
    Log& log_;
    io::Reactor& here_;
    Refusals& refusals_;
    uint64_t seed_;
    std::vector<Known> topics_;
    uint32_t next_topic_ = 0;
};

struct LifePlan {
    LogShape shape;
    std::function<io::Task<void>(Script&)> script;
    bool clean_stop = false;
};

struct Life {
    uint32_t number = 1;
    LogShape shape;
    std::unique_ptr<simulation::SimDisk> base;  ///< Before it.
    Knowledge before;
    Trace trace;
    Refusals refusals;

    /// Runs it on `machine`, whose files are those of `base`. What went wrong; empty if nothing
    /// did.
    std::string run(Machine& machine, const LifePlan& plan, uint64_t seed);
};

}  // namespace ringlog::crash

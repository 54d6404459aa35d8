#include "tests/crash/life.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/checksum.h"

namespace ringlog::crash {

const Script::Known* Script::find(std::string_view name) const {
    const auto found =
        std::ranges::find_if(topics_, [&](const Known& known) { return known.topic.name == name; });
    return found == topics_.end() ? nullptr : &*found;
}

io::Task<void> Script::begin() {
    // As a broker does that finds a tombstone in its metadata.
    const std::vector<TopicStory>& topics = life_.before.topics;
    for (next_topic_ = 0; next_topic_ < topics.size(); ++next_topic_) {
        const TopicStory& story = topics[next_topic_];
        if (story.delete_begun_at == kNever) {
            topics_.push_back({next_topic_, story.topic});
        } else if (story.delete_done_at == kNever) {
            (void)co_await log_.delete_topic(here_, next_topic_, story.topic);
        }
    }
    const std::vector<Known> known = topics_;
    for (const Known& topic : known) {
        (void)co_await log_.open_topic(here_, topic.index, topic.topic);
    }
}

io::Task<void> Script::topic(std::string_view name, int32_t partitions) {
    if (find(name) != nullptr) {
        co_return;
    }
    Topic topic{.name = std::string(name), .partitions = partitions};
    Random random(seed_ * 1000 + next_topic_ + 1);
    topic.id = Uuid::random(random);
    topics_.push_back({next_topic_, topic});
    (void)co_await log_.open_topic(here_, next_topic_++, topic);
}

io::Task<void> Script::produce(std::string_view name, Load load) {
    const Known* known = find(name);
    if (known == nullptr) {
        co_return;
    }
    const Known topic = *known;
    co_await log_.produce(here_, topic.index, topic.topic, load, seed_);
}

io::Task<void> Script::produce_both(std::string_view one, std::string_view other, Load load) {
    io::TaskGroup group;
    group.spawn(produce(one, load));
    group.spawn(produce(other, load));
    co_await group.close();
}

io::Task<void> Script::remove(std::string_view name) {
    const Known* known = find(name);
    if (known == nullptr) {
        co_return;
    }
    const Known topic = *known;
    std::erase_if(topics_, [&](const Known& other) { return other.index == topic.index; });
    (void)co_await log_.delete_topic(here_, topic.index, topic.topic);
}

io::Task<void> Script::checkpoint() {
    (void)co_await log_.checkpoint(here_);
}

io::Task<void> Script::a_little() {
    const std::vector<Known> all = topics_;
    for (const Known& known : all) {
        const Load little{.batches = 2, .bytes_max = 3000};
        co_await produce(known.topic.name, little);
    }
}

io::Task<void> Script::pause(int64_t duration_ns) {
    co_await here_.sleep_for(duration_ns);
}

io::Task<void> Script::set_disk_full(bool full) {
    refusals_.full = full;
    // A shard looks every second; it is not told.
    for (int look = 0; look < 300 && log_.shards().front()->space().full != full; ++look) {
        co_await here_.sleep_for(10 * kMillisecondNs);
    }
}

namespace {

io::Task<void> run_life(io::Reactor& here, Life& life, Log& log, const LifePlan& plan,
                        uint64_t seed, std::string& problem) {
    problem = co_await log.open(here);
    if (!problem.empty()) {
        co_return;
    }
    Script script(life, log, here, life.refusals, seed);
    co_await script.begin();
    co_await plan.script(script);
    co_await log.close(here, plan.clean_stop);
}

}  // namespace

std::string Life::run(Machine& machine, const LifePlan& plan, uint64_t seed) {
    shape = plan.shape;
    Log log(plan.shape, machine.directory(), &trace, number);
    std::string problem;
    const bool ended = machine.run(
        [&](io::Reactor& here) { return run_life(here, *this, log, plan, seed, problem); });
    return ended ? problem : "the life never ended";
}

}  // namespace ringlog::crash

#include "tests/crash/scenarios.h"

namespace ringlog::crash {
namespace {

using Task = io::Task<void>;

Task single_producer(Script& script) {
    co_await script.topic("words", 1);
    co_await script.produce("words", Load{.batches = 30});
}

Task many_partitions(Script& script) {
    co_await script.topic("words", 8);
    co_await script.topic("more", 3);
    co_await script.produce_both("words", "more", Load{.batches = 4, .bytes_max = 900});
}

Task split_batches(Script& script) {
    co_await script.topic("words", 2);
    co_await script.produce(
        "words", Load{.batches = 8, .clients = 2, .large_every = 3, .large_bytes = 7000});
}

Task only_large(Script& script) {
    co_await script.topic("words", 3);
    co_await script.produce("words", Load{.batches = 5, .large_every = 1, .large_bytes = 15'000});
    co_await script.produce("words", Load{.batches = 4, .bytes_max = 14'000});
}

Task rolls(Script& script) {
    co_await script.topic("words", 2);
    co_await script.produce("words", Load{.batches = 30, .bytes_max = 5000});
}

Task recycling(Script& script) {
    co_await script.topic("words", 2);
    co_await script.produce("words", Load{.batches = 50, .clients = 2, .bytes_max = 6000});
    co_await script.pause(60 * kMillisecondNs);  // an idle frame
    co_await script.produce("words", Load{.batches = 5});
}

Task checkpoints(Script& script) {
    co_await script.topic("words", 3);
    for (int i = 0; i < 4; ++i) {
        co_await script.produce("words", Load{.batches = 3, .bytes_max = 1500});
        co_await script.checkpoint();
    }
    co_await script.produce("words", Load{.batches = 2});
}

Task recreate(Script& script) {
    for (int i = 0; i < 3; ++i) {
        co_await script.topic("words", 2);
        co_await script.topic("stays", 1);
        co_await script.produce_both("words", "stays", Load{.batches = 4, .bytes_max = 3000});
        if (i == 1) {
            co_await script.checkpoint();
        }
        co_await script.remove("words");
    }
    co_await script.topic("words", 1);
    co_await script.produce("words", Load{.batches = 2});
    co_await script.checkpoint();
}

Task full_disk(Script& script) {
    co_await script.topic("words", 2);
    co_await script.produce("words", Load{.batches = 12, .bytes_max = 3000});
    co_await script.set_disk_full(true);
    co_await script.produce("words", Load{.batches = 3});
    co_await script.set_disk_full(false);
    co_await script.produce("words", Load{.batches = 12, .bytes_max = 3000});
    co_await script.checkpoint();
}

Task everything(Script& script) {
    co_await script.topic("words", 3);
    co_await script.topic("brief", 2);
    co_await script.produce_both("words", "brief",
                                 Load{.batches = 8,
                                      .clients = 2,
                                      .bytes_max = 2500,
                                      .large_every = 5,
                                      .large_bytes = 12'000});
    co_await script.remove("brief");
    co_await script.produce("words", Load{.batches = 10, .bytes_max = 4000});
    co_await script.checkpoint();
    co_await script.topic("brief", 1);
    co_await script.produce_both("words", "brief", Load{.batches = 4});
}

LogShape shape(engine::Durability durability, uint16_t journals = 1, uint16_t cores = 1) {
    return {.durability = durability, .cores = cores, .journals = journals};
}

}  // namespace

std::vector<Scenario> all_scenarios(engine::Durability durability) {
    const LogShape one = shape(durability);
    const LogShape two = shape(durability, 2, 2);
    LogShape tiny = one;
    tiny.journal_bytes = 160 << 10;
    tiny.journal_file_bytes = 16 << 10;
    const auto lives = [](const LogShape& of, Task (*script)(Script&), size_t count = 2) {
        return std::vector<LifePlan>(count, {.shape = of, .script = script});
    };
    return {
        {"single_producer", lives(one, single_producer, 3)},
        {"many_partitions", lives(two, many_partitions)},
        {"split_batches", lives(one, split_batches, 3)},
        {"only_large", lives(one, only_large)},
        {"rolls", lives(one, rolls)},
        {"recycling", lives(tiny, recycling)},
        {"checkpoints", lives(one, checkpoints)},
        {"recreate", lives(one, recreate)},
        {"cores",
         {{.shape = one, .script = single_producer},
          {.shape = two, .script = many_partitions},
          {.shape = one, .script = rolls},
          {.shape = two, .script = single_producer}}},
        {"clean_stop",
         {{.shape = one, .script = rolls, .clean_stop = true},
          {.shape = one, .script = many_partitions, .clean_stop = true},
          {.shape = one, .script = single_producer}}},
        {"full_disk", lives(one, full_disk)},
        {"everything", lives(tiny, everything, 3)},
    };
}

}  // namespace ringlog::crash

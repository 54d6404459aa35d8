#include "tests/simulation/cluster/swarm.h"

#include <fmt/format.h>

#include <algorithm>

#include "engine/store.h"

namespace ringlog::simulation {
namespace {

/// Headers of a batch and its records.
constexpr uint64_t kBatchOverheadBytes = 1024;

uint64_t between(Random& random, uint64_t low, uint64_t high) {
    return low + random.below(high - low + 1);
}

uint64_t pick(Random& random, std::initializer_list<uint64_t> values) {
    return *(values.begin() + random.below(values.size()));
}

}  // namespace

Swarm::Swarm(uint64_t s, const SwitchOrders& orders, const RunLength& l) : seed(s), length(l) {
    // Every switch and every group of options has a stream of its own: to exclude one switch
    // changes nothing else that was drawn.
    Random root(seed ^ 0x737761726d);
    for (const SwitchRow& row : switch_rows()) {
        Random own(root.fork());
        const bool drawn = own.chance(row.percent, 100);
        switches.set(row.name,
                     (drawn || orders.forced.has(row.name)) && !orders.excluded.has(row.name));
    }
    Random limits(root.fork());
    Random faults(root.fork());
    Random for_topics(root.fork());
    Random clients(root.fork());
    draw_limits(limits);
    draw_faults(faults);
    draw_topics(for_topics);
    draw_clients(clients);
}

bool Swarm::honesty() const {
    for (const SwitchRow& row : switch_rows()) {
        if (row.lies && on(row.name)) {
            return true;
        }
    }
    return false;
}

void Swarm::draw_limits(Random& random) {
    durability = on(Switch::crash_rung) ? engine::Durability::crash : engine::Durability::power;
    cores_first = static_cast<uint16_t>(between(random, 1, cores_max));
    const bool tiny = on(Switch::tiny_limits);
    const uint64_t frame = tiny ? pick(random, {16 << 10, 20 << 10, 32 << 10}) : 64 << 10;
    const uint64_t file = frame * pick(random, {4, 6, 8});
    shard.frame_bytes_max = static_cast<uint32_t>(frame);
    shard.write_bytes_max = static_cast<uint32_t>(frame * between(random, 1, 3));
    shard.journal_file_bytes = file;
    journal_bytes = file * pick(random, {8, 10, 16});
    shard.flush_interval_ns = 5 * kMillisecondNs;
    const uint64_t chunk = frame * pick(random, {2, 4});
    window_bytes = chunk * pick(random, {8, 12, 16});
    shard.window = {.bytes = window_bytes,
                    .chunk_bytes = static_cast<uint32_t>(chunk),
                    .spare_chunks = static_cast<uint32_t>(between(random, 1, 4))};
    engine::ShardOptions whole = shard;
    whole.journal_bytes = journal_bytes;
    const engine::BatchBytesMax most = engine::batch_bytes_max(whole);
    batch_bytes_max = std::min({most.by_window, most.by_journal, most.by_format});
    shard.segment_preallocate_bytes = pick(random, {4 << 10, 16 << 10, 64 << 10});
    shard.index_interval_bytes = static_cast<uint32_t>(pick(random, {1, 512, 4096}));
    shard.reserve_bytes = 64 << 10;
}

void Swarm::draw_faults(Random& random) {
    const auto rate = [&](Switch name, uint64_t most) {
        const uint64_t drawn = 1 + random.below(most);
        return on(name) ? static_cast<uint32_t>(drawn) : 0U;
    };
    rates.write_error = rate(Switch::write_error, 1'000);
    rates.flush_error = rate(Switch::flush_error, 3'000);
    rates.read_error = rate(Switch::read_error, 5'000);
    rates.torn = rate(Switch::torn, 1'000);
    rates.short_io = rate(Switch::short_io, 50'000);
    rates.slow = rate(Switch::slow, 20'000);
    rates.hang = rate(Switch::hang, 200);
    rates.no_space = rate(Switch::no_space, 3'000);
    rates.lost = rate(Switch::lost_write, 300);
    rates.misdirected = rate(Switch::misdirected_write, 300);
    rates.corrupt = rate(Switch::read_corruption, 300);
    rates_in_start = random.chance(1, 2);
    network.segment_bytes = on(Switch::tiny_segments) ? between(random, 1, 200) : 64 << 10;
    network.capacity_bytes = pick(random, {8 << 10, 64 << 10, 256 << 10});
    network.give_up_ns = 2 * kSecondNs;
    const int64_t slow_ns = static_cast<int64_t>(between(random, 1, 20)) * kMillisecondNs;
    if (on(Switch::latency)) {
        network.latency_ns = slow_ns / 4;
        network.jitter_ns = slow_ns;
    }
    metadata_delay_ns = on(Switch::metadata_delay) || on(Switch::metadata_loss)
                            ? static_cast<int64_t>(between(random, 1, 20)) * kMillisecondNs
                            : 0;
    metadata_lost_permille = rate(Switch::metadata_loss, 100);
    const auto ppm = static_cast<double>(between(random, 1, 2000)) - 1000.0;
    drift_ppm = on(Switch::wall_drift) ? ppm : 0;
}

void Swarm::draw_topics(Random& random) {
    const uint64_t count = between(random, 1, 3);
    for (uint64_t i = 0; i < count; ++i) {
        topics.push_back({.name = fmt::format("t{}", i),
                          .partitions = static_cast<int32_t>(between(random, 1, 4)),
                          .segment_bytes = static_cast<uint32_t>(
                              pick(random, {4 << 10, 16 << 10, 64 << 10, 256 << 10})),
                          .log_append_time = random.chance(1, 4)});
    }
}

void Swarm::draw_clients(Random& random) {
    const uint64_t count = between(random, 1, 4);
    const uint64_t frame = shard.frame_bytes_max;
    for (uint32_t i = 0; i < count; ++i) {
        ProducerPlan& plan = producers.emplace_back();
        plan.id = i;
        plan.idempotent = random.chance(1, 2);
        plan.acks = plan.idempotent || random.chance(1, 2) ? int16_t{-1}
                    : random.chance(2, 3)                  ? int16_t{1}
                                                           : int16_t{0};
        const auto in_flight = static_cast<uint32_t>(between(random, 2, 5));
        plan.in_flight_max = on(Switch::pipelining) ? in_flight : 1;
        plan.batch_bytes_max = static_cast<uint32_t>(pick(random, {200, 1000, 4000}));
        const auto large = static_cast<uint32_t>(
            std::min(between(random, frame, 3 * frame), batch_bytes_max - kBatchOverheadBytes));
        plan.large_bytes = on(Switch::large_batches) ? large : 0;
        plan.think_ns = static_cast<int64_t>(pick(random, {0, 0, 500'000, 5'000'000}));
        plan.timeout_ns = static_cast<int64_t>(pick(random, {200, 1000, 3000})) * kMillisecondNs;
        plan.resends = random.chance(1, 2);
        plan.version = static_cast<int16_t>(between(random, 3, 9));
    }
    const uint64_t consumer_count = between(random, 1, 2);
    for (uint32_t i = 0; i < consumer_count; ++i) {
        ConsumerPlan& plan = consumers.emplace_back();
        plan.id = i;
        plan.version = static_cast<int16_t>(between(random, 4, 12));
        plan.sessions = on(Switch::fetch_sessions) && plan.version >= 7;
        plan.max_wait_ms = static_cast<int32_t>(pick(random, {0, 5, 50, 500}));
        plan.min_bytes = static_cast<int32_t>(pick(random, {0, 1, 5000}));
        plan.max_bytes = static_cast<int32_t>(pick(random, {1, 10'000, 1 << 20}));
        plan.partition_max_bytes = static_cast<int32_t>(pick(random, {1, 5000, 64 << 10}));
        plan.slow_reader = on(Switch::slow_reader) && i == 0;
    }
}

}  // namespace ringlog::simulation

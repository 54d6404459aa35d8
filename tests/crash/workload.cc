#include "tests/crash/workload.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/checksum.h"
#include "engine/record_batch.h"
#include "tests/unit/engine/batch_builder.h"

namespace ringlog::crash {

using engine::Partition;
using engine::Shard;

uint64_t body_hash(ByteView batch) {
    return xxh3(batch.subspan(engine::batch_field::kCrc));
}

engine::ShardOptions Log::shard_options() const {
    engine::ShardOptions options;
    options.durability = shape_.durability;
    options.journal_bytes = shape_.journal_bytes;
    options.journal_file_bytes = shape_.journal_file_bytes;
    options.frame_bytes_max = 16 << 10;
    options.write_bytes_max = 32 << 10;
    options.flush_interval_ns = 3 * kMillisecondNs;
    options.window = {.bytes = 128 << 10, .chunk_bytes = 32 << 10, .spare_chunks = 2};
    options.segment_preallocate_bytes = 8 << 10;
    options.index_interval_bytes = 1024;
    options.reserve_bytes = 64 << 10;
    return options;
}

io::Task<std::string> Log::open(io::Reactor& here) {
    engine::StoreOptions options{.directory = directory_, .shard = shard_options()};
    for (size_t journal = 0; journal < shape_.journals; ++journal) {
        options.cores.push_back(core_of(journal));
    }
    auto opened = co_await engine::open_store(here, std::move(options));
    if (!opened) {
        co_return opened.error().message;
    }
    store_ = std::move(*opened);
    note({.kind = EventKind::opened});
    co_return std::string();
}

Partition* Log::find(const Topic& topic, int32_t partition) {
    return store_.shards[journal_of(topic, partition)]->find(topic.id, partition);
}

io::Task<Result<void>> Log::open_topic(io::Reactor& here, uint32_t index, const Topic& topic) {
    note({.kind = EventKind::topic_created,
          .length = static_cast<uint64_t>(topic.partitions),
          .path = topic.name,
          .id = topic.id,
          .topic = index});
    for (int32_t p = 0; p < topic.partitions; ++p) {
        const size_t journal = journal_of(topic, p);
        Shard* shard = store_.shards[journal].get();
        engine::OpenPartition request;
        request.id = {.topic = topic.name, .topic_id = topic.id, .partition = p};
        request.config.segment_bytes = shape_.segment_bytes;
        request.leader_epoch = engine::LeaderEpoch(static_cast<int32_t>(life_));
        auto opener = [shard, &request](io::Reactor&) { return shard->open_partition(request); };
        auto opened = co_await io::call_on(here, core_of(journal), opener);
        if (!opened) {
            co_return fail(opened.error());
        }
    }
    co_return Result<void>{};
}

std::vector<std::byte> Log::make_batch(const Client& client, uint32_t n, Random& random) const {
    const bool large = client.load.large_every > 0 && n % client.load.large_every == 1;
    const uint64_t bytes =
        large ? client.load.large_bytes : random.below(std::max(1U, client.load.bytes_max));
    std::string value = fmt::format("topic {} partition {} life {} client {} batch {} ",
                                    client.topic, client.partition, life_, client.number, n);
    while (value.size() < bytes) {
        value.push_back(static_cast<char>('a' + random.below(26)));
    }
    engine::test::BatchBuilder builder;
    const uint64_t records = 1 + random.below(3);
    for (uint64_t i = 0; i < records; ++i) {
        builder.record(1'700'000'000'000 + n, value);
        value = "more";
    }
    return builder.build();
}

io::Task<bool> Log::send_one(const Client& client, uint32_t n, Partition& partition) {
    Random random(client.seed ^ uint64_t{n} * 0x9e3779b97f4a7c15);
    std::vector<std::byte> bytes = make_batch(client, n, random);
    const uint32_t batch = (life_ * 100 + client.number) * 100'000 + n;
    const auto journal = static_cast<uint16_t>(journal_of(*client.about, client.partition));
    Event event{.kind = EventKind::sent,
                .bytes = bytes,
                .topic = client.topic,
                .partition = client.partition,
                .batch = batch,
                .journal = journal};
    note(event);
    event.bytes.clear();
    auto appended = co_await partition.append(bytes, {});
    if (!appended) {
        const Errc code = appended.error().code;
        // Refused before anything of it was placed; any other failure may have left it there.
        const bool never = code == Errc::message_too_large || code == Errc::no_space;
        event.kind = EventKind::refused;
        event.result = never ? 0 : -1;
        note(event);
        co_return never;
    }
    event.kind = EventKind::appended;
    event.position = static_cast<uint64_t>(appended->base_offset);
    event.length = static_cast<uint64_t>(appended->end_offset);
    event.sequence = appended->sequence.value();
    event.epoch = static_cast<int32_t>(life_);
    note(event);
    auto durable = co_await partition.wait_high_watermark(appended->end_offset);
    if (!durable) {
        co_return false;
    }
    event.kind = EventKind::acked;
    note(event);
    event.kind = EventKind::flushed;
    event.sequence = store_.shards[journal]->journal().flushed_through().value();
    note(event);
    co_return true;
}

io::Task<bool> Log::run_client(Client client) {
    Partition* partition = find(*client.about, client.partition);
    for (uint32_t n = 0; n < client.load.batches; ++n) {
        const bool go_on = co_await send_one(client, n, *partition);
        if (!go_on) {
            co_return false;
        }
    }
    co_return true;
}

io::Task<void> Log::client_on_its_core(io::Reactor& here, Client client) {
    const io::CoreId core = core_of(journal_of(*client.about, client.partition));
    auto runner = [this, client](io::Reactor&) { return run_client(client); };
    (void)co_await io::call_on(here, core, runner);
}

io::Task<void> Log::produce(io::Reactor& here, uint32_t index, const Topic& topic, Load load,
                            uint64_t seed) {
    io::TaskGroup clients;
    for (int32_t p = 0; p < topic.partitions; ++p) {
        for (uint32_t c = 0; c < load.clients; ++c) {
            clients.spawn(client_on_its_core(here, {.topic = index,
                                                    .about = &topic,
                                                    .partition = p,
                                                    .number = next_client_++,
                                                    .load = load,
                                                    .seed = seed + next_client_ * 7919}));
        }
    }
    co_await clients.close();
}

io::Task<Result<void>> Log::delete_topic(io::Reactor& here, uint32_t index, const Topic& topic) {
    note({.kind = EventKind::delete_begun, .topic = index});
    for (int32_t p = 0; p < topic.partitions; ++p) {
        const size_t journal = journal_of(topic, p);
        Shard* shard = store_.shards[journal].get();
        engine::TopicPartition id{.topic = topic.name, .topic_id = topic.id, .partition = p};
        auto remover = [shard, &id](io::Reactor&) { return shard->remove_partition(id); };
        auto removed = co_await io::call_on(here, core_of(journal), remover);
        if (!removed) {
            co_return removed;
        }
    }
    note({.kind = EventKind::delete_done, .topic = index});
    co_return Result<void>{};
}

io::Task<Result<void>> Log::checkpoint(io::Reactor& here) {
    for (size_t journal = 0; journal < store_.shards.size(); ++journal) {
        Shard* shard = store_.shards[journal].get();
        auto checkpointer = [shard](io::Reactor&) { return shard->checkpoint(); };
        auto done = co_await io::call_on(here, core_of(journal), checkpointer);
        if (!done) {
            co_return done;
        }
    }
    co_return Result<void>{};
}

namespace {

io::Task<bool> close_shard(std::unique_ptr<Shard>& shard, bool clean) {
    (void)co_await shard->close(clean);
    shard.reset();  // on its core
    co_return true;
}

}  // namespace

io::Task<void> Log::close(io::Reactor& here, bool clean) {
    for (size_t journal = 0; journal < store_.shards.size(); ++journal) {
        std::unique_ptr<Shard>& shard = store_.shards[journal];
        auto closer = [&shard, clean](io::Reactor&) { return close_shard(shard, clean); };
        (void)co_await io::call_on(here, core_of(journal), closer);
    }
    store_.shards.clear();
    store_.lock.reset();
}

io::Task<Result<std::vector<FoundBatch>>> Log::read(Partition& partition) {
    std::vector<FoundBatch> found;
    int64_t offset = partition.log_start_offset();
    while (offset < partition.high_watermark()) {
        auto data = co_await partition.read(offset, 64 << 10, partition.high_watermark());
        if (!data) {
            co_return fail(data.error());
        }
        std::vector<std::byte> bytes = std::move(data->owned);
        for (const engine::Slice& slice : data->slices) {
            bytes.insert(bytes.end(), slice.bytes().begin(), slice.bytes().end());
        }
        if (bytes.empty()) {
            co_return fail(Errc::short_read, 0, offset);
        }
        for (size_t at = 0; at < bytes.size();) {
            const ByteView rest = ByteView(bytes).subspan(at);
            auto header = engine::verify_stored_batch(rest);
            if (!header) {
                co_return fail(header.error());
            }
            found.push_back({.base_offset = header->base_offset,
                             .last_offset = header->last_offset(),
                             .epoch = header->leader_epoch.value(),
                             .body = body_hash(rest.first(header->total_bytes))});
            offset = header->last_offset() + 1;
            at += header->total_bytes;
        }
    }
    co_return found;
}

}  // namespace ringlog::crash

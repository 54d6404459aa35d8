// The log engine in a program of one thread, without the network: opens a data directory, appends a
// record, waits until it is durable, reads the first record back. Usage: embed DIRECTORY. Explained
// in engine/README.md.
#include <cstdio>

#include "engine/records.h"
#include "engine/store.h"
#include "io/block_on.h"
#include "io/runtime.h"

namespace {

namespace io = ringlog::io;
namespace engine = ringlog::engine;
using ringlog::Result;

io::Task<Result<void>> append_and_read(engine::Partition& partition) {
    engine::RecordBatchBuilder builder;
    builder.add({.timestamp = 1'700'000'000'000, .value = ringlog::as_bytes("hello")});
    std::vector<std::byte> batch = builder.build();
    const auto appended = co_await partition.append(batch, {});
    if (!appended) {
        co_return ringlog::fail(appended.error());
    }
    const auto durable = co_await partition.wait_high_watermark(appended->end_offset);
    if (!durable) {
        co_return durable;
    }
    const auto data =
        co_await partition.read(partition.log_start_offset(), 1 << 20, partition.high_watermark());
    const auto bytes = data ? data->to_bytes() : std::vector<std::byte>{};
    const auto records = data ? engine::decode_records(bytes) : ringlog::fail(data.error());
    if (!records) {
        co_return ringlog::fail(records.error());
    }
    const std::string first(ringlog::as_text(*records->front().value));
    std::printf("appended at offset %ld; the first record says %s\n", appended->base_offset,
                first.c_str());
    co_return Result<void>{};
}

io::Task<int> run(io::Reactor& reactor, std::string directory) {
    engine::StoreOptions options{.directory = std::move(directory), .cores = {reactor.core()}};
    auto store = co_await engine::open_store(reactor, std::move(options));
    if (!store) {
        std::fprintf(stderr, "embed: %s\n", store.error().message.c_str());
        co_return 1;
    }
    engine::Shard& shard = *store->shards.front();
    const engine::OpenPartition request{.id = {.topic = "events", .topic_id = {}, .partition = 0}};
    const auto partition = co_await shard.open_partition(request);
    Result<void> done =
        partition ? co_await append_and_read(**partition) : ringlog::fail(partition.error());
    const auto closed = co_await shard.close(true);
    done = done ? closed : done;
    if (!done) {
        std::fprintf(stderr, "embed: %s\n", ringlog::describe(done.error()).c_str());
    }
    co_return done ? 0 : 1;
}

}  // namespace

int main(int count, char** values) {
    const auto runtime = io::Runtime::create({.cpus = {io::allowed_cpus().front()}});
    if (count != 2 || !runtime) {
        std::fprintf(stderr, "usage: embed DIRECTORY\n");
        return 2;
    }
    io::Reactor& reactor = (*runtime)->reactor(io::CoreId(0));
    return io::block_on(reactor, run(reactor, values[1]));
}

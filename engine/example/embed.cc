// The log engine in a program of one thread, without the network: opens a data directory, appends a
// record, waits until it is durable, reads the first record back. Usage: embed DIRECTORY. Explained
// in engine/README.md.
#include <algorithm>
#include <cstdio>
#include <string>
#include <vector>

#include "base/checksum.h"
#include "engine/store.h"
#include "io/block_on.h"
#include "io/runtime.h"

namespace {

using namespace ringlog;
using namespace ringlog::engine;

/// A record without a key, of less than 58 bytes (then its lengths are varints of one byte), as a
/// batch of Kafka's format.
std::vector<std::byte> batch_of(std::string_view value) {
    std::vector<std::byte> batch(kBatchHeaderBytes + 7 + value.size());
    const auto set = [&batch]<typename T>(size_t at, T number) { store_be(&batch[at], number); };
    set(batch_field::kBatchLength, static_cast<int32_t>(batch.size() - kBatchPrefixBytes));
    set(batch_field::kMagic, int8_t{2});
    set(batch_field::kProducerId, int64_t{-1});
    set(batch_field::kProducerEpoch, int16_t{-1});
    set(batch_field::kBaseSequence, int32_t{-1});
    set(batch_field::kRecordsCount, int32_t{1});
    set(kBatchHeaderBytes, static_cast<int8_t>(2 * (6 + value.size())));  // lengths are zigzag
    set(kBatchHeaderBytes + 4, int8_t{1});                                // no key
    set(kBatchHeaderBytes + 5, static_cast<int8_t>(2 * value.size()));
    std::ranges::copy(as_bytes(value), batch.begin() + kBatchHeaderBytes + 6);
    set(batch_field::kCrc, crc32c(ByteView(batch).subspan(batch_field::kAttributes)));
    return batch;
}

io::Task<Result<void>> append_and_read(Partition& partition) {
    std::vector<std::byte> batch = batch_of("hello");
    const auto appended = co_await partition.append(batch, {});
    if (!appended) {
        co_return fail(appended.error());
    }
    const auto durable = co_await partition.wait_high_watermark(appended->end_offset);
    if (!durable) {
        co_return durable;
    }
    const auto first = co_await partition.read(partition.log_start_offset(), 1,
                                               partition.high_watermark());  // at least one batch
    if (!first) {
        co_return fail(first.error());
    }
    const ByteView bytes = first->slices.empty() ? first->owned : first->slices.front().bytes();
    const std::string value(as_text(bytes.subspan(kBatchHeaderBytes + 6, 5)));
    std::printf("appended at offset %ld; the first record says %s\n", appended->base_offset,
                value.c_str());
    co_return Result<void>{};
}

io::Task<int> run(io::Reactor& reactor, std::string directory) {
    StoreOptions options{.directory = std::move(directory), .cores = {reactor.core()}};
    auto store = co_await open_store(reactor, std::move(options));
    if (!store) {
        std::fprintf(stderr, "embed: %s\n", store.error().message.c_str());
        co_return 1;
    }
    Shard& shard = *store->shards.front();
    const OpenPartition request{.id = {.topic = "events", .topic_id = {}, .partition = 0}};
    const auto partition = co_await shard.open_partition(request);
    Result<void> done = partition ? co_await append_and_read(**partition) : fail(partition.error());
    const auto closed = co_await shard.close(true);
    done = done ? closed : done;
    if (!done) {
        std::fprintf(stderr, "embed: %s\n", describe(done.error()).c_str());
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

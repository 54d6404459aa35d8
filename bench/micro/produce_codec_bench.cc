// Question: what does reading a Produce of one batch, and writing its answer, cost in an old
// version and a flexible one? Non-goal: the batch itself, which the codec passes on unread.
#include <benchmark/benchmark.h>

#include <optional>
#include <vector>

#include "bench/micro/allocations.h"
#include "bench/requests.h"
#include "kafka/produce.h"

namespace ringlog::kafka {
namespace {

constexpr size_t kSizeBytes = 4;

void read_produce(benchmark::State& state) {
    const auto version = static_cast<int16_t>(state.range(0));
    const auto batch = bench::make_batch({});
    ProduceRequest request{.acks = -1, .timeout_ms = 30'000};
    ProduceTopic topic{.name = "topic"};
    topic.partitions.push_back({.index = 3, .records = Blob{ByteView(batch.bytes)}});
    request.topics.push_back(topic);
    Writer writer;
    encode_request(writer, 7, "client", request, version);
    const ByteView frame = writer.bytes().subspan(kSizeBytes);
    const CountAllocations allocations(state);
    for (auto _ : state) {
        Reader reader(frame);
        RequestHeader header;
        if (read_request_header(reader, header) != HeaderStatus::ok) {
            state.SkipWithError("the header was refused");
            break;
        }
        const auto read = read_body<ProduceRequest>(reader);
        for (const ProduceTopic& each : read->topics) {
            for (const ProducePartition& partition : each.partitions) {
                benchmark::DoNotOptimize(partition.records);
            }
        }
    }
}
BENCHMARK(read_produce)->Arg(7)->Arg(9);

void write_produce_answer(benchmark::State& state) {
    const auto version = static_cast<int16_t>(state.range(0));
    ProduceResponse response;
    ProduceTopicResponse topic{.name = "topic"};
    topic.partitions.push_back({.index = 3, .base_offset = 1'234'567, .log_start_offset = 0});
    response.topics.push_back(topic);
    Writer writer;
    encode_response(writer, 7, response, version);
    const CountAllocations allocations(state);
    for (auto _ : state) {
        writer.clear();
        encode_response(writer, 7, response, version);
        benchmark::DoNotOptimize(writer.bytes().data());
    }
}
BENCHMARK(write_produce_answer)->Arg(7)->Arg(9);

}  // namespace
}  // namespace ringlog::kafka

#include "bench/single_runs.h"

#include <poll.h>

#include <vector>

#include "bench/consumer.h"
#include "bench/process_usage.h"
#include "bench/requests.h"
#include "bench/topic_setup.h"

namespace ringlog::bench {
namespace {

constexpr int kAnswerWaitMs = 30'000;

MonotonicNs now_ns() {
    return SystemClock().monotonic_ns();
}

int64_t to_ns(double seconds) {
    return static_cast<int64_t>(seconds * static_cast<double>(kSecondNs));
}

Result<void> fetch_once(Consumer& consumer) {
    if (auto asked = consumer.ask(); !asked) {
        return asked;
    }
    while (true) {
        pollfd wait{.fd = consumer.fd(), .events = POLLIN, .revents = 0};
        if (::poll(&wait, 1, kAnswerWaitMs) == 0) {
            return fail(Errc::timed_out);
        }
        const auto complete = consumer.receive([](const FetchedBatch&) {});
        if (!complete) {
            return fail(complete.error());
        }
        if (*complete) {
            return {};
        }
    }
}

}  // namespace

Result<MonotonicNs> run_first_ack(const ProduceOptions& options) {
    const Batch batch = make_batch({.record_count = 1,
                                    .value_bytes = options.record_bytes,
                                    .timestamp_ms = SystemClock().wall_ms()});
    const auto topic = prepare_topic({.address = options.target,
                                      .topic = {options.topic, 1, options.configs},
                                      .create = options.create,
                                      .deadline_ns = now_ns() + to_ns(options.setup_seconds)});
    if (!topic) {
        return fail(topic.error());
    }
    auto fd = connect_to(topic->leaders[0]);
    if (!fd) {
        return fail(fd.error());
    }
    set_receive_timeout(fd->get(), to_ns(options.setup_seconds));
    const ProduceHeader header(
        {.topic = options.topic, .acks = -1, .batch_bytes = batch.bytes.size()});
    std::vector<std::byte> request(header.bytes());
    header.write(request.data(), 1, 0);
    request.insert(request.end(), batch.bytes.begin(), batch.bytes.end());
    const auto bytes = call(fd->get(), request);
    const MonotonicNs acked_ns = now_ns();
    if (!bytes) {
        return fail(bytes.error());
    }
    const auto answer = parse_produce_answer(*bytes);
    if (!answer) {
        return fail(answer.error());
    }
    if (answer->error_code != 0) {
        return fail(Errc::invalid_argument, 0, answer->error_code);
    }
    return acked_ns;
}

Result<DrainReport> run_drain(const DrainOptions& options) {
    const auto topic = prepare_topic({.address = options.target,
                                      .topic = {options.topic, 1, {}},
                                      .create = false,
                                      .deadline_ns = now_ns() + kSecondNs});
    if (!topic) {
        return fail(topic.error());
    }
    auto fd = connect_to(topic->leaders[0]);
    if (!fd) {
        return fail(fd.error());
    }
    Consumer consumer(std::move(*fd),
                      {.topic = options.topic,
                       .partition_count = static_cast<int32_t>(topic->leaders.size()),
                       .max_bytes = options.fetch_bytes,
                       .check_crc = options.check_crc});
    const auto before = process_usage(options.broker_pid);
    const MonotonicNs from = now_ns();
    const MonotonicNs until = from + to_ns(options.seconds_max);
    while (!consumer.at_end() && now_ns() < until) {
        if (auto fetched = fetch_once(consumer); !fetched) {
            return fail(fetched.error());
        }
    }
    DrainReport report{.seconds = static_cast<double>(now_ns() - from) / kSecondNs,
                       .records = consumer.record_count(),
                       .bytes = consumer.batch_bytes(),
                       .gaps = consumer.gap_count(),
                       .at_end = consumer.at_end()};
    const auto after = process_usage(options.broker_pid);
    if (before && after) {
        report.broker_cpu_ns = after->cpu_ns - before->cpu_ns;
    }
    return report;
}

}  // namespace ringlog::bench

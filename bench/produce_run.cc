#include "bench/produce_run.h"

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <thread>
#include <utility>

#include "base/clock.h"
#include "bench/process_usage.h"
#include "bench/produce_worker.h"
#include "bench/topic_setup.h"

namespace ringlog::bench {
namespace {

constexpr size_t kBatchVariants = 8;
constexpr size_t kStampBytes = 8;
constexpr int64_t kLongestRunSeconds = 3600;
constexpr int64_t kDrainSeconds = 15;
constexpr MonotonicNs kStartDelayNs = 5 * kMillisecondNs;

int64_t to_ns(double seconds) {
    return static_cast<int64_t>(seconds * static_cast<double>(kSecondNs));
}

/// Broker and machine at one moment.
struct Sample {
    ProcessUsage broker;
    std::vector<CpuTicks> cpus;
};

Sample take_sample(pid_t broker_pid) {
    Sample sample{.cpus = cpu_ticks()};
    if (broker_pid != 0) {
        sample.broker = process_usage(broker_pid).value_or(ProcessUsage{});
    }
    return sample;
}

class Run {
public:
    explicit Run(const ProduceOptions& options)
        : options_(options), content_(make_content(options)) {}

    Result<ProduceReport> go() {
        if (auto made = prepare(); !made) {
            return fail(made.error());
        }
        plan_times();
        start_workers();
        wait_until(schedule_.measure_ns);
        before_ = take_sample(options_.broker_pid);
        wait_until(schedule_.end_ns);
        after_ = take_sample(options_.broker_pid);
        for (std::thread& thread : threads_) {
            thread.join();
        }
        return report();
    }

private:
    static ProduceContent make_content(const ProduceOptions& options) {
        std::vector<Batch> batches;
        batches.reserve(kBatchVariants);
        for (size_t variant = 0; variant < kBatchVariants; ++variant) {
            batches.push_back(make_batch({.record_count = options.records_per_batch,
                                          .value_bytes = options.record_bytes,
                                          .seed = options.seed * kBatchVariants + variant,
                                          .timestamp_ms = SystemClock().wall_ms()}));
        }
        const ProduceHeader header(
            {.topic = options.topic, .acks = options.acks, .batch_bytes = batches[0].bytes.size()});
        return {.header = header,
                .batches = std::move(batches),
                .stamped = options.end_to_end,
                .acks = options.acks};
    }

    Result<void> prepare() {
        const bool too_small = options_.end_to_end && options_.record_bytes < kStampBytes;
        if (options_.connections < options_.threads || options_.threads < 1 || too_small ||
            (options_.end_to_end && options_.threads > 1)) {
            return fail(Errc::invalid_argument);
        }
        const SetupSpec setup{
            .address = options_.target,
            .topic = {options_.topic, options_.partition_count, options_.configs},
            .create = options_.create,
            .deadline_ns = SystemClock().monotonic_ns() + to_ns(options_.setup_seconds)};
        auto topic = prepare_topic(setup);
        if (!topic) {
            return fail(topic.error());
        }
        leaders_ = std::move(topic->leaders);
        return connect();
    }

    /// Connection i serves partition i modulo their number, or, of more partitions than
    /// connections, every one that is congruent to it and has the same leader.
    Result<void> connect() {
        per_thread_.resize(static_cast<size_t>(options_.threads));
        const size_t connection_count = static_cast<size_t>(options_.connections);
        for (size_t index = 0; index < connection_count; ++index) {
            const size_t first = index % leaders_.size();
            std::vector<int32_t> partitions;
            for (size_t each = first; each < leaders_.size(); each += connection_count) {
                if (leaders_[each].port != leaders_[first].port ||
                    leaders_[each].host != leaders_[first].host) {
                    return fail(Errc::invalid_argument, 0, static_cast<int64_t>(each));
                }
                partitions.push_back(static_cast<int32_t>(each));
            }
            auto fd = connect_to(leaders_[first]);
            if (!fd) {
                return fail(fd.error());
            }
            set_nonblocking(fd->get());
            per_thread_[index % per_thread_.size()].push_back(std::make_unique<ProducerConnection>(
                std::move(*fd), content_, std::move(partitions)));
        }
        return options_.end_to_end ? connect_tail() : Result<void>();
    }

    Result<void> connect_tail() {
        auto fd = connect_to(leaders_[0]);
        if (!fd) {
            return fail(fd.error());
        }
        tail_ = std::make_unique<Consumer>(
            std::move(*fd),
            Consumer::Spec{.topic = options_.topic,
                           .partition_count = static_cast<int32_t>(leaders_.size())});
        return {};
    }

    void plan_times() {
        schedule_.start_ns = SystemClock().monotonic_ns() + kStartDelayNs;
        schedule_.measure_ns = schedule_.start_ns + to_ns(options_.warmup_seconds);
        schedule_.end_ns =
            schedule_.measure_ns +
            (options_.requests_max > 0 ? kLongestRunSeconds * kSecondNs : to_ns(options_.seconds));
        schedule_.give_up_ns = schedule_.end_ns + kDrainSeconds * kSecondNs;
    }

    void start_workers() {
        const auto count = static_cast<uint64_t>(options_.threads);
        results_.resize(count);
        running_ = options_.threads;
        for (uint64_t index = 0; index < count; ++index) {
            WorkerSpec spec{.schedule = schedule_,
                            .in_flight = options_.in_flight,
                            .per_second = options_.per_second / static_cast<double>(count),
                            .spacing = options_.spacing,
                            .seed = options_.seed + index,
                            .requests_max = (options_.requests_max + count - 1) / count,
                            .stop = &stop_};
            workers_.push_back(std::make_unique<ProduceWorker>(
                spec, content_, std::move(per_thread_[index]), std::exchange(tail_, nullptr)));
        }
        for (uint64_t index = 0; index < count; ++index) {
            threads_.emplace_back([this, index] { work(index); });
        }
    }

    void work(uint64_t index) {
        results_[index] = workers_[index]->run();
        if (results_[index].failure) {
            stop_.store(true, std::memory_order_relaxed);
        }
        const std::lock_guard lock(mutex_);
        --running_;
        ended_.notify_all();
    }

    /// Until that time, or until all workers have ended.
    void wait_until(MonotonicNs at) {
        std::unique_lock lock(mutex_);
        const auto left = std::chrono::nanoseconds(at - SystemClock().monotonic_ns());
        ended_.wait_for(lock, left, [&] { return running_ == 0; });
    }

    Result<ProduceReport> report() {
        ProduceReport report;
        std::map<int32_t, PartitionCount> partitions;
        MonotonicNs ended_ns = 0;
        for (const WorkerResult& result : results_) {
            if (result.failure) {
                return fail(*result.failure);
            }
            add(report, result);
            ended_ns = std::max(ended_ns, std::min(result.ended_ns, schedule_.end_ns));
            for (const auto& [partition, count] : result.partitions) {
                PartitionCount& sum = partitions[partition];
                sum.first_offset = std::min(sum.first_offset, count.first_offset);
                sum.end_offset = std::max(sum.end_offset, count.end_offset);
                sum.record_count += count.record_count;
            }
        }
        for (const auto& [partition, count] : partitions) {
            report.undense += count.end_offset - count.first_offset != count.record_count ? 1 : 0;
        }
        report.seconds = static_cast<double>(ended_ns - schedule_.measure_ns) / kSecondNs;
        report.records = report.requests * static_cast<uint64_t>(options_.records_per_batch);
        report.bytes = report.requests * content_.header.request_bytes();
        report.cpu_busy_percent = busy_percent(before_.cpus, after_.cpus);
        if (options_.broker_pid != 0) {
            report.broker_cpu_ns = after_.broker.cpu_ns - before_.broker.cpu_ns;
            report.broker_resident_bytes = after_.broker.resident_bytes;
        }
        return report;
    }

    static void add(ProduceReport& report, const WorkerResult& result) {
        report.ack_ns.merge(result.ack_ns);
        report.service_ns.merge(result.service_ns);
        report.late_ns.merge(result.late_ns);
        report.end_to_end_ns.merge(result.end_to_end_ns);
        report.requests += result.requests_in_window;
        report.intended += result.intended_in_window;
        report.unanswered += result.unanswered;
        report.refused += result.refused;
        report.disordered += result.disordered;
        report.consumed += result.consumed;
        report.consumer_gaps += result.consumer_gaps;
        report.client_cpu_ns += result.cpu_ns;
        for (const auto& [code, count] : result.errors) {
            report.errors[code] += count;
        }
    }

    const ProduceOptions& options_;
    ProduceContent content_;
    std::vector<Address> leaders_;
    std::vector<std::vector<std::unique_ptr<ProducerConnection>>> per_thread_;
    std::unique_ptr<Consumer> tail_;
    Schedule schedule_;
    std::vector<std::unique_ptr<ProduceWorker>> workers_;
    std::vector<std::thread> threads_;
    std::vector<WorkerResult> results_;
    Sample before_;
    Sample after_;
    std::atomic<bool> stop_{false};
    std::mutex mutex_;
    std::condition_variable ended_;
    int running_ = 0;
};

}  // namespace

Result<ProduceReport> run_produce(const ProduceOptions& options) {
    return std::make_unique<Run>(options)->go();
}

}  // namespace ringlog::bench

// The broker's own metrics. See broker/metrics.h; how they are written is in metrics_text.cc.
#include "broker/metrics.h"

#include <algorithm>

namespace ringlog::broker {

namespace {

constexpr std::array<MetricInfo, kCounters> kCounterInfos = {{
    {"ringlog_connections_accepted_total", "Client connections that were accepted"},
    {"ringlog_connections_closed_total", "Client connections that have ended"},
    {"ringlog_connections_refused_total",
     "Client connections that were closed at once: max.connections"},
    {"ringlog_connections_moved_total",
     "Client connections that moved to this core, to be with their partition"},
    {"ringlog_malformed_frames_total", "Connections that were closed because of what they sent"},
    {"ringlog_request_bytes_total", "Bytes of requests"},
    {"ringlog_response_bytes_total", "Bytes of answers"},
    {"ringlog_produce_batches_total", "Record batches that were appended"},
    {"ringlog_produce_bytes_total", "Bytes of record batches that were appended"},
    {"ringlog_produce_errors_total",
     "Partitions of produce requests that were answered with an error"},
    {"ringlog_produce_duplicates_total", "Batches that an idempotent producer had sent before"},
    {"ringlog_produce_parts_remote_total",
     "Partitions of produce requests that another core appended"},
    {"ringlog_fetch_bytes_total", "Bytes of record batches that were sent"},
    {"ringlog_fetch_errors_total", "Partitions of fetch requests that were answered with an error"},
    {"ringlog_fetch_parts_remote_total", "Partitions of fetch requests that another core read"},
}};

constexpr std::array<MetricInfo, kGauges> kGaugeInfos = {{
    {"ringlog_connections", "Client connections", MetricType::gauge},
    {"ringlog_parked_fetches", "Fetches that wait for data", MetricType::gauge},
    {"ringlog_request_bytes_held", "Bytes of requests in memory, and of what they name",
     MetricType::gauge},
    {"ringlog_fetch_sessions", "Fetch sessions that are remembered", MetricType::gauge},
    {"ringlog_partitions", "Partitions of this core", MetricType::gauge},
}};

constexpr MetricInfo kRequests = {"ringlog_requests_total", "Requests, by API", MetricType::counter,
                                  "api"};
constexpr MetricInfo kDuration = {"ringlog_request_duration_seconds",
                                  "From the last byte of a request to its answer",
                                  MetricType::histogram, "request", 1e-9};
constexpr std::array<std::string_view, kTimings> kTimingNames = {"produce", "fetch", "other"};

constexpr auto kBounds = std::to_array<uint64_t>(
    {10'000, 20'000, 50'000, 100'000, 200'000, 500'000, 1'000'000, 2'000'000, 5'000'000, 10'000'000,
     20'000'000, 50'000'000, 100'000'000, 200'000'000, 500'000'000, 1'000'000'000, 2'000'000'000,
     5'000'000'000, 10'000'000'000});

}  // namespace

std::span<const uint64_t> histogram_bounds() {
    return kBounds;
}

void MetricSnapshot::add(const MetricInfo& info, double value, std::string label_value) {
    samples.push_back(
        {.info = &info, .label_value = std::move(label_value), .value = value * info.scale});
}

void MetricSnapshot::add(const MetricInfo& info, const Histogram& histogram,
                         std::string label_value) {
    Sample sample{.info = &info,
                  .label_value = std::move(label_value),
                  .count = histogram.count(),
                  .sum = static_cast<double>(histogram.sum()) * info.scale,
                  .cumulative = {}};
    sample.cumulative.reserve(kBounds.size());
    uint64_t below = 0;
    size_t bucket = 0;
    for (const uint64_t bound : kBounds) {
        // A bucket counts where its largest value does: 3 % late at most.
        while (bucket < Histogram::kBuckets && Histogram::last_value_of(bucket) <= bound) {
            below += histogram.bucket(bucket++);
        }
        sample.cumulative.push_back(below);
    }
    samples.push_back(std::move(sample));
}

void collect(const CoreMetrics& metrics, MetricSnapshot& to) {
    for (size_t i = 0; i < kCounters; ++i) {
        to.add(kCounterInfos[i], static_cast<double>(metrics.counters[i]));
    }
    for (size_t i = 0; i < kGauges; ++i) {
        to.add(kGaugeInfos[i], static_cast<double>(metrics.gauges[i]));
    }
    for (size_t api = 0; api < CoreMetrics::kApis; ++api) {
        if (metrics.requests[api] > 0) {
            to.add(kRequests, static_cast<double>(metrics.requests[api]),
                   std::string(kafka::api_name(static_cast<kafka::ApiKey>(api))));
        }
    }
    for (size_t i = 0; i < kTimings; ++i) {
        to.add(kDuration, metrics.timings[i], std::string(kTimingNames[i]));
    }
}

}  // namespace ringlog::broker

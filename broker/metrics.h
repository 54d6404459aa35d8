// What the broker counts: plain counters of each core, written by that core alone, copied by
// message when somebody asks, and turned into Prometheus' text on the admin thread.
// docs/operations.md says what each means.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/histogram.h"
#include "engine/destager.h"
#include "engine/journal.h"
#include "engine/shard.h"
#include "io/reactor.h"
#include "kafka/api.h"

namespace ringlog::broker {

/// What a core counts. The order is that of the table in metrics.cc, which names each.
enum class Counter : uint8_t {
    connections_accepted,
    connections_closed,
    connections_refused,
    connections_moved,
    malformed_frames,
    request_bytes,
    response_bytes,
    produce_batches,
    produce_bytes,
    produce_errors,
    produce_duplicates,
    produce_parts_remote,
    fetch_bytes,
    fetch_errors,
    fetch_parts_remote,
};
inline constexpr size_t kCounters = static_cast<size_t>(Counter::fetch_parts_remote) + 1;

/// What a core has now.
enum class Gauge : uint8_t {
    connections,
    parked_fetches,
    request_bytes_held,
    fetch_sessions,
    partitions
};
inline constexpr size_t kGauges = static_cast<size_t>(Gauge::partitions) + 1;

/// How long requests take, from their last byte to their answer, in nanoseconds.
enum class Timing : uint8_t { produce, fetch, other };
inline constexpr size_t kTimings = static_cast<size_t>(Timing::other) + 1;

/// One core's numbers. About 50 KiB; one writer and, on the same core, one reader.
struct CoreMetrics {
    /// Requests of an API whose number is larger are counted in the last place.
    static constexpr size_t kApis = 96;

    void add(Counter counter, uint64_t amount = 1) {
        counters[static_cast<size_t>(counter)] += amount;
    }
    void set(Gauge gauge, int64_t value) { gauges[static_cast<size_t>(gauge)] = value; }
    void change(Gauge gauge, int64_t by) { gauges[static_cast<size_t>(gauge)] += by; }
    void record(Timing timing, int64_t duration_ns) {
        timings[static_cast<size_t>(timing)].record(
            duration_ns < 0 ? 0 : static_cast<uint64_t>(duration_ns));
    }
    void count_request(kafka::ApiKey api) {
        const auto number = static_cast<uint16_t>(api);
        ++requests[number < kApis ? number : kApis - 1];
    }

    std::array<uint64_t, kCounters> counters{};
    std::array<int64_t, kGauges> gauges{};
    std::array<uint64_t, kApis> requests{};
    std::array<Histogram, kTimings> timings{};
};

enum class MetricType : uint8_t { counter, gauge, histogram };

/// Static: one per metric.
struct MetricInfo {
    std::string_view name;  ///< "ringlog_connections_accepted_total"
    std::string_view help;
    MetricType type = MetricType::counter;
    std::string_view label{};  ///< A label beside "core"; empty: none.
    double scale = 1;  ///< What a value is multiplied with: 1e-9 for nanoseconds, told in seconds.
};

/// Upper bounds of the histograms that are told, in the unit of the Histogram (nanoseconds): 1, 2,
/// 5 times a power of ten, from 10 us to 10 s.
std::span<const uint64_t> histogram_bounds();

/// The numbers of one core at one moment. Made on that core, read anywhere.
struct MetricSnapshot {
    struct Sample {
        const MetricInfo* info;
        std::string label_value;
        double value = 0;
        // Histograms only.
        uint64_t count = 0;
        double sum = 0;
        std::vector<uint64_t> cumulative;  ///< Per bound.
    };

    uint16_t core = 0;
    std::vector<Sample> samples;

    void add(const MetricInfo& info, double value, std::string label_value = {});
    void add(const MetricInfo& info, const Histogram& histogram, std::string label_value = {});
};

/// Appends what the argument holds. On its core.
void collect(const CoreMetrics& metrics, MetricSnapshot& to);
void collect(const io::ReactorCounters& counters, MetricSnapshot& to);
void collect(const engine::JournalCounters& counters, MetricSnapshot& to);
void collect(const engine::DestagerCounters& counters, MetricSnapshot& to);
void collect(const engine::ShardCounters& counters, MetricSnapshot& to);

/// Prometheus' text format: every sample with its core as a label, and what the process itself
/// uses. Any thread.
std::string metrics_text(std::span<const MetricSnapshot> cores);

}  // namespace ringlog::broker

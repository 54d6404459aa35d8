// Snapshots to Prometheus' text, by its own client library. See broker/metrics.h.
#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <map>

#include "broker/metrics.h"

namespace ringlog::broker {

namespace {

using Families = std::map<std::string_view, prometheus::MetricFamily>;

prometheus::MetricType type_of(MetricType type) {
    switch (type) {
        case MetricType::counter: return prometheus::MetricType::Counter;
        case MetricType::gauge: return prometheus::MetricType::Gauge;
        case MetricType::histogram: return prometheus::MetricType::Histogram;
    }
    return prometheus::MetricType::Untyped;
}

prometheus::ClientMetric metric_of(const MetricSnapshot::Sample& sample, uint16_t core) {
    prometheus::ClientMetric metric;
    metric.label.push_back({.name = "core", .value = std::to_string(core)});
    if (!sample.info->label.empty()) {
        metric.label.push_back(
            {.name = std::string(sample.info->label), .value = sample.label_value});
    }
    if (sample.info->type == MetricType::counter) {
        metric.counter.value = sample.value;
    } else if (sample.info->type == MetricType::gauge) {
        metric.gauge.value = sample.value;
    } else {
        metric.histogram.sample_count = sample.count;
        metric.histogram.sample_sum = sample.sum;
        for (size_t i = 0; i < sample.cumulative.size(); ++i) {
            metric.histogram.bucket.push_back(
                {.cumulative_count = sample.cumulative[i],
                 .upper_bound = static_cast<double>(histogram_bounds()[i]) * sample.info->scale});
        }
    }
    return metric;
}

void add_process(Families& families, std::string_view name, std::string_view help, double value) {
    prometheus::MetricFamily& family = families[name];
    family.name = name;
    family.help = help;
    family.type = prometheus::MetricType::Gauge;
    family.metric.emplace_back().gauge.value = value;
}

/// The names that every Prometheus client uses for them.
void add_process_metrics(Families& families) {
    std::ifstream statm("/proc/self/statm");
    uint64_t total_pages = 0;
    uint64_t resident_pages = 0;
    if (statm >> total_pages >> resident_pages) {
        const auto page_bytes = static_cast<double>(sysconf(_SC_PAGESIZE));
        add_process(families, "process_resident_memory_bytes", "Resident memory size in bytes",
                    static_cast<double>(resident_pages) * page_bytes);
    }
    std::error_code error;
    const std::filesystem::directory_iterator descriptors("/proc/self/fd", error);
    if (!error) {
        add_process(families, "process_open_fds", "Number of open file descriptors",
                    static_cast<double>(std::distance(begin(descriptors), end(descriptors))));
    }
}

}  // namespace

std::string metrics_text(std::span<const MetricSnapshot> cores) {
    Families families;
    for (const MetricSnapshot& core : cores) {
        for (const MetricSnapshot::Sample& sample : core.samples) {
            prometheus::MetricFamily& family = families[sample.info->name];
            if (family.metric.empty()) {
                family.name = sample.info->name;
                family.help = sample.info->help;
                family.type = type_of(sample.info->type);
            }
            family.metric.push_back(metric_of(sample, core.core));
        }
    }
    add_process_metrics(families);
    std::vector<prometheus::MetricFamily> all;
    for (auto& [name, family] : families) {
        all.push_back(std::move(family));
    }
    return prometheus::TextSerializer().Serialize(all);
}

}  // namespace ringlog::broker

#include "bench/report.h"

#include <fmt/format.h>

#include <array>
#include <nlohmann/json.hpp>
#include <optional>
#include <string_view>

namespace ringlog::bench {
namespace {

constexpr double kNsPerUs = 1000;
constexpr double kMegabyte = 1e6;
constexpr double kSamplesAbove = 10 - 1e-6;  // the quantiles are not exact in binary

struct Quantile {
    std::string_view name;
    double at;
};
constexpr std::array<Quantile, 5> kQuantiles{
    {{"p50", 0.5}, {"p90", 0.9}, {"p99", 0.99}, {"p999", 0.999}, {"p9999", 0.9999}}};

std::optional<double> quantile_us(const Histogram& histogram, double at) {
    const double above = static_cast<double>(histogram.count()) * (1 - at);
    if (histogram.count() == 0 || (at > 0.5 && above < kSamplesAbove)) {
        return std::nullopt;
    }
    return static_cast<double>(histogram.value_at(at)) / kNsPerUs;
}

double mean_us(const Histogram& histogram) {
    return histogram.count() == 0 ? 0
                                  : static_cast<double>(histogram.sum()) /
                                        static_cast<double>(histogram.count()) / kNsPerUs;
}

double per(double amount, uint64_t count) {
    return count == 0 ? 0 : amount / static_cast<double>(count);
}

double per_second(uint64_t amount, const ProduceReport& report) {
    return report.seconds > 0 ? static_cast<double>(amount) / report.seconds : 0;
}

}  // namespace

std::string describe_ns(const Histogram& histogram) {
    std::string text;
    for (const Quantile& quantile : kQuantiles) {
        if (const auto value = quantile_us(histogram, quantile.at)) {
            text += fmt::format("{} {:.1f} ", quantile.name, *value);
        }
    }
    return text + fmt::format("max {:.1f} us (n {})",
                              static_cast<double>(histogram.max()) / kNsPerUs, histogram.count());
}

nlohmann::json json_ns(const Histogram& histogram) {
    nlohmann::json json;
    json["n"] = histogram.count();
    json["mean_us"] = mean_us(histogram);
    for (const Quantile& quantile : kQuantiles) {
        const auto value = quantile_us(histogram, quantile.at);
        const std::string key = fmt::format("{}_us", quantile.name);
        json[key] = value ? nlohmann::json(*value) : nlohmann::json();
    }
    json["max_us"] = static_cast<double>(histogram.max()) / kNsPerUs;
    return json;
}

std::string describe_run(const ProduceOptions& options, const ProduceReport& report) {
    std::string text =
        fmt::format("{:.0f} records/s  {:.1f} MB/s  {} requests in {:.2f} s\n",
                    per_second(report.records, report),
                    per_second(report.bytes, report) / kMegabyte, report.requests, report.seconds);
    text += fmt::format("ack        {}\n", describe_ns(report.ack_ns));
    if (options.per_second > 0) {
        text += fmt::format("service    {}\n", describe_ns(report.service_ns));
        text += fmt::format("sent late  {}\n", describe_ns(report.late_ns));
        text += fmt::format("offered {:.0f} requests/s, {}\n", options.per_second,
                            report.kept_up() ? "kept up" : "NOT KEPT UP");
    }
    if (options.end_to_end) {
        text += fmt::format("end to end {}\n", describe_ns(report.end_to_end_ns));
    }
    text += fmt::format("client CPU {:.2f} us per record",
                        per(static_cast<double>(report.client_cpu_ns) / kNsPerUs, report.records));
    if (report.broker_cpu_ns >= 0) {
        text +=
            fmt::format(", broker CPU {:.2f} us per record, RSS {:.1f} MiB",
                        per(static_cast<double>(report.broker_cpu_ns) / kNsPerUs, report.records),
                        static_cast<double>(report.broker_resident_bytes) / (1 << 20));
    }
    text += ", CPUs busy";
    for (const double percent : report.cpu_busy_percent) {
        text += fmt::format(" {:.0f}%", percent);
    }
    text += '\n';
    for (const auto& [code, count] : report.errors) {
        text += fmt::format("ERRORS: {} answers with code {}\n", count, code);
    }
    if (!report.sound()) {
        text += fmt::format(
            "UNSOUND: unanswered {}, disordered {}, partitions with gaps {}, gaps at the consumer "
            "{}\n",
            report.unanswered, report.disordered, report.undense, report.consumer_gaps);
    }
    return text;
}

nlohmann::json json_run(const ProduceOptions& options, const ProduceReport& report) {
    nlohmann::json json;
    json["options"] = {{"topic", options.topic},
                       {"partitions", options.partition_count},
                       {"connections", options.connections},
                       {"threads", options.threads},
                       {"in_flight", options.in_flight},
                       {"rate", options.per_second},
                       {"spacing", options.spacing == Spacing::fixed ? "fixed" : "poisson"},
                       {"record_bytes", options.record_bytes},
                       {"records_per_batch", options.records_per_batch},
                       {"acks", options.acks},
                       {"configs", options.configs}};
    json["seconds"] = report.seconds;
    json["requests"] = report.requests;
    json["records_per_second"] = per_second(report.records, report);
    json["mb_per_second"] = per_second(report.bytes, report) / kMegabyte;
    json["ack"] = json_ns(report.ack_ns);
    json["service"] = json_ns(report.service_ns);
    if (options.per_second > 0) {
        json["sent_late"] = json_ns(report.late_ns);
        json["kept_up"] = report.kept_up();
        json["refused"] = report.refused;
    }
    if (options.end_to_end) {
        json["end_to_end"] = json_ns(report.end_to_end_ns);
        json["consumed"] = report.consumed;
    }
    json["client_cpu_us_per_record"] =
        per(static_cast<double>(report.client_cpu_ns) / kNsPerUs, report.records);
    if (report.broker_cpu_ns >= 0) {
        json["broker_cpu_us_per_record"] =
            per(static_cast<double>(report.broker_cpu_ns) / kNsPerUs, report.records);
        json["broker_rss_bytes"] = report.broker_resident_bytes;
    }
    json["cpu_busy_percent"] = report.cpu_busy_percent;
    nlohmann::json errors = nlohmann::json::object();
    for (const auto& [code, count] : report.errors) {
        errors[std::to_string(code)] = count;
    }
    json["errors"] = errors;
    json["unanswered"] = report.unanswered;
    json["disordered"] = report.disordered;
    json["partitions_with_gaps"] = report.undense;
    json["consumer_gaps"] = report.consumer_gaps;
    json["sound"] = report.sound();
    return json;
}

}  // namespace ringlog::bench

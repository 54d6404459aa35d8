// Texts of configuration values to their types. See broker/config_parse.h.
#include "broker/config_parse.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <numeric>
#include <set>

#include "cluster/config_value.h"

namespace ringlog::broker {

using cluster::parse_integer;
using cluster::trimmed;

namespace {

struct Unit {
    std::string_view name;
    int64_t factor;
};
constexpr std::array<Unit, 14> kByteUnits = {{{"", 1},
                                              {"b", 1},
                                              {"k", 1LL << 10},
                                              {"kib", 1LL << 10},
                                              {"kb", 1LL << 10},
                                              {"m", 1LL << 20},
                                              {"mib", 1LL << 20},
                                              {"mb", 1LL << 20},
                                              {"g", 1LL << 30},
                                              {"gib", 1LL << 30},
                                              {"gb", 1LL << 30},
                                              {"t", 1LL << 40},
                                              {"tib", 1LL << 40},
                                              {"tb", 1LL << 40}}};

std::string lower(std::string_view text) {
    std::string result(text);
    std::ranges::transform(result, result.begin(), [](char c) {
        return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    });
    return result;
}

struct NumberAndUnit {
    std::optional<int64_t> number;
    std::string unit;  ///< Lower case.
};

NumberAndUnit split(std::string_view text) {
    text = trimmed(text);
    const size_t end = std::min(text.find_first_not_of("+-0123456789"), text.size());
    return {.number = parse_integer(text.substr(0, end)), .unit = lower(trimmed(text.substr(end)))};
}

Parsed<uint32_t> parse_cpu(std::string_view text) {
    const std::optional<int64_t> value = parse_integer(text);
    if (!value.has_value() || *value < 0 || *value > 1023) {
        return std::unexpected(fmt::format("\"{}\" is not the number of a processor", text));
    }
    return static_cast<uint32_t>(*value);
}

Parsed<std::vector<uint32_t>> parse_cpu_list(std::string_view text) {
    std::set<uint32_t> cpus;
    std::string problem;
    cluster::for_each_element(text, [&](std::string_view element) {
        const size_t dash = element.find('-');
        const Parsed<uint32_t> first = parse_cpu(element.substr(0, dash));
        const Parsed<uint32_t> last =
            dash == std::string_view::npos ? first : parse_cpu(element.substr(dash + 1));
        if (!first.has_value() || !last.has_value()) {
            problem = first.has_value() ? last.error() : first.error();
        } else if (*first > *last) {
            problem = fmt::format("\"{}\" is not a range from low to high", element);
        } else {
            for (uint32_t cpu = *first; cpu <= *last; ++cpu) {
                cpus.insert(cpu);
            }
        }
    });
    if (!problem.empty()) {
        return std::unexpected(problem);
    }
    return std::vector<uint32_t>(cpus.begin(), cpus.end());
}

}  // namespace

Parsed<int64_t> parse_bytes(std::string_view text, bool units) {
    const NumberAndUnit parts = split(text);
    const auto unit = std::ranges::find(kByteUnits, parts.unit, &Unit::name);
    int64_t bytes = 0;
    if (!parts.number.has_value() || unit == kByteUnits.end() ||
        __builtin_mul_overflow(*parts.number, unit->factor, &bytes)) {
        return std::unexpected(
            fmt::format("\"{}\" is not a number of bytes; {}", text,
                        units ? "write 67108864 or 64MiB" : "write a plain number"));
    }
    if (!units && !parts.unit.empty()) {
        return std::unexpected(fmt::format(
            "\"{}\": Kafka's keys take plain bytes without a unit; write {}", text, bytes));
    }
    return bytes;
}

Parsed<int64_t> parse_count(std::string_view text, std::string_view unit) {
    const NumberAndUnit parts = split(text);
    if (parts.number.has_value() && parts.unit.empty()) {
        return *parts.number;
    }
    if (unit.empty()) {
        return std::unexpected(fmt::format("\"{}\" is not a whole number", text));
    }
    constexpr std::array<Unit, 5> kTimes = {
        {{"ms", 1}, {"s", 1000}, {"m", 60'000}, {"h", 3'600'000}, {"d", 86'400'000}}};
    const auto time = std::ranges::find(kTimes, parts.unit, &Unit::name);
    int64_t ms = 0;
    if (parts.number.has_value() && time != kTimes.end() && unit == "milliseconds" &&
        !__builtin_mul_overflow(*parts.number, time->factor, &ms)) {
        return std::unexpected(fmt::format(
            "\"{}\" has a unit; this key is a plain number of milliseconds: write {}", text, ms));
    }
    return std::unexpected(fmt::format("\"{}\" is not a plain number of {}", text, unit));
}

Parsed<CoreChoice> parse_cores(std::string_view text) {
    text = trimmed(text);
    if (text == "all") {
        return CoreChoice{};
    }
    constexpr std::string_view kForms = "write a count (4), a list of processors (0,2-3), or all";
    if (text.find_first_of(",-") == std::string_view::npos) {
        const std::optional<int64_t> count = parse_integer(text);
        if (!count.has_value() || *count < 1 || *count > 1024) {
            return std::unexpected(
                fmt::format("\"{}\" is not a number of cores; {}", text, kForms));
        }
        return CoreChoice{.count = static_cast<uint16_t>(*count), .cpus = {}};
    }
    Parsed<std::vector<uint32_t>> cpus = parse_cpu_list(text);
    if (!cpus.has_value()) {
        return std::unexpected(fmt::format("{}; {}", cpus.error(), kForms));
    }
    return CoreChoice{.count = static_cast<uint16_t>(cpus->size()), .cpus = std::move(*cpus)};
}

Parsed<HostPort> parse_host_port(std::string_view text) {
    text = trimmed(text);
    const size_t colon = text.rfind(':');
    const std::optional<int64_t> port =
        colon == std::string_view::npos ? std::nullopt : parse_integer(text.substr(colon + 1));
    if (!port.has_value()) {
        return std::unexpected(fmt::format("\"{}\" has no port; write host:port", text));
    }
    if (*port < 0 || *port > 65535) {
        return std::unexpected(fmt::format("port {} is not between 0 and 65535", *port));
    }
    std::string_view host = text.substr(0, colon);
    if (host.starts_with('[') && host.ends_with(']')) {
        host = host.substr(1, host.size() - 2);
    } else if (host.find(':') != std::string_view::npos) {
        return std::unexpected(
            fmt::format("\"{}\": write an IPv6 address in brackets, as in [::1]:9092", text));
    }
    if (host.find_first_of(" /@") != std::string_view::npos) {
        return std::unexpected(fmt::format("\"{}\" is not a host", host));
    }
    return HostPort{.host = std::string(host), .port = static_cast<uint16_t>(*port)};
}

std::string_view nearest_key(std::string_view key,
                             const std::vector<std::string_view>& candidates) {
    std::string_view best;
    size_t best_distance = std::max<size_t>(2, key.size() / 4) + 1;
    for (const std::string_view candidate : candidates) {
        // Edit distance, one row at a time.
        std::vector<size_t> row(candidate.size() + 1);
        std::iota(row.begin(), row.end(), size_t{0});
        for (size_t i = 0; i < key.size(); ++i) {
            size_t diagonal = row[0];
            row[0] = i + 1;
            for (size_t j = 0; j < candidate.size(); ++j) {
                const size_t replaced = diagonal + (key[i] == candidate[j] ? 0 : 1);
                diagonal = row[j + 1];
                row[j + 1] = std::min({replaced, row[j] + 1, diagonal + 1});
            }
        }
        if (row.back() < best_distance) {
            best_distance = row.back();
            best = candidate;
        }
    }
    return best;
}

}  // namespace ringlog::broker

// How the bench programs print what they measured: quantiles in microseconds for people, and the
// same as JSON. Any thread.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "base/histogram.h"
#include "bench/produce_run.h"

namespace ringlog::bench {

/// "p50 217.1 p90 ... max ... us (n 1234)". A quantile with fewer than ten samples above it is not
/// printed.
std::string describe_ns(const Histogram& histogram);

/// {"n", "mean_us", "p50_us", "p90_us", "p99_us", "p999_us", "p9999_us", "max_us"}; null where
/// there are too few samples.
nlohmann::json json_ns(const Histogram& histogram);

std::string describe_run(const ProduceOptions& options, const ProduceReport& report);
nlohmann::json json_run(const ProduceOptions& options, const ProduceReport& report);

}  // namespace ringlog::bench

// Quantiles and merging. See base/histogram.h.
#include "base/histogram.h"

#include <algorithm>
#include <cmath>

namespace ringlog {

uint64_t Histogram::value_at(double quantile) const {
    if (count_ == 0) {
        return 0;
    }
    const double exact = std::clamp(quantile, 0.0, 1.0) * static_cast<double>(count_);
    const auto rank = std::max<uint64_t>(1, static_cast<uint64_t>(std::ceil(exact)));
    uint64_t seen = 0;
    for (size_t i = 0; i < kBuckets; ++i) {
        seen += counts_[i];
        if (seen >= rank) {
            return std::min(last_value_of(i), max_);
        }
    }
    return max_;
}

void Histogram::merge(const Histogram& other) {
    for (size_t i = 0; i < kBuckets; ++i) {
        counts_[i] += other.counts_[i];
    }
    count_ += other.count_;
    sum_ += other.sum_;
    max_ = std::max(max_, other.max_);
}

}  // namespace ringlog

// A log-linear histogram: 32 buckets per power of two (3 % error), fixed memory. One writer; read
// on its own core.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

namespace ringlog {

/// Counts of non-negative values of any unit. Record costs a few nanoseconds and never allocates.
class Histogram {
public:
    static constexpr unsigned kSubBits = 5;
    static constexpr size_t kBuckets = (64 - kSubBits + 1) << kSubBits;

    void record(uint64_t value) {
        ++counts_[index_of(value)];
        ++count_;
        sum_ += value;
        max_ = value > max_ ? value : max_;
    }

    [[nodiscard]] uint64_t count() const { return count_; }
    [[nodiscard]] uint64_t sum() const { return sum_; }
    [[nodiscard]] uint64_t max() const { return max_; }
    [[nodiscard]] uint64_t bucket(size_t index) const { return counts_[index]; }

    /// The largest value of the bucket in which the `quantile` (0 to 1) falls, at most max(); 0 if
    /// empty.
    [[nodiscard]] uint64_t value_at(double quantile) const;

    void merge(const Histogram& other);
    void clear() { *this = Histogram{}; }

    /// The bucket of `value`.
    static constexpr size_t index_of(uint64_t value) {
        if (value < (uint64_t{1} << kSubBits)) {
            return value;
        }
        const unsigned shift = static_cast<unsigned>(std::bit_width(value)) - 1 - kSubBits;
        return (static_cast<size_t>(shift) << kSubBits) + (value >> shift);
    }
    /// The largest value that falls into bucket `index`.
    static constexpr uint64_t last_value_of(size_t index) {
        if (index < (size_t{2} << kSubBits)) {
            return index;
        }
        const size_t shift = (index >> kSubBits) - 1;
        const uint64_t mantissa = (index & ((size_t{1} << kSubBits) - 1)) + (size_t{1} << kSubBits);
        return ((mantissa + 1) << shift) - 1;
    }

private:
    std::array<uint64_t, kBuckets> counts_{};
    uint64_t count_ = 0;
    uint64_t sum_ = 0;
    uint64_t max_ = 0;
};

}  // namespace ringlog

// What happened in a simulated run, as a chain of hashes: two runs of one seed must end in the same
// hash. Readable lines on request. One thread.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "base/clock.h"

namespace ringlog::simulation {

/// One thing that happened. Fields that a kind does not use are 0.
struct TraceRecord {
    std::string_view what;  ///< A literal: "turn", "write", "power_loss", ...
    uint64_t node = 0;
    uint64_t core = 0;
    uint64_t position = 0;
    uint64_t length = 0;
    uint64_t content = 0;  ///< A hash of the bytes that moved.
    int64_t result = 0;
};

class Trace {
public:
    using Sink = std::function<void(const std::string& line)>;

    void add(MonotonicNs time, const TraceRecord& record);

    /// Of everything added so far, in order.
    [[nodiscard]] uint64_t hash() const { return hash_; }
    [[nodiscard]] uint64_t count() const { return count_; }
    /// Gets one readable line per record from now on.
    void set_sink(Sink sink) { sink_ = std::move(sink); }

private:
    uint64_t hash_ = 0;
    uint64_t count_ = 0;
    Sink sink_;
};

}  // namespace ringlog::simulation

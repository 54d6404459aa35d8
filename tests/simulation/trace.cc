#include "tests/simulation/trace.h"

#include <fmt/format.h>

#include <array>

#include "base/checksum.h"

namespace ringlog::simulation {

void Trace::add(MonotonicNs time, const TraceRecord& record) {
    const std::array<uint64_t, 8> fields{static_cast<uint64_t>(time),
                                         record.node,
                                         record.core,
                                         record.position,
                                         record.length,
                                         record.content,
                                         static_cast<uint64_t>(record.result),
                                         hash_};
    hash_ = xxh3(as_bytes(record.what), xxh3(std::as_bytes(std::span(fields)), hash_));
    ++count_;
    if (sink_) {
        sink_(fmt::format("{:>14} node {} core {} {} position {} length {} result {}", time,
                          record.node, record.core, record.what, record.position, record.length,
                          record.result));
    }
}

}  // namespace ringlog::simulation

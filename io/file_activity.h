// How many file operations are in flight in this process, over all cores: a spinning core was
// measured to delay the completion of a direct write of any core by a whole scheduler tick, so
// cores spin only while this is zero.
#pragma once

#include <atomic>
#include <cstdint>

namespace ringlog::io {

/// A counter in the sense of docs/architecture.md: relaxed, a stale read costs a few microseconds
/// and nothing else.
inline std::atomic<int32_t> file_ops_in_flight_of_process{0};

}  // namespace ringlog::io

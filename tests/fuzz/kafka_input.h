// How a fuzzer's input names a message of its API: the first byte selects direction and version,
// the rest is the body. Included by the one source file of each codec fuzzer.
// tools/record_golden/make_corpus.py writes seeds of this form.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "base/assert.h"
#include "tests/support/allocation_count.h"
#include "tests/support/kafka_shapes.h"

namespace ringlog::kafka {

/// Decodes and walks `data` as one version of both directions of `key`, allowing no allocation,
/// then checks that what was decoded survives a round trip.
inline void fuzz_api(ApiKey key, const uint8_t* data, size_t size) {
    if (size == 0) {
        return;
    }
    const ApiInfo& api = *find_api(key);
    const auto version = static_cast<int16_t>(api.min + data[0] % (api.max - api.min + 1));
    const bool request = (data[0] & 0x80) == 0;
    const Shape& shape = *find_shape(api.name, request);
    const ByteView body = std::as_bytes(std::span(data + 1, size - 1));
    const size_t before = test::allocated_bytes();
    shape.walk(body, version);
    RL_ASSERT(test::allocated_bytes() == before, "decoding {} {} allocated", api.name, version);
    RL_ASSERT(shape.round_trip(body, version), "{} {}", api.name, version);
}

}  // namespace ringlog::kafka

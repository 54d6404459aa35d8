// Fuzzes ListOffsets, every version, both directions.
#include "tests/fuzz/kafka_input.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    ringlog::kafka::fuzz_api(ringlog::kafka::ApiKey::list_offsets, data, size);
    return 0;
}

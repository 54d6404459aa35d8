// Fuzzes CreateTopics, every version, both directions.
#include "tests/fuzz/kafka_input.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    ringlog::kafka::fuzz_api(ringlog::kafka::ApiKey::create_topics, data, size);
    return 0;
}

// The two checksums of Ringlog: CRC-32C, which record batches carry (ISA-L), and XXH3, which our
// own files carry.
#pragma once

#include <cstdint>

#include "base/bytes.h"

namespace ringlog {

/// CRC-32C (Castagnoli) of `bytes`, as in a record batch: check value of "123456789" is 0xe3069283.
uint32_t crc32c(ByteView bytes);

/// Continues a CRC-32C: crc32c_extend(crc32c(a), b) == crc32c(a followed by b).
uint32_t crc32c_extend(uint32_t crc, ByteView bytes);

/// XXH3 (64 bits) of `bytes` under `seed`.
uint64_t xxh3(ByteView bytes, uint64_t seed = 0);

}  // namespace ringlog

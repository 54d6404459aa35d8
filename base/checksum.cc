// Checksums by the libraries that do them best. See base/checksum.h.
#include "base/checksum.h"

#include <isa-l/crc.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace ringlog {

uint32_t crc32c_extend(uint32_t crc, ByteView bytes) {
    // ISA-L neither inverts its seed nor its result, and takes a mutable pointer that it only
    // reads.
    auto* data = reinterpret_cast<unsigned char*>(const_cast<std::byte*>(bytes.data()));
    return ~crc32_iscsi(data, static_cast<int>(bytes.size()), ~crc);
}

uint32_t crc32c(ByteView bytes) {
    return crc32c_extend(0, bytes);
}

uint64_t xxh3(ByteView bytes, uint64_t seed) {
    return XXH3_64bits_withSeed(bytes.data(), bytes.size(), seed);
}

}  // namespace ringlog

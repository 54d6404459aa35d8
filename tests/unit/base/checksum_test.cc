// The checksums that record batches and our own files carry.
#include "base/checksum.h"

#include <gtest/gtest.h>

#include <string>

namespace ringlog {
namespace {

TEST(Checksum, Crc32cHasTheCheckValueOfCastagnoli) {
    EXPECT_EQ(crc32c(as_bytes("123456789")), 0xe3069283U);
}

TEST(Checksum, Crc32cContinuesAcrossAnySplit) {
    const std::string text = "a record batch that arrives in two pieces";
    const uint32_t whole = crc32c(as_bytes(text));
    for (size_t cut = 0; cut <= text.size(); ++cut) {
        const std::string_view view = text;
        EXPECT_EQ(crc32c_extend(crc32c(as_bytes(view.substr(0, cut))), as_bytes(view.substr(cut))),
                  whole);
    }
}

TEST(Checksum, Xxh3DependsOnItsSeed) {
    EXPECT_NE(xxh3(as_bytes("frame"), 1), xxh3(as_bytes("frame"), 2));
}

}  // namespace
}  // namespace ringlog

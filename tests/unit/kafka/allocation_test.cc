// Goal: decoding a request allocates nothing, whatever the request declares: the bound of design is
// twice its bytes. Method: every allocation of this program is counted, per thread; every recorded
// message and every prefix of it is decoded and walked with no allocation allowed.
#include <gtest/gtest.h>

#include "tests/support/allocation_count.h"
#include "tests/support/kafka_shapes.h"
#include "tests/unit/kafka/golden_file.h"

namespace ringlog::kafka {
namespace {

using test::allocated_bytes;

TEST(Allocation, TheCounterCounts) {
    const size_t before = allocated_bytes();
    // A direct call: the compiler may leave out a new-expression whose result nobody needs.
    void* const taken = ::operator new(12345);
    EXPECT_EQ(allocated_bytes() - before, 12345U);
    ::operator delete(taken);
}

TEST(Allocation, DecodingAndWalkingEveryMessageAllocatesNothing) {
    const auto lines = golden::lines();
    ASSERT_GT(lines.size(), 200U);
    size_t walked = 0;
    for (const golden::Line& line : lines) {
        const auto shape = find_shape(line.api, line.direction == "request");
        if (!shape) {
            continue;
        }
        for (size_t size = 0; size <= line.bytes.size(); ++size) {
            const ByteView bytes = ByteView(line.bytes).first(size);
            const size_t before = allocated_bytes();
            const bool valid = shape->walk(bytes, line.version);
            EXPECT_EQ(allocated_bytes(), before) << line.title();
            EXPECT_EQ(valid, size == line.bytes.size()) << line.title() << " cut at " << size;
        }
        ++walked;
    }
    EXPECT_GT(walked, 200U);
}

TEST(Allocation, ARequestThatDeclaresMuchAllocatesNothing) {
    // 100,000 topics of three bytes each in a Fetch request: Kafka's own structs would take some
    // ten MiB.
    Writer writer(Wire{.version = 12, .flexible = true});
    writer.write_raw(std::vector<std::byte>(25));
    writer.write_count(100'000);
    for (int i = 0; i < 100'000; ++i) {
        writer.write_string("");
        writer.write_count(0);
        writer.write_uvarint(0);
    }
    writer.write_count(0);
    writer.write_string("");
    writer.write_uvarint(0);
    const auto shape = find_shape("Fetch", true);
    ASSERT_TRUE(shape);
    const size_t before = allocated_bytes();
    EXPECT_TRUE(shape->walk(writer.bytes(), 12));
    EXPECT_EQ(allocated_bytes(), before);
}

}  // namespace
}  // namespace ringlog::kafka

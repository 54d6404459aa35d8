// Goal: bytes are divided in the order of the request, and the first batch is whole whatever its
// size.
#include "broker/fetch_share.h"

#include <gtest/gtest.h>

namespace ringlog::broker {
namespace {

struct Case {
    const char* name;
    std::vector<uint64_t> available;
    std::vector<uint32_t> max_bytes;
    uint64_t max_total;
    std::vector<uint64_t> expected;
    size_t whole;  ///< Which one may exceed its limit.
};

TEST(FetchShare, BytesAreAllottedInOrder) {
    const std::vector<Case> cases = {
        {"all fit", {10, 20}, {100, 100}, 1000, {100, 100}, 0},
        {"the first takes all", {500, 20}, {1000, 1000}, 400, {400, 0}, 0},
        {"what is left", {300, 500}, {1000, 1000}, 400, {400, 100}, 0},
        {"empty ones take nothing", {0, 500, 7}, {1000, 1000, 10}, 600, {0, 600, 10}, 1},
        {"its own limit", {500, 500}, {50, 60}, 1000, {50, 60}, 0},
        {"no bytes allowed", {500, 500}, {0, 0}, 0, {1, 0}, 0},
        {"nothing there", {0, 0}, {10, 10}, 100, {0, 0}, 9},
    };
    for (const Case& test : cases) {
        SCOPED_TRACE(test.name);
        std::vector<FetchItem> items(test.available.size());
        std::vector<FetchItem*> order;
        for (size_t i = 0; i < items.size(); ++i) {
            items[i].available = test.available[i];
            items[i].max_bytes = test.max_bytes[i];
            order.push_back(&items[i]);
        }
        allot(order, test.max_total);
        for (size_t i = 0; i < items.size(); ++i) {
            EXPECT_EQ(items[i].read_bytes, test.expected[i]) << i;
            EXPECT_EQ(items[i].read_whole, i == test.whole) << i;
        }
    }
}

TEST(FetchShare, AnItemWithAnErrorReadsNothing) {
    FetchItem bad;
    bad.available = 10;
    bad.max_bytes = 10;
    bad.error = kafka::ErrorCode::offset_out_of_range;
    FetchItem* const item = &bad;
    allot(std::span(&item, 1), 100);
    EXPECT_EQ(bad.read_bytes, 0U);
}

}  // namespace
}  // namespace ringlog::broker

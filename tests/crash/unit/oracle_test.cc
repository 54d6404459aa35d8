// What the oracle calls lost, stale, out of place and unknown, and what it lets pass.
#include "tests/crash/oracle.h"

#include <gtest/gtest.h>

namespace ringlog::crash {
namespace {

FoundBatch batch(int64_t base, int64_t last, uint64_t body, int32_t epoch = 1) {
    return {.base_offset = base, .last_offset = last, .epoch = epoch, .body = body};
}

/// One partition that took three batches, of offsets 0, 1 to 2, and 3; the first two acked.
struct ThreeBatches {
    std::vector<Event> events;

    ThreeBatches() {
        events.push_back({.kind = EventKind::topic_created, .length = 1, .path = "words"});
        for (uint32_t n = 0; n < 3; ++n) {
            events.push_back({.kind = EventKind::sent,
                              .bytes = std::vector<std::byte>(100, static_cast<std::byte>(n)),
                              .batch = n});
        }
        const std::vector<std::pair<uint64_t, uint64_t>> offsets = {{0, 1}, {1, 3}, {3, 4}};
        for (uint32_t n = 0; n < 3; ++n) {
            events.push_back({.kind = EventKind::appended,
                              .position = offsets[n].first,
                              .length = offsets[n].second,
                              .batch = n,
                              .sequence = n + 2,
                              .epoch = 1});
        }
        for (uint32_t n = 0; n < 2; ++n) {
            events.push_back({.kind = EventKind::acked,
                              .position = offsets[n].first,
                              .batch = n,
                              .sequence = n + 2});
        }
        events.push_back({.kind = EventKind::flushed, .sequence = 2});
    }
    [[nodiscard]] uint64_t body(uint32_t n) const { return body_hash(events[1 + n].bytes); }
    [[nodiscard]] std::vector<FoundBatch> log() const {
        return {batch(0, 0, body(0)), batch(1, 2, body(1)), batch(3, 3, body(2))};
    }
};

class OracleTest : public testing::Test {
protected:
    /// What judging `log` said: the count, or the problem.
    std::string judge(const std::vector<FoundBatch>& log, const Knowledge& before = {}) {
        const Oracle oracle(before, three_.events, engine::Durability::power);
        std::string problem;
        stale_ = false;
        const int32_t count = oracle.judge(oracle.partitions().front(), log, problem, stale_);
        return problem.empty() ? std::to_string(count) : problem;
    }
    /// What is wrong with a recovered log of `count` batches behind every event.
    std::string check(int32_t count, engine::Durability durability, bool kill) {
        Oracle oracle({}, three_.events, durability);
        for (size_t i = 0; i < three_.events.size(); ++i) {
            oracle.advance(i);
        }
        return oracle.check({.counts = {count}}, kill);
    }

    ThreeBatches three_;
    bool stale_ = false;
};

TEST_F(OracleTest, APrefixIsRight) {
    std::vector<FoundBatch> log = three_.log();
    EXPECT_EQ(judge(log), "3");
    log.pop_back();
    EXPECT_EQ(judge(log), "2");
    EXPECT_EQ(judge({}), "0");
}

TEST_F(OracleTest, WhatIsNotAPrefixIsNamed) {
    const std::vector<FoundBatch> log = three_.log();
    EXPECT_NE(judge({log[0], log[2]}).find("offset 3 follows offset 0"), std::string::npos);
    EXPECT_NE(judge({log[0], log[0]}).find("follows"), std::string::npos);
    EXPECT_NE(judge({log[0], batch(1, 2, three_.body(2))}).find("another place"),
              std::string::npos);
    EXPECT_NE(judge({log[0], batch(1, 2, 77)}).find("never sent"), std::string::npos);
    EXPECT_NE(judge({batch(0, 0, three_.body(0), 2)}).find("another place"), std::string::npos);
    EXPECT_FALSE(stale_);
}

TEST_F(OracleTest, ABatchThatWasCutIsStale) {
    Knowledge before;
    before.topics.push_back({.topic = {.name = "words", .partitions = 1}});
    before.partitions.push_back({.gone = {77}});
    EXPECT_NE(judge({batch(0, 0, 77)}, before).find("it is back"), std::string::npos);
    EXPECT_TRUE(stale_);
}

TEST_F(OracleTest, AckedIsPromisedAsTheDurabilitySays) {
    EXPECT_EQ(check(2, engine::Durability::power, false), "");
    EXPECT_NE(check(1, engine::Durability::power, false).find("lost from offset 1"),
              std::string::npos);
    EXPECT_NE(check(-1, engine::Durability::power, false), "");
    // A flush covered the first frame alone; a kill takes nothing that was acked.
    EXPECT_EQ(check(1, engine::Durability::crash, false), "");
    EXPECT_NE(check(0, engine::Durability::crash, false), "");
    EXPECT_NE(check(1, engine::Durability::crash, true), "");
}

}  // namespace
}  // namespace ringlog::crash

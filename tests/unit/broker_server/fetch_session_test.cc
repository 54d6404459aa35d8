// Goal: a fetch session remembers what a consumer reads, in a fair order, within its bounds.
#include "broker/fetch_session.h"

#include <gtest/gtest.h>

namespace ringlog::broker {
namespace {

using kafka::ErrorCode;

kafka::FetchRequest request_for(std::vector<std::pair<std::string_view, int32_t>> partitions,
                                int64_t offset = 0) {
    kafka::FetchRequest request;
    for (const auto& [topic, partition] : partitions) {
        request.topics.push_back(
            {.topic = topic, .partitions = {{.partition = partition, .fetch_offset = offset}}});
    }
    return request;
}

std::vector<std::string> names_of(FetchSession& session) {
    std::vector<std::string> names;
    for (const SessionPartition& partition : session.partitions()) {
        names.push_back(partition.topic + std::to_string(partition.partition));
    }
    return names;
}

TEST(FetchSession, PartitionsAreAddedChangedAndForgotten) {
    FetchSession session(1, 0);
    session.update(request_for({{"a", 0}, {"a", 1}, {"b", 0}}));
    EXPECT_EQ(names_of(session), (std::vector<std::string>{"a0", "a1", "b0"}));
    session.update(request_for({{"a", 1}}, 7));
    EXPECT_EQ(std::next(session.partitions().begin())->fetch_offset, 7);
    kafka::FetchRequest forget;
    forget.forgotten_topics.push_back({.topic = "a", .partitions = {0, 9}});
    session.update(forget);
    EXPECT_EQ(names_of(session), (std::vector<std::string>{"a1", "b0"}));
    session.update(request_for({{"a", 0}}));
    EXPECT_EQ(names_of(session), (std::vector<std::string>{"a1", "b0", "a0"}));
}

TEST(FetchSession, WhatGaveDataGoesToTheEnd) {
    FetchSession session(1, 0);
    session.update(request_for({{"a", 0}, {"a", 1}, {"a", 2}}));
    session.rotate(session.partitions().begin());
    EXPECT_EQ(names_of(session), (std::vector<std::string>{"a1", "a2", "a0"}));
    session.update(request_for({{"a", 0}}, 3));
    EXPECT_EQ(session.partitions().back().fetch_offset, 3);
}

TEST(FetchSession, TheEpochWrapsToOne) {
    FetchSession session(1, 0);
    EXPECT_EQ(session.epoch(), 1);
    session.advance();
    EXPECT_EQ(session.epoch(), 2);
}

TEST(FetchSessionCache, ASessionIsTakenByItsIdAndEpochOnceAtATime) {
    Random random(1);
    FetchSessionCache cache(3, 10);
    auto session = cache.create(random, 0, 0);
    ASSERT_NE(session, nullptr);
    const int32_t id = session->id();
    EXPECT_GT(id, 0);
    EXPECT_EQ(FetchSessionCache::core_of(id), 3);
    EXPECT_EQ(cache.take(id, 1).error, ErrorCode::fetch_session_id_not_found) << "it is in use";
    cache.give_back(std::move(session), 0);
    EXPECT_EQ(cache.take(id, 2).error, ErrorCode::invalid_fetch_session_epoch);
    auto taken = cache.take(id, 1);
    EXPECT_EQ(taken.error, ErrorCode::none);
    ASSERT_NE(taken.session, nullptr);
    cache.remove(id);
    cache.give_back(std::move(taken.session), 0);
    EXPECT_EQ(cache.size(), 0U) << "it was closed meanwhile";
}

TEST(FetchSessionCache, OnlyASessionThatRestsMakesRoom) {
    Random random(1);
    FetchSessionCache cache(0, 2);
    auto first = cache.create(random, 0, 0);
    const int32_t first_id = first->id();
    auto second = cache.create(random, 0, 0);
    EXPECT_EQ(cache.create(random, 0, 0), nullptr);
    cache.give_back(std::move(first), 10);
    EXPECT_EQ(cache.create(random, FetchSessionCache::kEvictableNs, 0), nullptr)
        << "it rests too short";
    EXPECT_NE(cache.create(random, FetchSessionCache::kEvictableNs + 10, 0), nullptr);
    EXPECT_EQ(cache.take(first_id, 1).error, ErrorCode::fetch_session_id_not_found);
    EXPECT_EQ(cache.size(), 2U);
}

TEST(FetchSession, ItKnowsItsMemory) {
    FetchSession session(1, 0);
    EXPECT_EQ(session.bytes(), 0);
    const auto request = request_for({{"a", 0}, {"a", 1}, {"a long name of a topic", 0}});
    session.update(request);
    EXPECT_EQ(session.bytes(), FetchSession::bytes_of(request));
    session.update(request);
    EXPECT_EQ(session.bytes(), FetchSession::bytes_of(request)) << "nothing new";
    kafka::FetchRequest forget;
    forget.forgotten_topics.push_back({.topic = "a", .partitions = {0, 1, 9}});
    forget.forgotten_topics.push_back({.topic = "a long name of a topic", .partitions = {0}});
    session.update(forget);
    EXPECT_EQ(session.bytes(), 0);
}

TEST(FetchSessionCache, SessionsAreBoundedInMemory) {
    Random random(1);
    const auto one = request_for({{"a", 0}});
    const int64_t bytes = FetchSession::bytes_of(one);
    FetchSessionCache cache(0, 10, 3 * bytes);
    EXPECT_EQ(cache.create(random, 0, 4 * bytes), nullptr) << "it alone is too much";
    auto first = cache.create(random, 0, bytes);
    first->update(one);
    auto second = cache.create(random, 0, 2 * bytes);
    second->update(one);
    EXPECT_EQ(cache.bytes(), 3 * bytes);
    EXPECT_EQ(cache.create(random, 0, bytes), nullptr);
    cache.give_back(std::move(second), 0);
    EXPECT_EQ(cache.bytes(), 2 * bytes) << "it named a partition twice";
    cache.give_back(std::move(first), 1);
    const MonotonicNs later = FetchSessionCache::kEvictableNs;
    EXPECT_NE(cache.create(random, later, 2 * bytes), nullptr) << "the one that rests longer goes";
    EXPECT_EQ(cache.size(), 2U);
    EXPECT_EQ(cache.bytes(), 3 * bytes);
    EXPECT_EQ(cache.create(random, later, 2 * bytes), nullptr);
}

TEST(FetchSessionCache, ASessionThatOutgrowsItsCacheIsForgotten) {
    Random random(1);
    const auto one = request_for({{"a", 0}});
    FetchSessionCache cache(0, 10, 2 * FetchSession::bytes_of(one));
    auto session = cache.create(random, 0, FetchSession::bytes_of(one));
    const int32_t id = session->id();
    session->update(request_for({{"a", 0}, {"a", 1}}));
    cache.give_back(std::move(session), 0);
    session = cache.take(id, 1).session;
    ASSERT_NE(session, nullptr) << "there is room";
    session->update(request_for({{"a", 2}}));
    cache.give_back(std::move(session), 0);
    EXPECT_EQ(cache.take(id, 1).error, ErrorCode::fetch_session_id_not_found);
    EXPECT_EQ(cache.bytes(), 0);
}

}  // namespace
}  // namespace ringlog::broker

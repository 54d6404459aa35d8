// What every metadata store promises, run against each: SQLite, the simulated one, and the
// simulated one with delays.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "cluster/memory_store.h"
#include "cluster/sqlite_store.h"
#include "tests/unit/cluster/test_core.h"

namespace ringlog::cluster {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using testing::TestCore;

class SqliteFixture {
public:
    explicit SqliteFixture(TestCore& core) {
        path_ = std::filesystem::path(::testing::TempDir()) /
                (std::string("store_suite_") +
                 ::testing::UnitTest::GetInstance()->current_test_info()->name() + ".db");
        std::filesystem::remove(path_);
        std::filesystem::remove(path_ + "-wal");
        auto opened = core.run(SqliteStore::open(core.reactor(), {.path = path_}));
        RL_ASSERT(opened.has_value(), "{}", opened.error().text);
        store_ = std::move(*opened);
    }
    ~SqliteFixture() {
        std::filesystem::remove(path_);
        std::filesystem::remove(path_ + "-wal");
    }
    MetadataStore& store() { return *store_; }

private:
    std::string path_;
    std::unique_ptr<SqliteStore> store_;
};

class MemoryFixture {
public:
    explicit MemoryFixture(TestCore& core, MemoryStoreFaults faults = {})
        : state_(core.clock()), store_(core.reactor(), state_, faults) {}
    MetadataStore& store() { return store_; }

private:
    MemoryStoreState state_;
    MemoryStore store_;
};

class DelayedMemoryFixture : public MemoryFixture {
public:
    explicit DelayedMemoryFixture(TestCore& core)
        : MemoryFixture(core, {.seed = 7, .delay_max_ns = 5 * kMillisecondNs}) {}
};

template <typename Fixture>
class StoreSuite : public ::testing::Test {
protected:
    ~StoreSuite() override { core_.run(store().close()); }

    MetadataStore& store() { return fixture_.store(); }

    Result<Revision> put(const std::string& key, const std::string& value, LeaseId lease = 0) {
        return core_.run(store().write({}, {{.key = key, .value = value, .lease = lease}}));
    }
    Result<Revision> put_if(const std::string& key, Revision seen, const std::string& value) {
        return core_.run(
            store().write({{.key = key, .mod_revision = seen}}, {{.key = key, .value = value}}));
    }
    Result<Revision> erase(const std::string& key) {
        return core_.run(store().write({}, {{.key = key}}));
    }
    RangeResult read(const std::string& prefix) {
        auto result = core_.run(store().read(KeyRange::of_prefix(prefix)));
        RL_ASSERT(result.has_value());
        return *result;
    }
    std::unique_ptr<Watch> watch(const std::string& prefix, Revision from) {
        auto result = core_.run(store().watch(KeyRange::of_prefix(prefix), from));
        RL_ASSERT(result.has_value());
        return std::move(*result);
    }
    /// Changes as "key=value@revision" or "key deleted@revision", until `count` have come.
    std::vector<std::string> changes(Watch& watch, size_t count) {
        std::vector<std::string> all;
        while (all.size() < count) {
            auto batch = core_.run(watch.next());
            RL_ASSERT(batch.has_value(), "{}", describe(batch.error()));
            for (const Change& change : batch->changes) {
                const KeyValue& e = change.entry;
                all.push_back(change.deleted
                                  ? fmt::format("{} deleted@{}", e.key, e.mod_revision)
                                  : fmt::format("{}={}@{}", e.key, e.value, e.mod_revision));
            }
        }
        return all;
    }

    TestCore core_;
    Fixture fixture_{core_};
};

using Stores = ::testing::Types<SqliteFixture, MemoryFixture, DelayedMemoryFixture>;
TYPED_TEST_SUITE(StoreSuite, Stores);

TYPED_TEST(StoreSuite, AnEmptyStoreHasRevisionZero) {
    const RangeResult all = this->read("a");
    EXPECT_EQ(all.revision, 0);
    EXPECT_THAT(all.entries, IsEmpty());
}

TYPED_TEST(StoreSuite, VersionsAndRevisionsFollowTheWrites) {
    EXPECT_EQ(this->put("a/1", "x"), 1);
    EXPECT_EQ(this->put("a/2", "y"), 2);
    EXPECT_EQ(this->put("a/1", "z"), 3);
    const RangeResult all = this->read("a/");
    EXPECT_EQ(all.revision, 3);
    ASSERT_EQ(all.entries.size(), 2U);
    EXPECT_EQ(
        all.entries[0],
        (KeyValue{
            .key = "a/1", .value = "z", .create_revision = 1, .mod_revision = 3, .version = 2}));
    EXPECT_EQ(
        all.entries[1],
        (KeyValue{
            .key = "a/2", .value = "y", .create_revision = 2, .mod_revision = 2, .version = 1}));
}

TYPED_TEST(StoreSuite, AKeyThatWasDeletedBeginsAgain) {
    ASSERT_TRUE(this->put("a", "1").has_value());
    ASSERT_TRUE(this->erase("a").has_value());
    EXPECT_THAT(this->read("a").entries, IsEmpty());
    ASSERT_TRUE(this->put("a", "2").has_value());
    const RangeResult all = this->read("a");
    ASSERT_EQ(all.entries.size(), 1U);
    EXPECT_EQ(all.entries[0].version, 1);
    EXPECT_EQ(all.entries[0].create_revision, 3);
}

TYPED_TEST(StoreSuite, ARangeIsHalfOpenAndComparesBytes) {
    for (const std::string key : {"a", "b", "b/1", "b/\xff", "b0", "c"}) {
        ASSERT_TRUE(this->put(key, "v").has_value());
    }
    std::vector<std::string> keys;
    for (const KeyValue& entry : this->read("b/").entries) {
        keys.push_back(entry.key);
    }
    EXPECT_THAT(keys, ElementsAre("b/1", "b/\xff"));
    auto one = this->core_.run(this->store().read(KeyRange::of_key("b")));
    ASSERT_EQ(one->entries.size(), 1U);
    EXPECT_EQ(one->entries[0].key, "b");
}

TYPED_TEST(StoreSuite, ValuesKeepEveryByte) {
    const std::string value("\0\x01\xff{}\n", 6);
    ASSERT_TRUE(this->put("a", value).has_value());
    ASSERT_TRUE(this->put("b", "").has_value());
    EXPECT_EQ(this->read("a").entries.at(0).value, value);
    EXPECT_EQ(this->read("b").entries.at(0).value, "");
}

TYPED_TEST(StoreSuite, AGroupIsOneRevisionAndAllOrNothing) {
    ASSERT_TRUE(this->put("a", "1").has_value());
    auto group = this->core_.run(this->store().write(
        {{.key = "a", .mod_revision = 1}, {.key = "b", .mod_revision = 0}},
        {{.key = "a"}, {.key = "b", .value = "2"}, {.key = "c", .value = "3"}}));
    EXPECT_EQ(group, 2);
    auto refused = this->core_.run(
        this->store().write({{.key = "b", .mod_revision = 2}, {.key = "c", .mod_revision = 1}},
                            {{.key = "b", .value = "lost"}, {.key = "d", .value = "lost"}}));
    ASSERT_FALSE(refused.has_value());
    EXPECT_EQ(refused.error().code, Errc::conflict);
    EXPECT_EQ(refused.error().at, 1);
    EXPECT_EQ(this->read("b").entries.at(0).value, "2");
    EXPECT_THAT(this->read("d").entries, IsEmpty());
    EXPECT_EQ(this->read("a").revision, 2);
}

TYPED_TEST(StoreSuite, OnlyOneOfTwoWritersWithTheSameViewSucceeds) {
    ASSERT_EQ(this->put_if("a", 0, "first"), 1);
    EXPECT_EQ(this->put_if("a", 0, "second").error().code, Errc::conflict);
    ASSERT_EQ(this->put_if("a", 1, "third"), 2);
    EXPECT_EQ(this->put_if("a", 1, "fourth").error().code, Errc::conflict);
    EXPECT_EQ(this->read("a").entries.at(0).value, "third");
}

TYPED_TEST(StoreSuite, TooManyWritesAreRefused) {
    std::vector<Write> writes(this->store().max_group_writes() + 1, Write{.key = "a", .value = ""});
    EXPECT_EQ(this->core_.run(this->store().write({}, std::move(writes))).error().code,
              Errc::limit_exceeded);
}

TYPED_TEST(StoreSuite, AWatchSeesWhatFollowsTheReadInOrder) {
    ASSERT_TRUE(this->put("a/1", "old").has_value());
    const RangeResult all = this->read("a/");
    ASSERT_TRUE(this->put("a/1", "new").has_value());
    auto watch = this->watch("a/", all.revision + 1);
    ASSERT_TRUE(this->put("b", "elsewhere").has_value());
    ASSERT_TRUE(this->put("a/2", "x").has_value());
    ASSERT_TRUE(this->erase("a/1").has_value());
    ASSERT_TRUE(this->erase("a/none").has_value());
    EXPECT_THAT(this->changes(*watch, 3), ElementsAre("a/1=new@2", "a/2=x@4", "a/1 deleted@5"));
}

TYPED_TEST(StoreSuite, ABatchNeverSplitsARevision) {
    auto watch = this->watch("a", 1);
    ASSERT_TRUE(this->core_
                    .run(this->store().write(
                        {}, {{.key = "a1", .value = "1"}, {.key = "a2", .value = "2"}}))
                    .has_value());
    auto batch = this->core_.run(watch->next());
    ASSERT_TRUE(batch.has_value());
    EXPECT_EQ(batch->changes.size(), 2U);
    EXPECT_EQ(batch->revision, 1);
}

template <typename T>
io::Task<void> store_result(io::Task<T> task, std::optional<T>& value) {
    value.emplace(co_await std::move(task));
}

TYPED_TEST(StoreSuite, AWaitingWatchIsWokenByAWrite) {
    auto watch = this->watch("a", 1);
    std::optional<Result<ChangeBatch>> batch;
    io::TaskGroup group;
    group.spawn(store_result(watch->next(), batch));
    EXPECT_FALSE(batch.has_value());
    ASSERT_TRUE(this->put("a", "1").has_value());
    this->core_.turn_until([&] { return batch.has_value(); });
    EXPECT_EQ(batch->value().changes.size(), 1U);
}

TYPED_TEST(StoreSuite, ClosingAWatchEndsItsWait) {
    auto watch = this->watch("a", 1);
    std::optional<Result<ChangeBatch>> batch;
    io::TaskGroup group;
    group.spawn(store_result(watch->next(), batch));
    watch->close();
    this->core_.turn_until([&] { return batch.has_value(); });
    EXPECT_EQ(batch->error().code, Errc::closed);
}

TYPED_TEST(StoreSuite, ClosingTheStoreEndsWatchesAndLaterCalls) {
    auto watch = this->watch("a", 1);
    std::optional<Result<ChangeBatch>> batch;
    io::TaskGroup group;
    group.spawn(store_result(watch->next(), batch));
    this->core_.run(this->store().close());
    this->core_.turn_until([&] { return batch.has_value(); });
    EXPECT_EQ(batch->error().code, Errc::closed);
    EXPECT_EQ(this->put("a", "1").error().code, Errc::closed);
    EXPECT_EQ(this->core_.run(this->store().read(KeyRange::of_key("a"))).error().code,
              Errc::closed);
    watch.reset();
}

TYPED_TEST(StoreSuite, RevokingALeaseDeletesItsKeysInOneRevision) {
    auto lease = this->core_.run(this->store().grant_lease(10'000));
    ASSERT_TRUE(lease.has_value());
    ASSERT_EQ(this->put("k/1", "1", lease->id), 1);
    ASSERT_EQ(this->put("k/2", "2", lease->id), 2);
    ASSERT_EQ(this->put("k/3", "stays"), 3);
    EXPECT_TRUE(this->core_.run(this->store().renew_lease(lease->id)).has_value());
    auto watch = this->watch("k/", 4);
    EXPECT_TRUE(this->core_.run(this->store().revoke_lease(lease->id)).has_value());
    EXPECT_THAT(this->changes(*watch, 2), ElementsAre("k/1 deleted@4", "k/2 deleted@4"));
    EXPECT_EQ(this->read("k/").entries.size(), 1U);
    EXPECT_EQ(this->core_.run(this->store().renew_lease(lease->id)).error().code, Errc::not_found);
    EXPECT_EQ(this->put("k/1", "1", lease->id).error().code, Errc::not_found);
    EXPECT_TRUE(this->core_.run(this->store().revoke_lease(lease->id)).has_value());
}

TYPED_TEST(StoreSuite, AKeyThatIsWrittenWithoutTheLeaseOutlivesIt) {
    auto lease = this->core_.run(this->store().grant_lease(10'000));
    ASSERT_TRUE(this->put("k", "1", lease->id).has_value());
    ASSERT_TRUE(this->put("k", "2").has_value());
    ASSERT_TRUE(this->core_.run(this->store().revoke_lease(lease->id)).has_value());
    EXPECT_EQ(this->read("k").entries.at(0).value, "2");
}

TYPED_TEST(StoreSuite, CallsThatOverlapTakeEffectOnceEach) {
    std::optional<Result<Revision>> first;
    std::optional<Result<Revision>> second;
    std::optional<Result<RangeResult>> all;
    io::TaskGroup group;
    auto& store = this->store();
    group.spawn(store_result(store.write({{.key = "a"}}, {{.key = "a", .value = "1"}}), first));
    group.spawn(store_result(store.write({{.key = "a"}}, {{.key = "a", .value = "2"}}), second));
    group.spawn(store_result(store.read(KeyRange::of_key("a")), all));
    this->core_.turn_until([&] { return first && second && all; });
    EXPECT_NE(first->has_value(), second->has_value());
    EXPECT_EQ(this->read("a").entries.at(0).value, first->has_value() ? "1" : "2");
    EXPECT_EQ(this->read("a").revision, 1);
}

}  // namespace
}  // namespace ringlog::cluster

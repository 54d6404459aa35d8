// The embedded store over a real reactor and helper threads: overlapping calls are served in turn,
// one at a time.
#include "cluster/sqlite_store.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "cluster/controller.h"
#include "io/block_on.h"
#include "io/runtime.h"

namespace ringlog::cluster {
namespace {

class SqliteStoreTest : public ::testing::Test {
protected:
    SqliteStoreTest() {
        auto created = io::Runtime::create({.cpus = {io::allowed_cpus().front()}, .pin = false});
        RL_ASSERT(created.has_value(), "{}", describe(created.error()));
        runtime_ = std::move(*created);
        path_ = std::filesystem::path(::testing::TempDir()) /
                (std::string("sqlite_store_") +
                 ::testing::UnitTest::GetInstance()->current_test_info()->name() + ".db");
        remove();
    }
    ~SqliteStoreTest() override { remove(); }

    void remove() {
        std::filesystem::remove(path_);
        std::filesystem::remove(path_ + "-wal");
    }
    io::Reactor& reactor() { return runtime_->reactor(io::CoreId(0)); }
    std::unique_ptr<SqliteStore> open() {
        auto opened = io::block_on(reactor(), SqliteStore::open(reactor(), {.path = path_}));
        RL_ASSERT(opened.has_value(), "{}", opened.error().text);
        return std::move(*opened);
    }

    std::unique_ptr<io::Runtime> runtime_;
    std::string path_;
};

/// Adds one to the number under `key`, `times` times, against others who do the same.
io::Task<void> increment(MetadataStore& store, std::string key, int times) {
    while (times > 0) {
        const auto read = co_await store.read(KeyRange::of_key(key));
        RL_ASSERT(read.has_value());
        const bool there = !read->entries.empty();
        const int64_t value = there ? std::stoll(read->entries[0].value) : 0;
        std::vector<Condition> conditions;
        std::vector<Write> writes;
        conditions.push_back(
            {.key = key, .mod_revision = there ? read->entries[0].mod_revision : 0});
        writes.push_back({.key = key, .value = std::to_string(value + 1)});
        const auto written = co_await store.write(std::move(conditions), std::move(writes));
        RL_ASSERT(written.has_value() || written.error().code == Errc::conflict);
        times -= written.has_value() ? 1 : 0;
    }
}

io::Task<void> increment_by_many(MetadataStore& store, int writers, int times) {
    io::TaskGroup group;
    for (int i = 0; i < writers; ++i) {
        group.spawn(increment(store, "n", times));
    }
    co_await group.close();
}

TEST_F(SqliteStoreTest, NoIncrementOfManyWritersIsLost) {
    auto store = open();
    io::block_on(reactor(), increment_by_many(*store, 4, 5));
    const auto read = io::block_on(reactor(), store->read(KeyRange::of_key("n")));
    EXPECT_EQ(read->entries.at(0).value, "20");
    EXPECT_EQ(read->revision, 20);
    io::block_on(reactor(), store->close());
}

TEST_F(SqliteStoreTest, AControllerFindsItsTopicsAfterARestart) {
    std::string cluster_id;
    for (int life = 0; life < 3; ++life) {
        auto store = open();
        auto opened = io::block_on(reactor(), Controller::open(reactor(), *store, {}, nullptr));
        ASSERT_TRUE(opened.has_value()) << opened.error().text;
        Controller& controller = **opened;
        if (life == 0) {
            std::vector<NewTopic> topics;
            topics.push_back({.name = "a", .partition_count = 1000});
            const auto created =
                io::block_on(reactor(), controller.create_topics(std::move(topics), false));
            EXPECT_EQ(created.at(0).error.code, kafka::ErrorCode::none);
            cluster_id = controller.image()->cluster_id();
        }
        EXPECT_EQ(controller.image()->cluster_id(), cluster_id);
        EXPECT_EQ(controller.broker_epoch(), life + 1);
        EXPECT_EQ(controller.image()->topic("a")->partition(999)->leader_epoch, life);
        io::block_on(reactor(), controller.close());
        opened->reset();
        io::block_on(reactor(), store->close());
    }
}

}  // namespace
}  // namespace ringlog::cluster

// The embedded store's file: what survives a restart, what is refused at the start, and failing
// disks.
#include "cluster/sqlite_database.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "tests/unit/cluster/faulty_vfs.h"

namespace ringlog::cluster {
namespace {

using testing::FaultyVfs;
using ::testing::HasSubstr;

class SqliteDatabaseTest : public ::testing::Test {
protected:
    SqliteDatabaseTest() {
        directory_ = std::filesystem::path(::testing::TempDir()) /
                     (std::string("sqlite_") +
                      ::testing::UnitTest::GetInstance()->current_test_info()->name());
        std::filesystem::remove_all(directory_);
        std::filesystem::create_directories(directory_);
        path_ = directory_ / "metadata.db";
    }
    ~SqliteDatabaseTest() override { std::filesystem::remove_all(directory_); }

    SqliteDatabase open(const std::string& vfs = {}) {
        auto opened = SqliteDatabase::open({.path = path_, .vfs = vfs});
        RL_ASSERT(opened.has_value(), "{}", opened.error().text);
        return std::move(*opened);
    }
    StartFailure refused(bool create = true) {
        auto opened = SqliteDatabase::open({.path = path_, .create = create});
        RL_ASSERT(!opened.has_value());
        return opened.error();
    }
    static Result<SqliteDatabase::Written> put(SqliteDatabase& database, const std::string& key,
                                               const std::string& value, LeaseId lease = 0) {
        return database.write({}, {{.key = key, .value = value, .lease = lease}});
    }
    static std::string get(SqliteDatabase& database, const std::string& key) {
        auto found = database.read(KeyRange::of_key(key));
        RL_ASSERT(found.has_value());
        return found->entries.empty() ? "(none)" : found->entries[0].value;
    }

    std::filesystem::path directory_;
    std::string path_;
};

TEST_F(SqliteDatabaseTest, ARestartFindsEveryKeyVersionAndRevision) {
    {
        SqliteDatabase database = open();
        ASSERT_TRUE(put(database, "a", "1").has_value());
        ASSERT_TRUE(put(database, "a", "2").has_value());
    }
    SqliteDatabase database = open();
    EXPECT_EQ(database.revision(), 2);
    const auto all = database.read(KeyRange::of_key("a"));
    EXPECT_EQ(
        all->entries.at(0),
        (KeyValue{
            .key = "a", .value = "2", .create_revision = 1, .mod_revision = 2, .version = 2}));
    EXPECT_EQ(put(database, "b", "3")->revision, 3);
}

TEST_F(SqliteDatabaseTest, AWriteIsFlushedBeforeItIsAnswered) {
    FaultyVfs vfs;
    SqliteDatabase database = open(FaultyVfs::kName);
    const int64_t before = vfs.syncs;
    ASSERT_TRUE(put(database, "a", "1").has_value());
    EXPECT_GT(vfs.syncs, before);
}

TEST_F(SqliteDatabaseTest, AKilledProcessLosesNothingThatWasAnswered) {
    SqliteDatabase database = open();
    ASSERT_TRUE(put(database, "a", "1").has_value());
    // What another process would find after a kill: the file and its log as they are now.
    const std::string copy = directory_ / "copy.db";
    std::filesystem::copy_file(path_, copy);
    std::filesystem::copy_file(path_ + "-wal", copy + "-wal");
    auto reopened = SqliteDatabase::open({.path = copy, .create = false});
    ASSERT_TRUE(reopened.has_value());
    EXPECT_EQ(get(*reopened, "a"), "1");
}

TEST_F(SqliteDatabaseTest, KeysOfLeasesOfAnEarlierLifeAreGone) {
    {
        SqliteDatabase database = open();
        ASSERT_TRUE(put(database, "leased", "1", 5).has_value());
        ASSERT_TRUE(put(database, "stays", "1").has_value());
    }
    SqliteDatabase database = open();
    EXPECT_EQ(get(database, "leased"), "(none)");
    EXPECT_EQ(get(database, "stays"), "1");
    EXPECT_EQ(database.revision(), 3);
}

TEST_F(SqliteDatabaseTest, ASecondProcessIsRefused) {
    SqliteDatabase database = open();
    const StartFailure failure = refused();
    EXPECT_EQ(failure.error.code, Errc::locked);
    EXPECT_THAT(failure.text, HasSubstr("another process"));
}

TEST_F(SqliteDatabaseTest, AMissingStoreIsRefusedWhereOneMustBe) {
    const StartFailure failure = refused(false);
    EXPECT_EQ(failure.error.code, Errc::not_found);
    EXPECT_THAT(failure.text, HasSubstr("missing"));
    EXPECT_FALSE(std::filesystem::exists(path_));
}

TEST_F(SqliteDatabaseTest, AnEmptyFileIsRefusedWhereAStoreMustBe) {
    std::ofstream(path_).close();
    EXPECT_EQ(refused(false).error.code, Errc::not_found);
}

TEST_F(SqliteDatabaseTest, SomethingThatIsNoDatabaseIsRefused) {
    std::ofstream(path_) << std::string(8192, 'x');
    const StartFailure failure = refused();
    EXPECT_EQ(failure.error.code, Errc::corrupt_file);
    EXPECT_THAT(failure.text, HasSubstr("not a database"));
}

TEST_F(SqliteDatabaseTest, AnotherProgramsDatabaseIsRefused) {
    {
        auto other = SqliteConnection::open(path_, {}, true);
        ASSERT_TRUE(other->execute("CREATE TABLE kv(key, value)").has_value());
    }
    EXPECT_FALSE(SqliteDatabase::open({.path = path_}).has_value());
    {
        auto other = SqliteConnection::open(path_, {}, false);
        ASSERT_TRUE(other->execute("DROP TABLE kv; PRAGMA application_id = 77").has_value());
    }
    EXPECT_THAT(refused().text, HasSubstr("not a metadata store of Ringlog"));
}

TEST_F(SqliteDatabaseTest, ANewerFormatIsRefused) {
    open();
    {
        auto raw = SqliteConnection::open(path_, {}, false);
        ASSERT_TRUE(raw->execute("PRAGMA user_version = 2").has_value());
    }
    const StartFailure failure = refused();
    EXPECT_EQ(failure.error.code, Errc::version_unknown);
    EXPECT_THAT(failure.text, HasSubstr("has format 2"));
}

TEST_F(SqliteDatabaseTest, ADamagedPageIsRefused) {
    {
        SqliteDatabase database = open();
        for (int i = 0; i < 200; ++i) {
            ASSERT_TRUE(
                put(database, "key" + std::to_string(i), std::string(100, 'v')).has_value());
        }
    }
    const auto size = std::filesystem::file_size(path_);
    ASSERT_GT(size, 3U * 4096);
    std::fstream file(path_, std::ios::in | std::ios::out | std::ios::binary);
    for (uint64_t page = 2; page < size / 4096; ++page) {
        file.seekp(static_cast<std::streamoff>(page * 4096));
        file << std::string(64, '\xee');
    }
    file.close();
    EXPECT_EQ(refused().error.code, Errc::corrupt_file);
}

TEST_F(SqliteDatabaseTest, AFullDiskRefusesTheWriteAndHeals) {
    FaultyVfs vfs;
    SqliteDatabase database = open(FaultyVfs::kName);
    ASSERT_TRUE(put(database, "a", "1").has_value());
    vfs.fail_at(0, SQLITE_FULL, false);
    const auto refused_write = put(database, "a", "2");
    ASSERT_FALSE(refused_write.has_value());
    EXPECT_EQ(refused_write.error().code, Errc::no_space);
    EXPECT_FALSE(database.failed());
    EXPECT_EQ(get(database, "a"), "1");
    EXPECT_EQ(put(database, "a", "3")->revision, 2);
    EXPECT_EQ(get(database, "a"), "3");
}

TEST_F(SqliteDatabaseTest, AFailedFlushStopsTheStore) {
    FaultyVfs vfs;
    SqliteDatabase database = open(FaultyVfs::kName);
    ASSERT_TRUE(put(database, "a", "1").has_value());
    vfs.fail_at(1, SQLITE_IOERR_FSYNC, false);
    int64_t nth = 0;
    Result<SqliteDatabase::Written> written = put(database, "a", "2");
    while (written.has_value()) {
        ASSERT_LT(++nth, 20);
        vfs.fail_at(nth, SQLITE_IOERR_FSYNC, false);
        written = put(database, "a", "2");
    }
    EXPECT_EQ(written.error().code, Errc::io_failed);
    EXPECT_TRUE(database.failed());
    EXPECT_EQ(put(database, "a", "3").error().code, Errc::read_only);
    EXPECT_EQ(database.read(KeyRange::of_key("a")).error().code, Errc::io_failed);
}

// Goal: whatever single write or flush fails, in whatever way, an answer is never a lie.
// Method: fail the Nth for N = 0, 1, 2... until a run sees no fault; reopen without faults and
// compare with the answers.
TEST_F(SqliteDatabaseTest, AnySingleFaultKeepsEveryAnswerTrue) {
    FaultyVfs vfs;
    for (const int code : {SQLITE_IOERR_WRITE, SQLITE_IOERR_FSYNC, SQLITE_FULL}) {
        for (const bool stays : {false, true}) {
            for (int64_t nth = 0;; ++nth) {
                ASSERT_LT(nth, 1000);
                std::filesystem::remove_all(directory_);
                std::filesystem::create_directories(directory_);
                std::string certain = "(none)";
                std::string possible = "(none)";
                {
                    vfs.heal();
                    SqliteDatabase database = open(FaultyVfs::kName);
                    vfs.fail_at(nth, code, stays);
                    for (int i = 0; i < 5; ++i) {
                        const std::string value = std::to_string(i);
                        const auto written = put(database, "a", value);
                        const Errc why = written.has_value() ? Errc{} : written.error().code;
                        if (written.has_value()) {
                            certain = possible = value;
                        } else if (why == Errc::io_failed) {
                            possible = value;
                        } else {
                            EXPECT_TRUE(why == Errc::no_space || why == Errc::read_only)
                                << describe(written.error());
                        }
                    }
                }
                const bool quiet = vfs.failures == 0;
                vfs.heal();
                SqliteDatabase reopened = open(FaultyVfs::kName);
                const std::string found = get(reopened, "a");
                EXPECT_TRUE(found == certain || found == possible)
                    << "nth " << nth << " code " << code << ": found " << found << ", answered "
                    << certain;
                if (quiet) {
                    break;
                }
            }
        }
    }
}

}  // namespace
}  // namespace ringlog::cluster

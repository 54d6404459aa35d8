// The file system of a simulated node: names, durability of names, descriptors, space, locks, and
// faults of single calls.
#include "tests/simulation/sim_file_system.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cerrno>

#include "tests/simulation/sim_world.h"

namespace ringlog::simulation {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr PowerLoss kLoseAll{.data = Fate::lost, .names = Fate::lost};

class SimFileSystemTest : public ::testing::Test {
protected:
    io::FileSystem& files() { return node_.files(); }
    void cut_power(const PowerLoss& how = kLoseAll) {
        node_.crash(CrashKind::power_loss, how);
        node_.restart();
    }
    int32_t create(const std::string& path) {
        auto opened = files().open(path, {.create = true, .write = true, .direct = false});
        EXPECT_TRUE(opened.has_value());
        return opened->descriptor;
    }
    static int32_t errno_of(const auto& result) { return result ? 0 : result.error().os_errno; }

    SimWorld world_{1};
    SimNode& node_ = world_.add_node();
};

TEST_F(SimFileSystemTest, NamesWithoutASyncOfTheirDirectoryAreLost) {
    ASSERT_TRUE(files().make_directory("/data"));
    ASSERT_TRUE(files().sync_directory("/"));
    const int32_t descriptor = create("/data/a");
    ASSERT_TRUE(files().write(descriptor, as_bytes("x"), 0));
    ASSERT_TRUE(files().sync_data(descriptor));
    EXPECT_THAT(node_.disk().list_tree(), ElementsAre("/data/", "/data/a"));
    cut_power();
    EXPECT_THAT(node_.disk().list_tree(), ElementsAre("/data/"));
}

TEST_F(SimFileSystemTest, ADirectoryThatIsItselfNotDurableIsLostWithWhatWasSyncedInIt) {
    ASSERT_TRUE(files().make_directory("/data"));
    create("/data/a");
    ASSERT_TRUE(files().sync_directory("/data"));
    cut_power();
    EXPECT_THAT(node_.disk().list_tree(), IsEmpty());
}

TEST_F(SimFileSystemTest, AnUnsyncedRenameGivesTheOldNameBackWhole) {
    const int32_t old = create("/slot");
    ASSERT_TRUE(files().write(old, as_bytes("old"), 0));
    ASSERT_TRUE(files().sync_data(old));
    ASSERT_TRUE(files().sync_directory("/"));
    const int32_t fresh = create("/slot.new");
    ASSERT_TRUE(files().write(fresh, as_bytes("new"), 0));
    ASSERT_TRUE(files().sync_data(fresh));
    ASSERT_TRUE(files().rename("/slot.new", "/slot"));
    EXPECT_EQ(as_text(node_.disk().read_all("/slot")), "new");
    cut_power();
    EXPECT_THAT(node_.disk().list_tree(), ElementsAre("/slot"));
    EXPECT_EQ(as_text(node_.disk().read_all("/slot")), "old");
}

TEST_F(SimFileSystemTest, ARandomPowerLossKeepsAPrefixOfTheNames) {
    std::set<size_t> kept;
    for (int i = 0; i < 100; ++i) {
        create("/a");
        create("/b");
        create("/c");
        cut_power({});
        const std::vector<std::string> left = node_.disk().list_tree();
        const std::vector<std::string> all{"/a", "/b", "/c"};
        ASSERT_TRUE(std::equal(left.begin(), left.end(), all.begin()));
        kept.insert(left.size());
        for (const std::string& path : left) {
            ASSERT_TRUE(files().remove(path));
        }
        ASSERT_TRUE(files().sync_directory("/"));
    }
    EXPECT_THAT(kept, ElementsAre(0, 1, 2, 3));
}

TEST_F(SimFileSystemTest, SyncFileSystemMakesEverythingDurable) {
    ASSERT_TRUE(files().make_directory("/data"));
    ASSERT_TRUE(files().write(create("/data/a"), as_bytes("x"), 0));
    ASSERT_TRUE(files().sync_file_system("/data"));
    cut_power();
    EXPECT_EQ(as_text(node_.disk().read_all("/data/a")), "x");
}

TEST_F(SimFileSystemTest, AKillLosesNothingThatHadCompleted) {
    ASSERT_TRUE(files().write(create("/a"), as_bytes("x"), 0));
    node_.crash(CrashKind::kill);
    node_.restart();
    EXPECT_EQ(as_text(node_.disk().read_all("/a")), "x");
}

TEST_F(SimFileSystemTest, AnErrorHasTheErrnoOfTheKernel) {
    ASSERT_TRUE(files().make_directory("/data"));
    EXPECT_EQ(files().make_directory("/data").error().code, Errc::exists);
    EXPECT_EQ(files().open("/none", {}).error().code, Errc::not_found);
    EXPECT_EQ(files().open("/none/a", {.create = true}).error().code, Errc::not_found);
    EXPECT_EQ(errno_of(files().open("/data", {})), EISDIR);
    create("/data/a");
    EXPECT_EQ(files().open("/data/a", {.create = true, .exclusive = true}).error().code,
              Errc::exists);
    EXPECT_EQ(errno_of(files().remove("/data")), ENOTEMPTY);
    EXPECT_EQ(errno_of(files().rename("/data", "/data/a/b")), ENOTDIR);
    ASSERT_TRUE(files().make_directory("/data/sub"));
    EXPECT_EQ(errno_of(files().rename("/data", "/data/sub/data")), EINVAL);
    EXPECT_EQ(errno_of(files().list("/data/a")), ENOTDIR);
    auto read_only = files().open("/data/a", {.direct = false});
    EXPECT_EQ(errno_of(files().write(read_only->descriptor, as_bytes("x"), 0)), EBADF);
}

TEST_F(SimFileSystemTest, DirectFilesDemandAlignment) {
    auto opened = files().open("/a", {.create = true, .write = true});
    ASSERT_TRUE(opened->direct);
    std::vector<std::byte> bytes(3 * 4096);
    std::byte* aligned = bytes.data() + (4096 - reinterpret_cast<uintptr_t>(bytes.data()) % 4096);
    EXPECT_TRUE(files().write(opened->descriptor, ByteView(aligned, 4096), 4096));
    EXPECT_EQ(errno_of(files().write(opened->descriptor, ByteView(aligned, 512), 0)), EINVAL);
    EXPECT_EQ(errno_of(files().write(opened->descriptor, ByteView(aligned, 4096), 512)), EINVAL);
    EXPECT_EQ(errno_of(files().read(opened->descriptor, Bytes(aligned + 512, 4096), 0)), EINVAL);
}

TEST_F(SimFileSystemTest, AFullDiskRefusesAndHealsWhenSomethingIsRemoved) {
    node_.disk().set_capacity(8192);
    const int32_t first = create("/a");
    ASSERT_TRUE(files().prewrite(first, 0, 8192));
    EXPECT_EQ(files().space("/")->free_bytes, 0u);
    const int32_t second = create("/b");
    EXPECT_EQ(files().write(second, as_bytes("x"), 0).error().code, Errc::no_space);
    EXPECT_EQ(files().preallocate(second, 0, 1).error().code, Errc::no_space);
    EXPECT_TRUE(files().write(first, as_bytes("x"), 0));  // overwrites need no room
    ASSERT_TRUE(files().remove("/a"));
    EXPECT_TRUE(files().write(second, as_bytes("x"), 0));
}

TEST_F(SimFileSystemTest, ALockExcludesUntilItIsDestroyedOrItsProcessDies) {
    auto lock = files().lock("/lock");
    ASSERT_TRUE(lock);
    EXPECT_EQ(files().lock("/lock").error().code, Errc::locked);
    lock->reset();
    lock = files().lock("/lock");
    ASSERT_TRUE(lock);
    node_.own(std::move(*lock));
    node_.crash(CrashKind::kill);
    node_.restart();
    EXPECT_TRUE(files().lock("/lock"));
}

TEST_F(SimFileSystemTest, APlannedFaultHitsTheNthCallOfItsKindOnce) {
    const int32_t descriptor = create("/a");
    const auto plan = node_.disk().arm({.effect = DiskEffect::error, .kinds = kFsSyncs, .nth = 2});
    EXPECT_TRUE(files().sync_data(descriptor));
    EXPECT_TRUE(files().write(descriptor, as_bytes("x"), 0));
    EXPECT_FALSE(plan->fired());
    EXPECT_EQ(errno_of(files().sync_directory("/")), EIO);
    EXPECT_TRUE(plan->fired());
    EXPECT_TRUE(files().sync_directory("/"));
    EXPECT_EQ(plan->seen(), 3u);
}

TEST_F(SimFileSystemTest, AfterAPlannedPowerLossNothingOfTheCallHappensAnyMore) {
    node_.disk().arm({.effect = DiskEffect::power_loss, .kinds = kFsNames, .nth = 2});
    create("/a");
    EXPECT_FALSE(files().make_directory("/b"));
    EXPECT_FALSE(files().sync_directory("/"));
    node_.set_power_loss(kLoseAll);
    world_.run_until_idle();
    EXPECT_FALSE(node_.up());
    EXPECT_THAT(node_.disk().list_tree(), IsEmpty());
}

TEST_F(SimFileSystemTest, AnUnlinkedFileLivesUntilItIsClosed) {
    const int32_t descriptor = create("/a");
    ASSERT_TRUE(files().write(descriptor, as_bytes("x"), 0));
    ASSERT_TRUE(files().remove("/a"));
    std::byte byte{};
    EXPECT_EQ(files().read(descriptor, Bytes(&byte, 1), 0), 1u);
    EXPECT_EQ(byte, std::byte{'x'});
    files().close(descriptor);
}

}  // namespace
}  // namespace ringlog::simulation

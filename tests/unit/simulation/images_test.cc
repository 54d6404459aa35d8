// The images that a power cut could leave: all of them, and that they find what is not durable.
#include "tests/simulation/images.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <set>
#include <string>

#include "io/file.h"
#include "tests/simulation/sim_world.h"

namespace ringlog::simulation {
namespace {

using io::Task;
using io::WriteMode;

TEST(EveryChoice, GivesEachCombinationOnceThoughQuestionsDependOnAnswers) {
    EveryChoice every;
    std::multiset<std::string> seen;
    do {
        std::string answers = std::to_string(every.below(2, Choices::About::writeback));
        if (answers == "1") {
            answers += std::to_string(every.below(3, Choices::About::writeback));
        }
        answers += std::to_string(every.below(2, Choices::About::sector));
        seen.insert(answers);
    } while (every.next());
    EXPECT_EQ(seen,
              (std::multiset<std::string>{"00", "01", "100", "101", "110", "111", "120", "121"}));
}

/// What "/f" may hold after a power loss now, as the first letter of each of its sectors; "-" if
/// there is no file.
std::multiset<std::string> outcomes(const SimNode& node, uint64_t exhaustive_limit) {
    std::multiset<std::string> seen;
    for_each_power_loss(node, {.exhaustive_limit = exhaustive_limit},
                        [&](std::unique_ptr<SimDisk> disk) {
                            std::string letters = disk->exists("/f") ? "" : "-";
                            if (disk->exists("/f")) {
                                const std::vector<std::byte> bytes = disk->read_all("/f");
                                for (uint64_t at = 0; at < bytes.size(); at += kSectorBytes) {
                                    letters += static_cast<char>(bytes[at]);
                                }
                            }
                            seen.insert(letters);
                        });
    return seen;
}

TEST(Images, AnOverwriteOfTwoSectorsLeavesFourContents) {
    SimWorld world(1);
    SimNode& node = world.add_node();
    auto& files = node.files();
    const int32_t file =
        files.open("/f", {.create = true, .write = true, .direct = false})->descriptor;
    ASSERT_TRUE(files.write(file, as_bytes(std::string(1024, 'o')), 0));
    const std::multiset<std::string> fresh = outcomes(node, 64);
    // The last: the size counts a block that did not get to the disk.
    EXPECT_EQ(std::set(fresh.begin(), fresh.end()),
              (std::set<std::string>{"-", "", "oo", std::string(2, '\0')}));
    ASSERT_TRUE(files.sync_data(file));
    ASSERT_TRUE(files.sync_directory("/"));
    EXPECT_EQ(outcomes(node, 64), (std::multiset<std::string>{"oo"}));
    ASSERT_TRUE(files.write(file, as_bytes(std::string(1024, 'n')), 0));
    const std::multiset<std::string> all = outcomes(node, 64);
    EXPECT_EQ(std::set(all.begin(), all.end()), (std::set<std::string>{"oo", "on", "no", "nn"}));
    EXPECT_EQ(as_text(node.disk().read_all("/f")), std::string(1024, 'n'));
}

TEST(Images, BeyondTheLimitEverySingleExceptionIsThere) {
    SimWorld world(1);
    SimNode& node = world.add_node();
    auto& files = node.files();
    const int32_t file =
        files.open("/f", {.create = true, .write = true, .direct = false})->descriptor;
    ASSERT_TRUE(files.prewrite(file, 0, 8 * 512));
    ASSERT_TRUE(files.sync_directory("/"));
    ASSERT_TRUE(files.write(file, as_bytes(std::string(8 * 512, 'n')), 0));
    const std::multiset<std::string> seen = outcomes(node, 16);
    for (size_t i = 0; i < 8; ++i) {
        std::string one_kept(8, '\0');
        one_kept[i] = 'n';
        std::string one_lost(8, 'n');
        one_lost[i] = '\0';
        EXPECT_TRUE(seen.contains(one_kept)) << i;
        EXPECT_TRUE(seen.contains(one_lost)) << i;
    }
    EXPECT_TRUE(seen.contains(std::string(8, 'n')));
    EXPECT_TRUE(seen.contains(std::string(8, '\0')));
}

/// Writes 'x' over /f, one block after the other; `acked` counts.
Task<void> overwrite(SimNode& node, WriteMode mode, uint64_t* acked) {
    io::FileSystem& files = node.files();
    auto opened = files.open("/f", {.create = true, .write = true});
    (void)files.prewrite(opened->descriptor, 0, 4 * 4096);
    (void)files.sync_directory("/");
    auto& file =
        node.own(std::make_unique<io::File>(std::move(*io::File::attach(node.reactor(), *opened))));
    std::byte* block = static_cast<std::byte*>(std::aligned_alloc(4096, 4096));
    std::fill_n(block, 4096, std::byte{'x'});
    for (uint64_t i = 0; i < 4; ++i) {
        auto written = co_await file.write(ByteView(block, 4096), i * 4096, mode);
        *acked += written ? 1 : 0;
    }
    std::free(block);
    file.close();
}

/// How many of the images of a run of overwrite() lack a block that was acknowledged.
uint64_t images_that_lost(WriteMode mode, uint64_t* images) {
    SimWorld world(1);
    SimNode& node = world.add_node();
    uint64_t acked = 0;
    uint64_t lost = 0;
    uint64_t seen = 0;
    world.set_check([&] {
        if (std::exchange(seen, node.disk().activity()) == node.disk().activity()) {
            return;
        }
        *images += for_each_power_loss(node, {}, [&](std::unique_ptr<SimDisk> disk) {
            if (acked == 0) {
                return;
            }
            const std::string text(as_text(disk->read_all("/f")));
            lost += text.starts_with(std::string(acked * 4096, 'x')) ? 0 : 1;
        });
    });
    node.run(0, overwrite(node, mode, &acked));
    EXPECT_EQ(acked, 4u);
    return lost;
}

TEST(Images, FindWhatIsAcknowledgedAndNotDurable) {
    uint64_t images = 0;
    EXPECT_EQ(images_that_lost(WriteMode::flushed, &images), 0u);
    EXPECT_GT(images, 100u);
    EXPECT_GT(images_that_lost(WriteMode::plain, &images), 10u);
}

TEST(Images, AnImageIsADiskForANewNode) {
    SimWorld world(1);
    SimNode& node = world.add_node();
    auto& files = node.files();
    ASSERT_TRUE(files.make_directory("/d"));
    const int32_t file =
        files.open("/d/f", {.create = true, .write = true, .direct = false})->descriptor;
    ASSERT_TRUE(files.write(file, as_bytes("hello"), 0));
    ASSERT_TRUE(files.sync_file_system("/"));
    SimWorld other(2);
    SimNode& found = other.add_node({}, node.copy_disk(3));
    EXPECT_EQ(as_text(found.disk().read_all("/d/f")), "hello");
    ASSERT_TRUE(found.files().remove("/d/f"));
    EXPECT_TRUE(node.disk().exists("/d/f"));
    found.crash(CrashKind::power_loss, {.names = Fate::lost});
    EXPECT_EQ(as_text(found.disk().read_all("/d/f")), "hello");
}

}  // namespace
}  // namespace ringlog::simulation

// Fault: the data of a deleted topic was removed twice at the same time: by the task that removes
// deleted topics, and by the one that makes a new topic of the same name. Wrong: the second rename
// of the directory found nothing and failed, so the new topic was not opened and its clients got
// KAFKA_STORAGE_ERROR. Rule: a directory that is gone is success.
#include <gtest/gtest.h>

#include <barrier>
#include <thread>

#include "engine/segment_directory.h"
#include "engine/segment_store.h"
#include "io/posix_file_system.h"
#include "tests/support/temporary_directory.h"

namespace ringlog::engine {
namespace {

// Method: helper threads of two cores remove the same partition, a hundred times, each time
// beginning together; the kernel chooses the order of their calls.
TEST(Regression0014, RemovalsThatOverlapBothSucceed) {
    constexpr int kTimes = 100;
    const test::TemporaryDirectory directory;
    const std::string& root = directory.path();
    io::PosixFileSystem files;
    const TopicPartition id{.topic = "t", .partition = 0};
    const std::string deleted = root + "/" + deleted_directory_name(id);
    std::barrier together(2);
    const auto keep_removing = [&](bool makes) {
        for (int i = 0; i < kTimes; ++i) {
            if (makes) {
                EXPECT_TRUE(make_partition_directory(files, root, id));
            }
            together.arrive_and_wait();
            EXPECT_TRUE(rename_partition_directory_deleted(files, root, id));
            together.arrive_and_wait();
            if (makes) {
                EXPECT_TRUE(files.remove(deleted + "/partition.metadata"));
                EXPECT_TRUE(files.remove(deleted));
            }
        }
    };
    std::thread other([&] { keep_removing(false); });
    keep_removing(true);
    other.join();
}

}  // namespace
}  // namespace ringlog::engine

// Machines that offer less: no direct I/O, no locked memory. And what the append path is promised
// where they offer it all.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <fstream>

#include "io/probe.h"
#include "tests/support/child_process.h"
#include "tests/support/io_suite.h"
#include "tests/support/kernel_fixture.h"

namespace ringlog::io {
namespace {

using testing::HasSubstr;

Task<bool> write_without_direct(Reactor& reactor, std::string path) {
    File file = co_await suite::open_file(reactor, path);
    const bool buffered = !file.direct() && file.block_bytes() >= 4096;
    file.close();
    co_await suite::write_and_read_back(reactor, path, WriteMode::plain, false);
    co_return buffered && !testing::Test::HasFailure();
}

TEST(Degraded, FilesWorkWhereDirectIoIsRefused) {
    for (const IoChoice choice : {IoChoice::uring, IoChoice::epoll}) {
        const auto child = test::run_in_child([choice] {
            const test::TemporaryDirectory directory;
            // O_DIRECT is set by fcntl: a file system without it answers so. Before the threads are
            // there, which inherit the filter.
            if (!test::refuse_system_calls({SYS_fcntl}, EINVAL)) {
                return 99;
            }
            auto runtime = Runtime::create(test::runtime_options(choice, 1)).value();
            Reactor& reactor = runtime->reactor(CoreId(0));
            return block_on(reactor, write_without_direct(reactor, directory.path() + "/f")) ? 0
                                                                                             : 1;
        });
        EXPECT_EQ(child.exit_status, 0) << child.output;
    }
}

// Goal: the usual limit of locked memory (8 MiB) costs speed and one log line, nothing else.
TEST(Degraded, MemoryThatCannotBeLockedIsUsedUnregisteredWithOneWarning) {
    if (geteuid() != 0) {
        GTEST_SKIP() << "needs root, to become a user whom the limit binds";
    }
    const auto child = test::run_in_child([] {
        const test::TemporaryDirectory directory;
        const std::string path = directory.path() + "/f";
        const rlimit limit{.rlim_cur = 4 << 20, .rlim_max = 4 << 20};
        // nobody, who has no CAP_IPC_LOCK; the directory is root's, and world readable as /tmp is.
        if (chmod(directory.path().c_str(), 0777) != 0 || setrlimit(RLIMIT_MEMLOCK, &limit) != 0 ||
            setgid(65534) != 0 || setuid(65534) != 0) {
            return 99;
        }
        auto runtime = Runtime::create(test::runtime_options(IoChoice::uring, 2));
        if (!runtime) {
            return 98;
        }
        suite::AlignedBuffer large(16 << 20);
        for (uint16_t core = 0; core < 2; ++core) {
            if ((*runtime)->reactor(CoreId(core)).backend().register_memory(large.bytes()) != -1) {
                return 97;
            }
        }
        Reactor& reactor = (*runtime)->reactor(CoreId(0));
        block_on(reactor, suite::write_and_read_back(reactor, path, WriteMode::flushed, true));
        return testing::Test::HasFailure() ? 1 : 0;
    });
    EXPECT_EQ(child.exit_status, 0) << child.output;
    EXPECT_THAT(child.output, HasSubstr("LimitMEMLOCK"));
    EXPECT_EQ(std::ranges::count(child.output, '\n'), 1) << child.output;
}

/// Threads of this process that the kernel started for operations that would block.
size_t kernel_workers() {
    size_t count = 0;
    for (const auto& task : std::filesystem::directory_iterator("/proc/self/task")) {
        std::string name;
        std::ifstream(task.path() / "comm") >> name;
        count += name.starts_with("iou-wrk") ? 1 : 0;
    }
    return count;
}

Task<void> append_to_prewritten(Reactor& reactor, std::string path) {
    constexpr uint64_t kFileBytes = 1 << 20;
    const auto opened = co_await reactor.run_blocking([&reactor, &path] {
        auto file = reactor.files().open(path, OpenOptions{.create = true, .write = true});
        EXPECT_TRUE(reactor.files().prewrite(file->descriptor, 0, kFileBytes).has_value());
        return file;
    });
    File file = std::move(*File::attach(reactor, *opened));
    suite::AlignedBuffer block(16384);
    for (uint64_t position = 0; position < kFileBytes; position += 16384) {
        FileOp write = file.write(block.bytes(), position, WriteMode::flushed);
        const auto written = co_await write;
        EXPECT_EQ(written, 16384U);
    }
    EXPECT_EQ(kernel_workers(), 0U);
    file.close();
}

// Goal: a flushed direct write to pre-written blocks never goes through a worker thread of the
// kernel, which would cost the ack path two context switches. Known to hold on ext4; XFS of Linux 6
// hands one write per clock tick to a worker.
TEST(AppendPath, FlushedWritesToPrewrittenBlocksNeedNoKernelWorker) {
    test::UringFixture fixture(1);
    const DirectoryProbe directory = probe_io(fixture.directory()).directory;
    if (directory.file_system != "ext4" || !directory.direct) {
        GTEST_SKIP() << "needs ext4 with direct I/O, found " << directory.file_system;
    }
    const std::string path = fixture.directory() + "/journal";
    fixture.run([&path](Reactor& reactor) { return append_to_prewritten(reactor, path); });
}

}  // namespace
}  // namespace ringlog::io

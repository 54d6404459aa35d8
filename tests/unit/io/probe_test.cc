// The probe agrees with what the backends find.
#include "io/probe.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "io/posix_file_system.h"
#include "io/uring_backend.h"
#include "tests/support/temporary_directory.h"

namespace ringlog::io {
namespace {

using testing::HasSubstr;

TEST(Probe, AgreesWithTheFileSystemAndTheRing) {
    const test::TemporaryDirectory directory;
    const IoProbe probe = probe_io(directory.path());
    EXPECT_EQ(probe.uring.allowed, UringBackend::create().has_value());
    PosixFileSystem files;
    const auto file =
        files.open(directory.path() + "/f", OpenOptions{.create = true, .write = true});
    ASSERT_TRUE(file.has_value());
    EXPECT_EQ(probe.directory.direct, file->direct);
    EXPECT_EQ(probe.directory.block_bytes, file->block_bytes);
    EXPECT_GT(probe.process.open_files, 0U);
    EXPECT_GT(probe.process.cpus, 0U);
    files.close(file->descriptor);
    EXPECT_EQ(files.list(directory.path())->size(), 1U);  // The probe left nothing.
}

TEST(Probe, ADirectoryThatIsMissingIsALineNotAFailure) {
    const IoProbe probe = probe_io("/nonexistent/ringlog");
    EXPECT_EQ(probe.directory.os_errno, ENOENT);
    const std::vector<std::string> lines = probe_lines(probe);
    EXPECT_EQ(lines.size(), 6U);
    EXPECT_THAT(lines[2], HasSubstr("cannot be used"));
    EXPECT_THAT(lines[3], HasSubstr("none found"));
}

TEST(Probe, LinesSayWhatAFlushedWriteCosts) {
    IoProbe probe;
    probe.uring.os_errno = EPERM;
    probe.device = {.name = "sda", .write_cache = true};
    probe.process.locked_memory_bytes = UINT64_MAX;
    EXPECT_THAT(probe_lines(probe)[1], HasSubstr("not available"));
    EXPECT_THAT(probe_lines(probe)[3], HasSubstr("a write and a flush"));
    EXPECT_THAT(probe_lines(probe)[4], HasSubstr("unlimited"));
    probe.device.fua = true;
    EXPECT_THAT(probe_lines(probe)[3], HasSubstr("one FUA write"));
    probe.device.write_cache = false;
    EXPECT_THAT(probe_lines(probe)[3], HasSubstr("no volatile cache"));
}

}  // namespace
}  // namespace ringlog::io

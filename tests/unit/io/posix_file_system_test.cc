// What only the real file system has: the lock across processes, and files that are not direct.
#include "io/posix_file_system.h"

#include <gtest/gtest.h>

#include <thread>

#include "tests/support/child_process.h"
#include "tests/support/temporary_directory.h"

namespace ringlog::io {
namespace {

TEST(PosixFileSystem, ALockIsExclusiveUntilItIsDestroyed) {
    const test::TemporaryDirectory directory;
    const std::string path = directory.path() + "/lock";
    PosixFileSystem files(0);
    auto held = files.lock(path);
    ASSERT_TRUE(held.has_value());
    EXPECT_GE((*held)->descriptor(), 0);
    const auto child = test::run_in_child([&] {
        const auto second = files.lock(path);
        return !second && second.error().code == Errc::locked ? 0 : 1;
    });
    EXPECT_EQ(child.exit_status, 0);
    held->reset();
    EXPECT_TRUE(files.lock(path).has_value());
}

TEST(PosixFileSystem, ALockWaitsForAPredecessorThatEnds) {
    const test::TemporaryDirectory directory;
    const std::string path = directory.path() + "/lock";
    PosixFileSystem patient(60'000);
    auto held = patient.lock(path);
    ASSERT_TRUE(held.has_value());
    std::thread successor([&] { EXPECT_TRUE(patient.lock(path).has_value()); });
    held->reset();
    successor.join();
}

TEST(PosixFileSystem, AFileOpenedWithoutDirectTakesAnyAlignment) {
    const test::TemporaryDirectory directory;
    PosixFileSystem files;
    const auto file = files.open(directory.path() + "/f",
                                 OpenOptions{.create = true, .write = true, .direct = false});
    ASSERT_TRUE(file.has_value());
    EXPECT_FALSE(file->direct);
    EXPECT_TRUE(files.write(file->descriptor, as_bytes("seven"), 3).has_value());
    std::array<std::byte, 100> buffer{};
    EXPECT_EQ(files.read(file->descriptor, buffer, 3), 5U);
    EXPECT_EQ(as_text(ByteView(buffer).first(5)), "seven");
    files.close(file->descriptor);
}

TEST(PosixFileSystem, ErrnoHasAName) {
    EXPECT_EQ(error_of_errno(ENOENT).code, Errc::not_found);
    EXPECT_EQ(error_of_errno(ENOSPC).code, Errc::no_space);
    EXPECT_EQ(error_of_errno(EDQUOT).code, Errc::no_space);
    EXPECT_EQ(error_of_errno(EEXIST).code, Errc::exists);
    EXPECT_EQ(error_of_errno(EIO), (Error{Errc::io_failed, EIO}));
}

}  // namespace
}  // namespace ringlog::io

// Names: directories, renames, syncs, space, the lock. See io/posix_file_system.h.
#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <ctime>
#include <string_view>
#include <utility>

#include "base/clock.h"
#include "io/posix_file_system.h"

namespace ringlog::io {

namespace {

/// A descriptor that is closed at the end of its scope.
class Descriptor {
public:
    explicit Descriptor(int32_t value) : value_(value) {}
    Descriptor(const Descriptor&) = delete;
    Descriptor& operator=(const Descriptor&) = delete;
    ~Descriptor() {
        if (value_ >= 0) {
            ::close(value_);
        }
    }
    [[nodiscard]] int32_t get() const { return value_; }
    int32_t release() { return std::exchange(value_, -1); }

private:
    int32_t value_;
};

class FileLock final : public DirectoryLock {
public:
    explicit FileLock(int32_t descriptor) : descriptor_(descriptor) {}
    [[nodiscard]] int32_t descriptor() const override { return descriptor_.get(); }

private:
    Descriptor descriptor_;
};

Result<void> result_of(int outcome) {
    if (outcome != 0) {
        return fail(error_of_errno(errno));
    }
    return {};
}

void sleep_ns(int64_t duration_ns) {
    const timespec duration{.tv_sec = duration_ns / kSecondNs, .tv_nsec = duration_ns % kSecondNs};
    nanosleep(&duration, nullptr);
}

}  // namespace

Result<void> PosixFileSystem::make_directory(const std::string& path) {
    return result_of(mkdir(path.c_str(), 0755));
}

Result<void> PosixFileSystem::rename(const std::string& from, const std::string& to) {
    return result_of(::rename(from.c_str(), to.c_str()));
}

Result<void> PosixFileSystem::remove(const std::string& path) {
    return result_of(::remove(path.c_str()));
}

Result<std::vector<DirectoryEntry>> PosixFileSystem::list(const std::string& path) {
    DIR* directory = opendir(path.c_str());
    if (directory == nullptr) {
        return fail(error_of_errno(errno));
    }
    std::vector<DirectoryEntry> entries;
    errno = 0;
    while (const dirent* item = readdir(directory)) {
        const std::string_view name = item->d_name;
        struct stat status{};
        if (name == "." || name == ".." ||
            fstatat(dirfd(directory), item->d_name, &status, AT_SYMLINK_NOFOLLOW) != 0) {
            errno = 0;  // Gone since: not an entry.
            continue;
        }
        entries.push_back({.name = std::string(name),
                           .directory = S_ISDIR(status.st_mode),
                           .size_bytes = static_cast<uint64_t>(status.st_size)});
    }
    const int32_t error = errno;
    closedir(directory);
    if (error != 0) {
        return fail(error_of_errno(error));
    }
    std::ranges::sort(entries, {}, &DirectoryEntry::name);
    return entries;
}

Result<void> PosixFileSystem::sync_directory(const std::string& path) {
    const Descriptor directory(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (directory.get() < 0) {
        return fail(error_of_errno(errno));
    }
    return result_of(fsync(directory.get()));
}

Result<void> PosixFileSystem::sync_file_system(const std::string& path) {
    const Descriptor any(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (any.get() < 0) {
        return fail(error_of_errno(errno));
    }
    return result_of(syncfs(any.get()));
}

Result<Space> PosixFileSystem::space(const std::string& path) {
    struct statvfs status{};
    if (statvfs(path.c_str(), &status) != 0) {
        return fail(error_of_errno(errno));
    }
    return Space{.free_bytes = uint64_t{status.f_bavail} * status.f_frsize,
                 .total_bytes = uint64_t{status.f_blocks} * status.f_frsize};
}

Result<std::unique_ptr<DirectoryLock>> PosixFileSystem::lock(const std::string& path) {
    constexpr int64_t kPauseNs = 10 * kMillisecondNs;
    Descriptor file(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644));
    if (file.get() < 0) {
        return fail(error_of_errno(errno));
    }
    for (int64_t waited_ns = 0;; waited_ns += kPauseNs) {
        if (flock(file.get(), LOCK_EX | LOCK_NB) == 0) {
            return std::make_unique<FileLock>(file.release());
        }
        if (errno != EWOULDBLOCK && errno != EINTR) {
            return fail(error_of_errno(errno));
        }
        if (waited_ns >= lock_wait_ms_ * kMillisecondNs) {
            return fail(Errc::locked, EWOULDBLOCK);
        }
        sleep_ns(kPauseNs);
    }
}

}  // namespace ringlog::io

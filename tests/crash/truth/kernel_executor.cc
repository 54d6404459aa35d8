#include "tests/crash/truth/kernel_executor.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/fs.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>

#include "engine/aligned_bytes.h"
#include "io/posix_file_system.h"

namespace ringlog::truth {
namespace {

/// XFS_IOC_GOINGDOWN, which ext4 knows as EXT4_IOC_SHUTDOWN: the same number. 2: what is in the log
/// buffers is dropped.
constexpr unsigned long kGoingDown = _IOR('X', 125, uint32_t);
constexpr uint32_t kNoLogFlush = 2;
/// Beside the scenario's files: what a commit changes.
constexpr const char* kOther = "/.other";

bool command(const std::string& line) {
    return std::system((line + " >/dev/null 2>&1").c_str()) == 0;  // NOLINT(cert-env33-c)
}

Result<void> of_call(int result) {
    return result == 0 ? Result<void>{} : fail(io::error_of_errno(errno));
}

}  // namespace

KernelExecutor::~KernelExecutor() {
    if (mounted_) {
        unmount();
    }
}

bool KernelExecutor::mount() {
    // Nothing is committed by a timer: the scenario says what is.
    const std::string options = type_ == "ext4" ? "loop,commit=600" : "loop";
    mounted_ = command(fmt::format("mount -t {} -o {} {}/image {}", type_, options,
                                   directory_.path(), mount_point()));
    return mounted_;
}

bool KernelExecutor::unmount() {
    mounted_ = ::umount(mount_point().c_str()) != 0;
    return !mounted_;
}

std::string KernelExecutor::prepare() {
    if (geteuid() != 0) {
        return "mounting needs root";
    }
    const std::string make = "mkfs." + type_;
    if (!command("command -v " + make)) {
        return make + " is not installed";
    }
    if (unshare(CLONE_NEWNS) != 0 ||
        ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) {
        return "a mount namespace is not allowed here: " + std::string(std::strerror(errno));
    }
    // XFS wants 300 MiB; the file has holes.
    if (!command(fmt::format("truncate -s 320M {0}/image && {1} {2} {0}/image", directory_.path(),
                             make, type_ == "ext4" ? "-q -F" : "-q -f"))) {
        return make + " failed";
    }
    std::filesystem::create_directory(mount_point());
    if (!mount()) {
        return "a loop mount of " + type_ + " is not allowed here";
    }
    auto down = shut_down();
    if (!down) {
        return "the file system cannot be shut down: " + describe(down.error());
    }
    return unmount() && mount() ? "" : "the file system could not be mounted again";
}

Result<void> KernelExecutor::shut_down() {
    const int descriptor = ::open(mount_point().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (descriptor < 0) {
        return fail(io::error_of_errno(errno));
    }
    const auto down = of_call(ioctl(descriptor, kGoingDown, &kNoLogFlush));
    ::close(descriptor);
    return down;
}

Result<void> KernelExecutor::run_on_file(const Step& step, int32_t descriptor) {
    io::PosixFileSystem files;
    const uint64_t end = step.position + step.length;
    switch (step.kind) {
        case Step::Kind::write: {
            const engine::AlignedBytes bytes(step.length);
            std::memset(bytes.data(), step.fill, step.length);
            const iovec part{bytes.data(), step.length};
            const ssize_t moved = pwritev2(descriptor, &part, 1, static_cast<off_t>(step.position),
                                           step.durable ? RWF_DSYNC : 0);
            if (moved != static_cast<ssize_t>(step.length)) {
                return fail(io::error_of_errno(moved < 0 ? errno : EIO));
            }
            return {};
        }
        case Step::Kind::sync_data: return files.sync_data(descriptor);
        case Step::Kind::prewrite: return files.prewrite(descriptor, step.position, end);
        case Step::Kind::preallocate: return files.preallocate(descriptor, step.position, end);
        case Step::Kind::truncate: return files.truncate(descriptor, step.length);
        case Step::Kind::write_back:
            return of_call(sync_file_range(
                descriptor, static_cast<off_t>(step.position), static_cast<off_t>(step.length),
                SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE | SYNC_FILE_RANGE_WAIT_AFTER));
        default: return {};
    }
}

Result<void> KernelExecutor::run_step(const Step& step) {
    io::PosixFileSystem files;
    const std::string path = mount_point() + step.path;
    switch (step.kind) {
        case Step::Kind::make_directory: return files.make_directory(path);
        case Step::Kind::rename: return files.rename(path, mount_point() + step.target);
        case Step::Kind::remove: return files.remove(path);
        case Step::Kind::sync_directory: return files.sync_directory(path);
        case Step::Kind::sync_all: return files.sync_file_system(mount_point());
        case Step::Kind::commit: {
            // A change of another file's own, and an fsync of that file.
            const std::string other = mount_point() + kOther;
            const int descriptor = ::open(other.c_str(), O_RDWR | O_CLOEXEC);
            struct stat status{};
            Result<void> done = of_call(fstat(descriptor, &status));
            done = done ? of_call(fchmod(descriptor, status.st_mode ^ S_IXUSR)) : done;
            done = done ? of_call(fsync(descriptor)) : done;
            ::close(descriptor);
            return done;
        }
        default: break;
    }
    auto opened = files.open(
        path, {.create = step.kind == Step::Kind::create, .write = true, .direct = step.direct});
    if (!opened) {
        return fail(opened.error());
    }
    const auto done = run_on_file(step, opened->descriptor);
    files.close(opened->descriptor);
    return done;
}

Result<void> KernelExecutor::run_steps(const std::vector<Step>& steps) {
    for (const Step& step : steps) {
        auto done = run_step(step);
        if (!done) {
            return done;
        }
    }
    return {};
}

void KernelExecutor::remove_everything() {
    for (const auto& entry : std::filesystem::directory_iterator(mount_point())) {
        if (entry.path().filename() != "lost+found") {
            std::filesystem::remove_all(entry.path());
        }
    }
    std::ofstream(mount_point() + kOther) << "other";
}

Result<Tree> KernelExecutor::run(const TruthScenario& scenario) {
    io::PosixFileSystem files;
    remove_everything();
    auto done = run_steps(scenario.before);
    done = done ? files.sync_file_system(mount_point()) : done;
    done = done ? run_steps(scenario.steps) : done;
    done = done ? shut_down() : done;
    if (!done) {
        return fail(done.error());
    }
    if (!unmount() || !mount()) {
        return fail(Errc::io_failed);
    }
    Tree tree;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(mount_point())) {
        const std::string path = entry.path().string().substr(mount_point().size());
        if (path == kOther || path == "/lost+found") {
            continue;
        }
        if (entry.is_directory()) {
            tree[path + "/"];
            continue;
        }
        std::ifstream file(entry.path(), std::ios::binary);
        tree[path] = std::string(std::istreambuf_iterator<char>(file), {});
    }
    return tree;
}

}  // namespace ringlog::truth
